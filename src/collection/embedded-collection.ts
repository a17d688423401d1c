import type { Awaitable } from '../core/awaitable.js'
import type {
  CallOptions,
  Collection,
  Explained,
  Hit,
  PointGroup,
  QueryOptions,
  ReadOptions,
  RetrieveOptions,
  ScrollOptions,
  ScrollPage,
  Selector,
  StoredPoint,
  UpdateCondition,
  WriteOperation,
  WriteOptions,
  WriteResult,
} from '../core/database.js'
import { invalid } from '../core/errors.js'
import type { Filter } from '../core/filter.js'
import { LIMITS } from '../core/limits.js'
import type { PayloadIndexKind, PayloadIndexOptions } from '../core/payload-index.js'
import type { Payload, PointId } from '../core/point.js'
import type { FacetHit, FacetOptions, QueryGroupsOptions, SearchMatrix, SearchMatrixOptions } from '../core/query.js'
import type { QueryPlan } from '../core/query-plan.js'
import type { CollectionInfo, ConfigChange, VectorNameConfig } from '../core/schema.js'
import type { CollectionSnapshots } from '../core/snapshots.js'
import { compileFilter } from '../filter/program.js'
import { facet } from '../query/facet.js'
import { queryGroups } from '../query/groups.js'
import { searchMatrix } from '../query/matrix.js'
import { retrieve, scrollPage } from '../query/pages.js'
import { runQuery } from '../query/run.js'
import { explainSearch, plainTarget, search } from '../query/search.js'
import type { Catalog, QueryScope } from '../query/source.js'
import type { Admission } from './admission.js'
import { readBytes, writeBytes } from './anticipated.js'
import { type CallScope, withDeadline } from './call-scope.js'
import type { CollectionEngine } from './collection-engine.js'
import type { CollectionView } from './collection-view.js'
import { memoryBudget, withRoom } from './memory-budget.js'
import { withoutVectorName, withVectorName } from './named-vectors.js'
import { checkPayloadIndex } from './payload-index.js'
import { planOperation } from './plans.js'
import type { QuotaGuard } from './quota-guard.js'
import { changeConfig } from './schema.js'
import { checkCount, checkQueries, checkScroll } from './strict-queries.js'
import type { EditVectors } from './vector-changes.js'

const SCROLL_PAGE = 256
/** Operations that quotas have a say in; all others make room, or take next to none. */
const TAKES_ROOM: ReadonlySet<string> = new Set(['upsert', 'updateVectors', 'setPayload', 'overwritePayload'])
const DEFAULT_LIMIT = 10
const DEFAULT_GROUP_SIZE = 3

/** What a database shares with the handles on its collections. */
export interface CollectionHost {
  admission: Admission
  quotas: QuotaGuard
  aliases(): string[]
  snapshots: CollectionSnapshots
  catalog: Catalog
}

/** The verbs of one collection in this process. All handles of one collection share its engine. */
export class EmbeddedCollection<P = Payload> implements Collection<P> {
  readonly #engine: CollectionEngine
  readonly #admission: Admission
  readonly #quotas: QuotaGuard
  readonly #aliases: () => string[]
  readonly snapshots: CollectionSnapshots
  readonly #catalog: Catalog

  constructor(engine: CollectionEngine, { admission, quotas, aliases, snapshots, catalog }: CollectionHost) {
    this.#engine = engine
    this.#admission = admission
    this.#quotas = quotas
    this.#aliases = aliases
    this.snapshots = snapshots
    this.#catalog = catalog
  }

  get name(): string {
    return this.#engine.name
  }

  async info(call?: CallOptions): Promise<CollectionInfo> {
    return await withDeadline(call, () => this.#engine.info())
  }

  async aliases(call?: CallOptions): Promise<string[]> {
    this.#engine.checkOpen()
    return await withDeadline(call, () => this.#aliases())
  }

  async updateConfig(change: ConfigChange, call?: CallOptions): Promise<void> {
    await withDeadline(call, () => this.#engine.updateConfig((config) => changeConfig(config, change)))
  }

  async upsert(
    points: Parameters<Collection<P>['upsert']>[0],
    options?: WriteOptions & UpdateCondition,
  ): Promise<WriteResult> {
    return await this.#write({ op: 'upsert', points: points as never, ...conditionIn(options) }, options)
  }

  async updateVectors(
    points: Parameters<Collection<P>['updateVectors']>[0],
    options?: WriteOptions & Pick<UpdateCondition, 'updateFilter'>,
  ): Promise<WriteResult> {
    return await this.#write({ op: 'updateVectors', points, ...conditionIn(options) }, options)
  }

  async deleteVectors(names: readonly string[], which: Selector, options?: WriteOptions): Promise<WriteResult> {
    return await this.#write({ op: 'deleteVectors', names, which }, options)
  }

  async delete(which: Selector, options?: WriteOptions): Promise<WriteResult> {
    return await this.#write({ op: 'delete', which }, options)
  }

  async setPayload(
    payload: Partial<P>,
    which: Selector,
    options?: WriteOptions & { key?: string },
  ): Promise<WriteResult> {
    const key = options?.key === undefined ? {} : { key: options.key }
    return await this.#write({ op: 'setPayload', payload, which, ...key }, options)
  }

  async overwritePayload(payload: P, which: Selector, options?: WriteOptions & { key?: string }): Promise<WriteResult> {
    return await this.#write({ op: 'overwritePayload', payload, which }, options)
  }

  async deletePayload(keys: readonly string[], which: Selector, options?: WriteOptions): Promise<WriteResult> {
    return await this.#write({ op: 'deletePayload', keys, which }, options)
  }

  async clearPayload(which: Selector, options?: WriteOptions): Promise<WriteResult> {
    return await this.#write({ op: 'clearPayload', which }, options)
  }

  async batch(operations: readonly WriteOperation<P>[], options?: WriteOptions): Promise<WriteResult[]> {
    if (!Array.isArray(operations)) throw invalid('operations', 'expected an array of operations', operations)
    if (operations.length > LIMITS.batchQueries) {
      throw invalid('operations', `expected at most ${LIMITS.batchQueries} operations`, operations.length)
    }
    this.#engine.checkWritable()
    for (const operation of operations) await this.#checkWrite(operation, options)
    return await withDeadline(options, async (scope) => {
      // All are validated before the first is written; then each is its own write, and the first that fails ends the batch.
      const bytes = operations.reduce((sum, operation) => sum + this.#writeBytes(operation), 0)
      return await withRoom(bytes, scope, async () => {
        const writes = []
        for (const operation of operations) writes.push(await this.#plan(operation))
        this.#engine.strictMode?.written(writes.length)
        const results: WriteResult[] = []
        for (const write of writes) results.push(await write(options ?? {}, scope.signal))
        return results
      })
    })
  }

  /** What the owner of the collection, and that of the node, allow. */
  async #checkWrite(operation: WriteOperation<P>, options: WriteOptions | undefined): Promise<void> {
    await this.#engine.strictMode?.write(operation as WriteOperation<unknown>, options?.timeoutMs)
    if (TAKES_ROOM.has(operation.op)) await this.#quotas.check()
  }

  #writeBytes(operation: WriteOperation<P>): number {
    return writeBytes(operation as WriteOperation<unknown>, this.#engine.schema)
  }

  async #write(operation: WriteOperation<P>, options: WriteOptions = {}): Promise<WriteResult> {
    this.#engine.checkWritable()
    await this.#checkWrite(operation, options)
    return await withDeadline(options, (scope) =>
      withRoom(this.#writeBytes(operation), scope, async () => {
        const write = await this.#plan(operation)
        this.#engine.strictMode?.written(1)
        return await write(options, scope.signal)
      }),
    )
  }

  /** A write that is validated. Where vectors are others by the time its turn comes, it is validated again by those. */
  async #plan(
    operation: WriteOperation<P>,
  ): Promise<(options: WriteOptions, signal: AbortSignal) => Promise<WriteResult>> {
    const { view, strictMode } = this.#engine
    const { shard, schema } = view
    const plan = await planOperation(operation as WriteOperation<unknown>, { shard, schema, strictMode })
    const isPresent = () => this.#engine.shard === view.shard
    return async (options, signal) => {
      const result = await this.#engine.writer.write(plan, options, signal, isPresent)
      return result ?? (await (await this.#plan(operation))(options, signal))
    }
  }

  async retrieve(ids: readonly PointId[], options: RetrieveOptions = {}): Promise<StoredPoint<P>[]> {
    if (!Array.isArray(ids)) throw invalid('ids', 'expected an array of ids', ids)
    return await this.#read(options, (scope, view) =>
      this.#answer(ids.length, options, scope, () => retrieve<P>(view.shard, view.schema, ids, options)),
    )
  }

  async query(query: QueryOptions): Promise<Hit<P>[]> {
    this.#checkQueries([query])
    return await this.#read(query, (scope, view) => this.#query(query, scope, view))
  }

  async queryBatch(queries: readonly QueryOptions[], call?: CallOptions): Promise<Hit<P>[][]> {
    return await this.#batch(queries, call, async (query, scope, view) => await this.#query(query, scope, view))
  }

  async explain(query: QueryOptions): Promise<Explained<P>> {
    this.#checkQueries([query])
    return await this.#read(query, (scope, view) => this.#explain(query, scope, view))
  }

  async explainBatch(queries: readonly QueryOptions[], call?: CallOptions): Promise<Explained<P>[]> {
    return await this.#batch(queries, call, async (query, scope, view) => await this.#explain(query, scope, view))
  }

  /** Checked together before any of them runs. `run` is async, lest what one throws at once leave those of others to nobody. */
  async #batch<T>(
    queries: readonly QueryOptions[],
    call: CallOptions | undefined,
    run: (query: QueryOptions, scope: CallScope, view: CollectionView) => Promise<T>,
  ): Promise<T[]> {
    if (!Array.isArray(queries)) throw invalid('searches', 'expected an array of queries', queries)
    if (queries.length > LIMITS.batchQueries) {
      throw invalid('searches', `expected at most ${LIMITS.batchQueries} queries`, queries.length)
    }
    this.#checkQueries(queries)
    const all = (scope: CallScope, view: CollectionView) => Promise.all(queries.map((query) => run(query, scope, view)))
    return await this.#read(call, all, queries.length)
  }

  #explain(query: QueryOptions, scope: CallScope, view: CollectionView): Awaitable<Explained<P>> {
    const { shard, schema } = view
    return this.#answer(query.limit ?? DEFAULT_LIMIT, query, scope, async () => {
      if (plainTarget(query, schema) !== undefined) return await explainSearch<P>(shard, schema, query, scope)
      const { hits, plan } = await runQuery<P>(query, this.#scopeOf(view, scope, true))
      return { hits, plan: plan as QueryPlan }
    })
  }

  async queryGroups(query: QueryGroupsOptions): Promise<PointGroup<P>[]> {
    const rows = (query.limit ?? DEFAULT_LIMIT) * (query.groupSize ?? DEFAULT_GROUP_SIZE)
    this.#checkQueries([query])
    return await this.#read(query, (scope, view) =>
      this.#answer(rows, query, scope, () => queryGroups<P>(query, this.#scopeOf(view, scope, false))),
    )
  }

  async facet(options: FacetOptions): Promise<FacetHit[]> {
    this.#checkFilter(options)
    return await this.#read(options, (scope, view) => facet(view, options, scope.signal))
  }

  async searchMatrix(options: SearchMatrixOptions = {}): Promise<SearchMatrix> {
    this.#checkFilter(options)
    return await this.#read(options, (scope, view) => searchMatrix(view, options, scope))
  }

  #query(query: QueryOptions, scope: CallScope, view: CollectionView): Awaitable<Hit<P>[]> {
    return this.#answer(query.limit ?? DEFAULT_LIMIT, query, scope, () => this.#run(query, scope, view))
  }

  /** Before what is bounded by memory and the number of searches: what is refused takes no place. */
  #checkQueries(queries: readonly QueryOptions[]): void {
    const { strictMode } = this.#engine
    if (strictMode) checkQueries(queries, strictMode)
  }

  #checkFilter(options: { filter?: Filter | null; limit?: number }): void {
    const { strictMode } = this.#engine
    if (strictMode) checkScroll(options, strictMode)
  }

  /** A search for neighbours of one vector may end at once; all else is a plan with a promise. */
  #run(query: QueryOptions, scope: CallScope, view: CollectionView): Awaitable<Hit<P>[]> {
    if (plainTarget(query, view.schema) !== undefined) return search<P>(view.shard, view.schema, query, scope)
    const answer = runQuery<P>(query, this.#scopeOf(view, scope, false))
    return answer instanceof Promise ? answer.then(({ hits }) => hits) : answer.hits
  }

  #scopeOf(source: CollectionView, call: CallScope, explains: boolean): QueryScope {
    return { source, catalog: this.#catalog, call, explains }
  }

  async scrollPage(options: ScrollOptions = {}): Promise<ScrollPage<P>> {
    this.#checkFilter(options)
    return await this.#read(options, (scope, view) =>
      this.#answer(options.limit ?? DEFAULT_LIMIT, options, scope, () =>
        scrollPage<P>(view.shard, view.schema, options, scope.signal),
      ),
    )
  }

  async *scroll(options: ScrollOptions = {}): AsyncIterable<StoredPoint<P>> {
    if (options.orderBy)
      throw invalid('order_by', 'expected a page of points: only those in the order of ids go on by themselves')
    let offset = options.offset ?? null
    do {
      const page = await this.scrollPage({ ...options, limit: options.limit ?? SCROLL_PAGE, offset })
      yield* page.points
      offset = page.nextOffset
    } while (offset !== null)
  }

  async count(options: Parameters<Collection<P>['count']>[0] = {}): Promise<number> {
    const filterIn = ({ schema }: CollectionView) => {
      const vectorNames = schema.map(({ name }) => name)
      return options.filter ? compileFilter(options.filter, { vectorNames }) : null
    }
    filterIn(this.#engine.view)
    const { strictMode } = this.#engine
    if (strictMode) checkCount(options, strictMode)
    return await this.#read(options, (scope, view) => {
      const { shard } = view
      const filter = filterIn(view)
      return options.exact === false && filter ? shard.estimateCount(filter) : shard.count(filter, scope.signal)
    })
  }

  async createPayloadIndex(
    field: string,
    schema: PayloadIndexKind | PayloadIndexOptions,
    options: WriteOptions = {},
  ): Promise<WriteResult> {
    this.#engine.checkWritable()
    const index = checkPayloadIndex(field, schema)
    this.#engine.strictMode?.payloadIndex(field)
    return await withDeadline(options, () => this.#engine.createPayloadIndex(index, options))
  }

  async deletePayloadIndex(field: string, options: WriteOptions = {}): Promise<WriteResult> {
    this.#engine.checkWritable()
    return await withDeadline(options, () => this.#engine.deletePayloadIndex(field))
  }

  async createVectorName(name: string, config: VectorNameConfig, options: WriteOptions = {}): Promise<WriteResult> {
    return await this.#changeVectors((before) => withVectorName(before, name, config), options)
  }

  async deleteVectorName(name: string, options: WriteOptions = {}): Promise<WriteResult> {
    return await this.#changeVectors((before) => withoutVectorName(before, name), options)
  }

  /** It is not worth waiting less for: the change is made when it is durable. */
  async #changeVectors(edit: EditVectors, options: WriteOptions): Promise<WriteResult> {
    this.#engine.checkWritable()
    // What can be told at once is.
    edit(this.#engine.config)
    const result = await withDeadline(options, () => this.#engine.changeVectors(edit))
    return options.wait === false ? { ...result, status: 'acknowledged' } : result
  }

  async flush(call?: CallOptions): Promise<void> {
    this.#engine.checkWritable()
    await withDeadline(call, () => this.#engine.flush())
  }

  async waitForIndex(call?: CallOptions): Promise<void> {
    this.#engine.checkOpen()
    await withDeadline(call, () => this.#engine.waitForIndex())
  }

  /** An answer of so many rows, as soon as there is memory for it. */
  #answer<T>(rows: number, options: ReadOptions, scope: CallScope, work: () => Awaitable<T>): Awaitable<T> {
    const bytes = memoryBudget.isLimited ? readBytes(rows, options, this.#engine.schema) : 0
    return bytes === 0 ? work() : withRoom(bytes, scope, work)
  }

  #read<T>(
    options: CallOptions | undefined,
    work: (scope: CallScope, view: CollectionView) => Awaitable<T>,
    cost = 1,
  ): Awaitable<T> {
    this.#engine.checkOpen()
    const { strictMode } = this.#engine
    const run = () =>
      this.#admission.run(() => withDeadline(options, (scope) => this.#engine.read((view) => work(scope, view))))
    return strictMode ? strictMode.read(options?.timeoutMs, cost, run) : run()
  }
}

function conditionIn({ updateFilter, updateMode }: UpdateCondition = {}): UpdateCondition {
  return {
    ...(updateFilter === undefined ? {} : { updateFilter }),
    ...(updateMode === undefined ? {} : { updateMode }),
  }
}
