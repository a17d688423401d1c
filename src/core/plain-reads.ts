import { CallOptions } from './call-options.js'
import { copied } from './copied.js'
import type { Hit, ReadableCollection, RetrieveOptions, ScrollPage, StoredPoint } from './database.js'
import { renameField } from './error-field.js'
import { invalid } from './errors.js'
import { given, givenIfAny } from './given-options.js'
import { isPlain } from './known-keys.js'
import { isNumbers, type Payload, type PointId } from './point.js'
import type { QueryOptions, SearchOptions, SearchVector } from './query.js'
import { ScrollOptions } from './scroll.js'
import { isDocument, isSparseVector } from './sparse.js'
import type { Untyped } from './untyped.js'

/** Points of a page that its caller does not see. */
const SCROLL_PAGE = 256
/** Options of `query` that `search` does not take. */
const OF_QUERIES = ['query', 'prefetch', 'lookupFrom', 'lookup_from'] as const

/** The verbs for the plain case, made of those for every case: alike on all faces. */
export abstract class PlainReads<P = Payload>
  implements Untyped<Pick<ReadableCollection<P>, 'search' | 'get' | 'has' | 'scroll'>>
{
  abstract query(query: QueryOptions): Promise<Hit<P>[]>
  abstract retrieve(ids: readonly PointId[], options?: RetrieveOptions): Promise<StoredPoint<P>[]>
  abstract scrollPage(options?: ScrollOptions): Promise<ScrollPage<P>>

  async search(vector: SearchVector, options: SearchOptions = {}): Promise<Hit<P>[]> {
    checkSearch(options)
    if (!isNumbers(vector) && !isSparseVector(vector) && !isDocument(vector)) {
      throw invalid('vector', 'expected numbers, a sparse vector, or a text and its model', vector ?? null)
    }
    return await this.query({ ...options, query: vector }).catch((error: unknown) => {
      throw renameField(error, (field) => field.replace(/^query\b/, 'vector'))
    })
  }

  async get(id: PointId, options: RetrieveOptions = {}): Promise<StoredPoint<P> | null> {
    const [point] = await this.#one(id, options)
    return point ?? null
  }

  async has(id: PointId, call?: CallOptions): Promise<boolean> {
    return (await this.#one(id, { ...givenIfAny(CallOptions, call), withPayload: false })).length > 0
  }

  /** Its pages are asked for later, so the options are copied. */
  scroll(options: ScrollOptions = {}): AsyncIterable<StoredPoint<P>> {
    return this.#pages(copied(options))
  }

  async *#pages(asked: ScrollOptions): AsyncGenerator<StoredPoint<P>> {
    const options = given(ScrollOptions, asked) as ScrollOptions
    if (options.orderBy)
      throw invalid('orderBy', 'scroll expects no order; use scrollPage, and continue with startFrom')
    let offset = options.offset ?? null
    do {
      const page = await this.scrollPage({ ...options, limit: options.limit ?? SCROLL_PAGE, offset })
      yield* page.points
      offset = page.nextOffset
    } while (offset !== null)
  }

  async #one(id: PointId, options: RetrieveOptions): Promise<StoredPoint<P>[]> {
    return await this.retrieve([id], options).catch((error: unknown) => {
      throw renameField(error, (field) => field.replace(/^(ids|points)\[0\]/, 'id'))
    })
  }
}

/** All other options are those of `query`, which checks them. */
function checkSearch(options: unknown): void {
  if (!isPlain(options)) throw invalid('options', 'expected an object', options)
  const key = OF_QUERIES.find((name) => options[name] !== undefined)
  if (key !== undefined) throw invalid(key, 'expected a known option: search has no such one, query has')
}
