import { CallOptions } from '../../core/call-options.js'
import { copied } from '../../core/copied.js'
import type {
  Explained,
  ExplainedGroups,
  ExplainedMatrix,
  Hit,
  PointGroup,
  ReadableCollection,
  ReadOptions,
  ScrollPage,
  StoredPoint,
} from '../../core/database.js'
import { renameField } from '../../core/error-field.js'
import { invalid } from '../../core/errors.js'
import type { Filter } from '../../core/filter.js'
import { given, givenIfAny, givenList } from '../../core/given-options.js'
import { innerOf } from '../../core/inner-call.js'
import { LIMITS } from '../../core/limits.js'
import { andThen, type MaybePromise } from '../../core/maybe-promise.js'
import { PlainReads } from '../../core/plain-reads.js'
import type { Payload, PointId } from '../../core/point.js'
import {
  type FacetHit,
  FacetOptions,
  QueryGroupsOptions,
  QueryOptions,
  type SearchMatrix,
  SearchMatrixOptions,
} from '../../core/query.js'
import type { QueryPlan } from '../../core/query-plan.js'
import { CountOptions, RetrieveOptions, ScrollOptions } from '../../core/scroll.js'
import type { Untyped } from '../../core/untyped.js'
import { filterFacts } from '../../filter/filter-facts.js'
import { filterContext } from '../../filter/parse.js'
import { compileFilter } from '../../filter/program.js'
import { costOfQuery } from '../../query/cost.js'
import { queryGroups } from '../../query/groups.js'
import { DEFAULT_SAMPLE, searchMatrix } from '../../query/matrix.js'
import { facet, retrieve, scrollPage } from '../../query/pages.js'
import type { BoundedRead } from '../../query/rows.js'
import { runQuery } from '../../query/run.js'
import type { Catalog, QueryScope } from '../../query/source.js'
import { Turns } from '../../query/turns.js'
import type { ConcurrentSearches } from '../limits/concurrent-searches.js'
import type { StrictMode } from '../limits/strict-mode.js'
import { checkCount, checkGroups, checkMatrix, checkQueries, checkScroll } from '../limits/strict-queries.js'
import { readParts, withAnswerRoom } from '../memory/answer-room.js'
import { memoryBudget } from '../memory/memory-budget.js'
import { type CallScope, withDeadline } from './call-scope.js'
import type { CollectionView } from './collection-view.js'
import { readLargeFilters } from './large-filters.js'

const DEFAULT_LIMIT = 10
const DEFAULT_GROUP_SIZE = 3

/** The rows to read, and the bounds that the collection's owner set. */
export interface ReadSource {
  readonly name: string
  readonly view: CollectionView
  readonly strictMode: StrictMode | null
  checkOpen(): void
  read<T>(work: (view: CollectionView) => MaybePromise<T>): MaybePromise<T>
}

/** The parts that all readers of one database share. */
export interface ReadHost {
  admission: ConcurrentSearches
  catalog: Catalog
}

/** The reading methods of one collection. */
export class CollectionReads<P = Payload> extends PlainReads<P> implements Untyped<ReadableCollection<P>> {
  protected readonly source: ReadSource
  readonly #admission: ConcurrentSearches
  readonly #catalog: Catalog

  constructor(source: ReadSource, { admission, catalog }: ReadHost) {
    super()
    this.source = source
    this.#admission = admission
    this.#catalog = catalog
  }

  get name(): string {
    return this.source.name
  }

  async retrieve(ids: readonly PointId[], asked: RetrieveOptions = {}): Promise<StoredPoint<P>[]> {
    const options = given(RetrieveOptions, asked)
    if (!Array.isArray(ids)) throw invalid('ids', 'expected an array of ids', ids)
    const wanted = copied(ids)
    const read = (scope: CallScope, view: CollectionView) =>
      this.#answer(options, scope, (within) => retrieve<P>(view.shard, view.schema, wanted, within, scope))
    return await this.#read(options, read, () => wanted.length)
  }

  async query(asked: QueryOptions): Promise<Hit<P>[]> {
    const query = given(QueryOptions, asked)
    const large = this.#largeFilters([query], query)
    if (large) await large
    this.#checkQueries([query])
    const read = (scope: CallScope, view: CollectionView) =>
      this.#answer(query, scope, (within) => this.#run(within, scope, view))
    return await this.#read(query, read, () => this.#costOf([query], query))
  }

  async queryBatch(queries: readonly QueryOptions[], call?: CallOptions): Promise<Hit<P>[][]> {
    return await this.#batch(queries, call, async (query, scope, view) => await this.#run(query, scope, view))
  }

  async explain(asked: QueryOptions): Promise<Explained<P>> {
    const query = given(QueryOptions, asked)
    const large = this.#largeFilters([query], query)
    if (large) await large
    this.#checkQueries([query])
    const read = (scope: CallScope, view: CollectionView) =>
      this.#answer(query, scope, (within) => this.#explain(within, scope, view))
    return await this.#read(query, read, () => this.#costOf([query], query))
  }

  async explainBatch(queries: readonly QueryOptions[], call?: CallOptions): Promise<Explained<P>[]> {
    return await this.#batch(queries, call, async (query, scope, view) => await this.#explain(query, scope, view))
  }

  /**
   * Checks all queries before any of them runs. `run` is async, so that a synchronous throw cannot leave other promises
   * unhandled.
   */
  async #batch<T>(
    asked: readonly QueryOptions[],
    options: CallOptions | undefined,
    run: (query: QueryOptions & BoundedRead, scope: CallScope, view: CollectionView) => Promise<T>,
  ): Promise<T[]> {
    if (!Array.isArray(asked)) throw invalid('queries', 'expected an array of queries', asked)
    if (asked.length > LIMITS.batchQueries) {
      throw invalid('queries', `expected at most ${LIMITS.batchQueries} queries`, asked.length)
    }
    const call = givenIfAny(CallOptions, options)
    const queries = givenList(QueryOptions, asked, 'queries', call)
    const large = this.#largeFilters(queries, call, 'queries')
    if (large) await large
    this.#checkQueries(queries)
    const all = (scope: CallScope, view: CollectionView) => {
      const one = (query: QueryOptions & BoundedRead, at: number) =>
        run(query, scope, view).catch((error: unknown) => {
          throw renameField(error, (field) => placeInBatch(field, at, call))
        })
      const turns = new Turns(scope)
      if (!memoryBudget.isLimited) return turns.all(queries.map((query, at) => () => one(query, at)))
      const part = (at: number, mostBytes: number) => one({ ...(queries[at] as QueryOptions), mostBytes }, at)
      return withAnswerRoom(queries.length, call, scope, (rooms) => readParts(rooms, part, turns))
    }
    return await this.#read(call, all, () => this.#costOf(queries, call))
  }

  async #explain(query: QueryOptions & BoundedRead, scope: CallScope, view: CollectionView): Promise<Explained<P>> {
    const { hits, plan } = await runQuery<P>(query, this.#scopeOf(view, scope, true, query))
    scope.notes?.query(this.name, plan as QueryPlan)
    return { hits, plan: plan as QueryPlan }
  }

  async queryGroups(query: QueryGroupsOptions): Promise<PointGroup<P>[]> {
    return (await this.#groups(query, false)).groups
  }

  async explainGroups(query: QueryGroupsOptions): Promise<ExplainedGroups<P>> {
    const { groups, plan } = await this.#groups(query, true)
    return { groups, plan: plan as QueryPlan }
  }

  async #groups(asked: QueryGroupsOptions, explains: boolean): ReturnType<typeof queryGroups<P>> {
    const query = given(QueryGroupsOptions, asked)
    const large = this.#largeFilters([query], query)
    if (large) await large
    const rows = (query.limit ?? DEFAULT_LIMIT) * (query.groupSize ?? DEFAULT_GROUP_SIZE)
    const { strictMode } = this.source
    if (strictMode) checkGroups(query, rows, strictMode)
    const read = (scope: CallScope, view: CollectionView) =>
      this.#answer(query, scope, (within) =>
        andThen(queryGroups<P>(within, this.#scopeOf(view, scope, explains, within)), this.#noted(scope)),
      )
    return await this.#read(query, read, () => this.#costOf([query], query))
  }

  async facet(asked: FacetOptions): Promise<FacetHit[]> {
    const options = given(FacetOptions, asked)
    const large = this.#largeFilters([options], options)
    if (large) await large
    this.#checkFilter(options)
    return await this.#read(
      options,
      (scope, view) => facet(view, options, scope),
      () => this.#costOfScroll(options),
    )
  }

  async searchMatrix(options: SearchMatrixOptions = {}): Promise<SearchMatrix> {
    return (await this.#matrix(options, false)).matrix
  }

  async explainMatrix(options: SearchMatrixOptions = {}): Promise<ExplainedMatrix> {
    const { matrix, plan } = await this.#matrix(options, true)
    return { ...matrix, plan: plan as QueryPlan }
  }

  async #matrix(asked: SearchMatrixOptions, explains: boolean): ReturnType<typeof searchMatrix> {
    const options = given(SearchMatrixOptions, asked)
    const large = this.#largeFilters([options], options)
    if (large) await large
    const { strictMode } = this.source
    if (strictMode) checkMatrix(options, strictMode)
    const read = (scope: CallScope, view: CollectionView) =>
      this.#answer(options, scope, (within) =>
        andThen(searchMatrix(options, this.#scopeOf(view, scope, explains, within)), this.#noted(scope)),
      )
    // Points are scrolled, and each is searched for.
    const sampled = () => Math.min(options.sample ?? DEFAULT_SAMPLE, this.source.view.shard.stats().points)
    return await this.#read(options, read, () => this.#costOfScroll(options) + sampled())
  }

  #noted({ notes }: CallScope): <T extends { plan: QueryPlan | null }>(result: T) => T {
    return (result) => {
      if (result.plan) notes?.query(this.name, result.plan)
      return result
    }
  }

  /** Reads large filters before the strict mode checks, which then cost little. */
  #largeFilters(
    queries: readonly object[],
    options: CallOptions | undefined,
    list?: string,
  ): Promise<void> | undefined {
    this.source.checkOpen()
    return readLargeFilters(queries, this.source.view.schema, options, list)
  }

  /** Runs before the bounds on memory and concurrent searches, so that a refused query takes no place. */
  #checkQueries(queries: readonly QueryOptions[]): void {
    const { strictMode } = this.source
    if (strictMode) checkQueries(queries, strictMode)
  }

  #checkFilter(options: { filter?: Filter | null; limit?: number }): void {
    const { strictMode } = this.source
    if (strictMode) checkScroll(options, strictMode)
  }

  /** A query by given vectors may complete at once; any other query returns a promise. */
  #run(query: QueryOptions & BoundedRead, scope: CallScope, view: CollectionView): MaybePromise<Hit<P>[]> {
    return andThen(runQuery<P>(query, this.#scopeOf(view, scope, false, query)), ({ hits, plan }) => {
      if (plan) scope.notes?.query(this.name, plan)
      return hits
    })
  }

  #scopeOf(source: CollectionView, call: CallScope, explains: boolean, { mostBytes }: BoundedRead): QueryScope {
    return { source, catalog: this.#catalog, call, explains, mostBytes, notes: call.notes }
  }

  async scrollPage(asked: ScrollOptions = {}): Promise<ScrollPage<P>> {
    const options = given(ScrollOptions, asked)
    const large = this.#largeFilters([options], options)
    if (large) await large
    this.#checkFilter(options)
    const read = (scope: CallScope, view: CollectionView) =>
      this.#answer(options, scope, (within) => scrollPage<P>(view.shard, view.schema, within, scope))
    return await this.#read(options, read, () => this.#costOfScroll(options))
  }

  async count(asked: CountOptions = {}): Promise<number> {
    const options = given(CountOptions, asked)
    const large = this.#largeFilters([options], options)
    if (large) await large
    const filterIn = ({ schema }: CollectionView) =>
      options.filter ? compileFilter(options.filter, filterContext(schema)) : null
    filterIn(this.source.view)
    const { strictMode } = this.source
    if (strictMode) checkCount(options, strictMode)
    const read = (scope: CallScope, view: CollectionView) => {
      const { shard } = view
      const filter = filterIn(view)
      return options.exact === false && filter
        ? shard.estimateCount(filter, scope.signal)
        : shard.count(filter, scope.signal)
    }
    return await this.#read(options, read, () => this.#costOfScroll(options))
  }

  #costOfScroll({ filter }: { filter?: Filter | null }): number {
    return 1 + filterFacts(filter, filterContext(this.source.view.schema)).conditions
  }

  /** Vectors that queries name by id are fetched, because the cost depends on their length. */
  #costOf(queries: readonly QueryOptions[], call: CallOptions | undefined): MaybePromise<number> {
    return withDeadline(call, (scope) =>
      this.source.read(async (view) => {
        let cost = 0
        for (const query of queries) cost += await costOfQuery(query, this.#scopeOf(view, scope, false, {}))
        return cost
      }),
    )
  }

  /** Reads an answer as soon as there is memory for it. */
  #answer<T, O extends ReadOptions>(
    options: O,
    scope: CallScope,
    read: (options: O & BoundedRead) => MaybePromise<T>,
  ): MaybePromise<T> {
    if (!memoryBudget.isLimited) return read(options)
    return withAnswerRoom(1, options, scope, ([mostBytes]) => read({ ...options, mostBytes }))
  }

  #read<T>(
    options: CallOptions | undefined,
    work: (scope: CallScope, view: CollectionView) => MaybePromise<T>,
    costOf: () => MaybePromise<number>,
  ): MaybePromise<T> {
    this.source.checkOpen()
    const { strictMode } = this.source
    const run = () =>
      this.#admission.run(() => withDeadline(options, (scope) => this.source.read((view) => work(scope, view))))
    return strictMode ? strictMode.read(options?.timeoutMs, costOf, run) : run()
  }
}

/** The place of a query in its batch, as the caller wrote it; an error of a filter on the wire has it already. */
function placeInBatch(field: string, at: number, call: CallOptions | undefined): string {
  const list = innerOf(call)?.isRead === true ? 'searches' : 'queries'
  return field.startsWith(`${list}[`) ? field : `${list}[${at}].${field}`
}
