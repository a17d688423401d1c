import type { CallOptions } from './call-options.js'
import type { Hit, ReadableCollection, RetrieveOptions, ScrollOptions, ScrollPage, StoredPoint } from './database.js'
import { renameField } from './error-field.js'
import { invalid } from './errors.js'
import { checkIfGiven, isPlain } from './known-keys.js'
import { KNOWN_CALL } from './known-options.js'
import type { Payload, PointId } from './point.js'
import type { QueryOptions, SearchOptions, SearchVector } from './query.js'
import type { Untyped } from './untyped.js'

/** Options of `query` that `search` does not take. */
const OF_QUERIES = ['query', 'prefetch', 'lookupFrom', 'lookup_from'] as const
const SCROLL_PAGE = 256

/** The verbs for the plain case, made of those for every case: alike on all faces. */
export abstract class PlainReads<P = Payload>
  implements Untyped<Pick<ReadableCollection<P>, 'search' | 'get' | 'has' | 'scroll'>>
{
  abstract query(query: QueryOptions): Promise<Hit<P>[]>
  abstract scrollPage(options?: ScrollOptions): Promise<ScrollPage<P>>
  abstract retrieve(ids: readonly PointId[], options?: RetrieveOptions): Promise<StoredPoint<P>[]>

  async search(vector: SearchVector, options: SearchOptions = {}): Promise<Hit<P>[]> {
    checkSearch(options)
    if (vector === null || typeof vector !== 'object') {
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
    checkIfGiven(call, KNOWN_CALL)
    return (await this.#one(id, { ...call, withPayload: false })).length > 0
  }

  async *scroll(options: ScrollOptions = {}): AsyncIterable<StoredPoint<P>> {
    const known = isPlain(options) ? (options as ScrollOptions & { order_by?: unknown }) : null
    if (known?.orderBy || known?.order_by)
      throw invalid('orderBy', 'scroll expects no order; use scrollPage, and continue with startFrom')
    let offset = known?.offset ?? null
    do {
      // What is wrong with other options, the page says.
      const page = await this.scrollPage(known ? { ...options, limit: options.limit ?? SCROLL_PAGE, offset } : options)
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
