import type { CallOptions } from './call-options.js'
import type { Hit, ReadableCollection, RetrieveOptions, ScrollOptions, ScrollPage, StoredPoint } from './database.js'
import { renameField } from './error-field.js'
import { invalid } from './errors.js'
import { checkIfGiven, checkKnown } from './known-keys.js'
import { KNOWN_CALL, KNOWN_READ } from './known-options.js'
import type { Payload, PointId } from './point.js'
import type { QueryOptions, SearchOptions, SearchVector } from './query.js'
import type { Untyped } from './untyped.js'

/** Options of `query` that `search` does not take. */
const OF_QUERIES = new Set(['query', 'prefetch', 'lookupFrom'])
const SCROLL_PAGE = 256
const KNOWN_SEARCH = new Set([...KNOWN_READ.query].filter((key) => !OF_QUERIES.has(key)))

/** The verbs for the plain case, made of those for every case: alike on all faces. */
export abstract class PlainReads<P = Payload>
  implements Untyped<Pick<ReadableCollection<P>, 'search' | 'get' | 'has' | 'scroll'>>
{
  abstract query(query: QueryOptions): Promise<Hit<P>[]>
  abstract scrollPage(options?: ScrollOptions): Promise<ScrollPage<P>>
  abstract retrieve(ids: readonly PointId[], options?: RetrieveOptions): Promise<StoredPoint<P>[]>

  async search(vector: SearchVector, options: SearchOptions = {}): Promise<Hit<P>[]> {
    checkKnown(options, KNOWN_SEARCH)
    if (vector === null || typeof vector !== 'object') {
      throw invalid('vector', 'expected numbers, a sparse vector, or a text and its model', vector ?? null)
    }
    return await this.query({ ...options, query: vector }).catch((error: unknown) => {
      throw renameField(error, (field) => field.replace(/^query\b/, 'vector'))
    })
  }

  async get(id: PointId, options: RetrieveOptions = {}): Promise<StoredPoint<P> | null> {
    checkKnown(options, KNOWN_READ.retrieve)
    const [point] = await this.#one(id, options)
    return point ?? null
  }

  async has(id: PointId, call?: CallOptions): Promise<boolean> {
    checkIfGiven(call, KNOWN_CALL)
    return (await this.#one(id, { ...call, withPayload: false })).length > 0
  }

  async *scroll(options: ScrollOptions = {}): AsyncIterable<StoredPoint<P>> {
    checkKnown(options, KNOWN_READ.scroll)
    if (options.orderBy)
      throw invalid('order_by', 'scroll expects no order; use scrollPage, and continue with startFrom')
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
