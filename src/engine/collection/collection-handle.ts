import type {
  CallOptions,
  Collection,
  Explained,
  ExplainedGroups,
  ExplainedMatrix,
  Hit,
  PointGroup,
  QueryOptions,
  RetrieveOptions,
  ScrollOptions,
  ScrollPage,
  Selector,
  StoredPoint,
  UpsertResult,
  WriteOptions,
  WriteResult,
} from '../../core/database.js'
import { PlainReads } from '../../core/plain-reads.js'
import type { Payload, PointId } from '../../core/point.js'
import type { FacetHit, FacetOptions, QueryGroupsOptions, SearchMatrix, SearchMatrixOptions } from '../../core/query.js'
import type { QueryPlan } from '../../core/query-plan.js'
import type { CollectionInfo } from '../../core/schema.js'
import type { CollectionSnapshots } from '../../core/snapshots.js'
import type { Untyped } from '../../core/untyped.js'
import { untilDone, withCall } from './call-scope.js'
import type { CollectionSlot } from './collection-slot.js'
import type { EmbeddedCollection } from './embedded-collection.js'

/** The parts that a database gives its handles. */
export interface HandleHost {
  aliases(): string[]
  snapshots: CollectionSnapshots
}

/**
 * A collection as callers have it. It opens with its first use, and stays valid while the collection closes and opens
 * again.
 */
export class CollectionHandle<P = Payload> extends PlainReads<P> implements Untyped<Collection<P>> {
  readonly #slot: CollectionSlot
  readonly #aliases: () => string[]
  readonly snapshots: CollectionSnapshots

  constructor(slot: CollectionSlot, host: HandleHost) {
    super()
    this.#slot = slot
    this.#aliases = host.aliases
    this.snapshots = host.snapshots
  }

  get name(): string {
    return this.#slot.name
  }

  #use<T>(call: CallOptions | undefined, work: (methods: EmbeddedCollection<P>) => Promise<T>): Promise<T> {
    return this.#slot.use(({ methods }) => work(methods as unknown as EmbeddedCollection<P>), call)
  }

  /** The same for a call without a deadline of its own. */
  #useUntilDone<T>(call: CallOptions | undefined, work: (methods: EmbeddedCollection<P>) => Promise<T>): Promise<T> {
    return this.#slot.use(({ methods }) => work(methods as unknown as EmbeddedCollection<P>), call, untilDone)
  }

  /** The plans of a call that opened the collection say so. */
  #explained<T>(
    call: CallOptions | undefined,
    work: (methods: EmbeddedCollection<P>) => Promise<T>,
    plansOf: (answer: T) => QueryPlan[],
  ): Promise<T> {
    return this.#slot.use(async ({ methods }, openedInUs) => {
      const answer = await work(methods as unknown as EmbeddedCollection<P>)
      if (openedInUs !== undefined) for (const plan of plansOf(answer)) plan.openedInUs = openedInUs
      return answer
    }, call)
  }

  async warm(call?: CallOptions): Promise<void> {
    await this.#useUntilDone(call, (own) => own.warm(call))
  }

  info(call?: CallOptions): Promise<CollectionInfo> {
    return this.#use(call, (own) => own.info(call))
  }

  async aliases(call?: CallOptions): Promise<string[]> {
    this.#slot.checkServed()
    return await withCall(call, () => this.#aliases())
  }

  // Reads

  retrieve(ids: readonly PointId[], options?: RetrieveOptions): Promise<StoredPoint<P>[]> {
    return this.#use(options, (own) => own.retrieve(ids, options))
  }
  query(query: QueryOptions): Promise<Hit<P>[]> {
    return this.#use(query, (own) => own.query(query))
  }
  queryBatch(queries: readonly QueryOptions[], call?: CallOptions): Promise<Hit<P>[][]> {
    return this.#use(call, (own) => own.queryBatch(queries, call))
  }
  explain(query: QueryOptions): Promise<Explained<P>> {
    return this.#explained(
      query,
      (own) => own.explain(query),
      ({ plan }) => [plan],
    )
  }
  explainBatch(queries: readonly QueryOptions[], call?: CallOptions): Promise<Explained<P>[]> {
    return this.#explained(
      call,
      (own) => own.explainBatch(queries, call),
      (answers) => answers.map(({ plan }) => plan),
    )
  }
  queryGroups(query: QueryGroupsOptions): Promise<PointGroup<P>[]> {
    return this.#use(query, (own) => own.queryGroups(query))
  }
  explainGroups(query: QueryGroupsOptions): Promise<ExplainedGroups<P>> {
    return this.#explained(
      query,
      (own) => own.explainGroups(query),
      ({ plan }) => [plan],
    )
  }
  facet(options: FacetOptions): Promise<FacetHit[]> {
    return this.#use(options, (own) => own.facet(options))
  }
  searchMatrix(options?: SearchMatrixOptions): Promise<SearchMatrix> {
    return this.#use(options, (own) => own.searchMatrix(options))
  }
  explainMatrix(options?: SearchMatrixOptions): Promise<ExplainedMatrix> {
    return this.#explained(
      options,
      (own) => own.explainMatrix(options),
      ({ plan }) => [plan],
    )
  }
  scrollPage(options?: ScrollOptions): Promise<ScrollPage<P>> {
    return this.#use(options, (own) => own.scrollPage(options))
  }
  count(options?: Parameters<Collection<P>['count']>[0]): Promise<number> {
    return this.#use(options, (own) => own.count(options))
  }

  // Writes

  updateConfig(...[change, call]: Parameters<Collection<P>['updateConfig']>): Promise<void> {
    return this.#use(call, (own) => own.updateConfig(change, call))
  }
  upsert(...[points, options]: Parameters<Collection<P>['upsert']>): Promise<UpsertResult> {
    return this.#use(options, (own) => own.upsert(points, options))
  }
  updateVectors(...[points, options]: Parameters<Collection<P>['updateVectors']>): Promise<WriteResult> {
    return this.#use(options, (own) => own.updateVectors(points, options))
  }
  deleteVectors(names: readonly string[], which: Selector, options?: WriteOptions): Promise<WriteResult> {
    return this.#use(options, (own) => own.deleteVectors(names, which, options))
  }
  delete(which: Selector, options?: WriteOptions): Promise<WriteResult> {
    return this.#use(options, (own) => own.delete(which, options))
  }
  setPayload(...[payload, which, options]: Parameters<Collection<P>['setPayload']>): Promise<WriteResult> {
    return this.#use(options, (own) => own.setPayload(payload, which, options))
  }
  overwritePayload(...[payload, which, options]: Parameters<Collection<P>['overwritePayload']>): Promise<WriteResult> {
    return this.#use(options, (own) => own.overwritePayload(payload, which, options))
  }
  deletePayload(keys: readonly string[], which: Selector, options?: WriteOptions): Promise<WriteResult> {
    return this.#use(options, (own) => own.deletePayload(keys, which, options))
  }
  clearPayload(which: Selector, options?: WriteOptions): Promise<WriteResult> {
    return this.#use(options, (own) => own.clearPayload(which, options))
  }
  batch(...[operations, options]: Parameters<Collection<P>['batch']>): Promise<WriteResult[]> {
    return this.#use(options, (own) => own.batch(operations, options))
  }
  createPayloadIndex(...[field, schema, options]: Parameters<Collection<P>['createPayloadIndex']>) {
    return this.#use(options, (own) => own.createPayloadIndex(field, schema, options))
  }
  deletePayloadIndex(field: string, options?: WriteOptions): Promise<WriteResult> {
    return this.#use(options, (own) => own.deletePayloadIndex(field, options))
  }
  createVectorName(...[name, config, options]: Parameters<Collection<P>['createVectorName']>): Promise<WriteResult> {
    return this.#use(options, (own) => own.createVectorName(name, config, options))
  }
  deleteVectorName(name: string, options?: WriteOptions): Promise<WriteResult> {
    return this.#use(options, (own) => own.deleteVectorName(name, options))
  }
  flush(call?: CallOptions): Promise<void> {
    return this.#useUntilDone(call, (own) => own.flush(call))
  }
  waitForIndex(call?: CallOptions): Promise<void> {
    return this.#useUntilDone(call, (own) => own.waitForIndex(call))
  }
}
