import { copied } from '../../core/copied.js'
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
import { given } from '../../core/given-options.js'
import { IngestOptions, type IngestResult, type IngestStream } from '../../core/ingest.js'
import { innerOf } from '../../core/inner-call.js'
import { PlainReads } from '../../core/plain-reads.js'
import type { Payload, PointId } from '../../core/point.js'
import type { FacetHit, FacetOptions, QueryGroupsOptions, SearchMatrix, SearchMatrixOptions } from '../../core/query.js'
import type { QueryPlan } from '../../core/query-plan.js'
import type { CollectionInfo } from '../../core/schema.js'
import type { CollectionSnapshots } from '../../core/snapshots.js'
import type { Untyped } from '../../core/untyped.js'
import { type IngestSink, ingestStream } from '../../intake/ingestion.js'
import { untilDone, withCall, type withDeadline } from './call-scope.js'
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

  #use<A extends readonly unknown[] | [], T>(
    call: CallOptions | undefined,
    args: A,
    work: (methods: EmbeddedCollection<P>, ...args: A) => Promise<T>,
    within?: typeof withDeadline,
  ): Promise<T> {
    const passed = this.#passed(call, args)
    return this.#slot.use(({ methods }) => work(methods as unknown as EmbeddedCollection<P>, ...passed), call, within)
  }

  /**
   * What the caller passed. An open collection reads it at once. While one opens, the caller may change its arrays and
   * objects. The service's are its own.
   */
  #passed<A extends readonly unknown[] | []>(call: CallOptions | undefined, args: A): A {
    return this.#slot.engine || innerOf(call) ? args : (args.map(copied) as unknown as A)
  }

  /** The plans of a call that opened the collection say so. */
  #explained<A extends readonly unknown[] | [], T>(
    call: CallOptions | undefined,
    args: A,
    work: (methods: EmbeddedCollection<P>, ...args: A) => Promise<T>,
    plansOf: (answer: T) => QueryPlan[],
  ): Promise<T> {
    const passed = this.#passed(call, args)
    return this.#slot.use(async ({ methods }, openedInUs) => {
      const answer = await work(methods as unknown as EmbeddedCollection<P>, ...passed)
      if (openedInUs !== undefined) for (const plan of plansOf(answer)) plan.openedInUs = openedInUs
      return answer
    }, call)
  }

  async warm(call?: CallOptions): Promise<void> {
    await this.#use(call, [call], (own, call) => own.warm(call), untilDone)
  }

  info(call?: CallOptions): Promise<CollectionInfo> {
    return this.#use(call, [call], (own, call) => own.info(call))
  }

  async aliases(call?: CallOptions): Promise<string[]> {
    this.#slot.checkServed()
    return await withCall(call, () => this.#aliases())
  }

  // Reads

  retrieve(ids: readonly PointId[], options?: RetrieveOptions): Promise<StoredPoint<P>[]> {
    return this.#use(options, [ids, options], (own, ids, options) => own.retrieve(ids, options))
  }
  query(query: QueryOptions): Promise<Hit<P>[]> {
    return this.#use(query, [query], (own, query) => own.query(query))
  }
  queryBatch(queries: readonly QueryOptions[], call?: CallOptions): Promise<Hit<P>[][]> {
    return this.#use(call, [queries, call], (own, queries, call) => own.queryBatch(queries, call))
  }
  explain(query: QueryOptions): Promise<Explained<P>> {
    return this.#explained(
      query,
      [query],
      (own, query) => own.explain(query),
      ({ plan }) => [plan],
    )
  }
  explainBatch(queries: readonly QueryOptions[], call?: CallOptions): Promise<Explained<P>[]> {
    return this.#explained(
      call,
      [queries, call],
      (own, queries, call) => own.explainBatch(queries, call),
      (answers) => answers.map(({ plan }) => plan),
    )
  }
  queryGroups(query: QueryGroupsOptions): Promise<PointGroup<P>[]> {
    return this.#use(query, [query], (own, query) => own.queryGroups(query))
  }
  explainGroups(query: QueryGroupsOptions): Promise<ExplainedGroups<P>> {
    return this.#explained(
      query,
      [query],
      (own, query) => own.explainGroups(query),
      ({ plan }) => [plan],
    )
  }
  facet(options: FacetOptions): Promise<FacetHit[]> {
    return this.#use(options, [options], (own, options) => own.facet(options))
  }
  searchMatrix(options?: SearchMatrixOptions): Promise<SearchMatrix> {
    return this.#use(options, [options], (own, options) => own.searchMatrix(options))
  }
  explainMatrix(options?: SearchMatrixOptions): Promise<ExplainedMatrix> {
    return this.#explained(
      options,
      [options],
      (own, options) => own.explainMatrix(options),
      ({ plan }) => [plan],
    )
  }
  scrollPage(options?: ScrollOptions): Promise<ScrollPage<P>> {
    return this.#use(options, [options], (own, options) => own.scrollPage(options))
  }
  count(options?: Parameters<Collection<P>['count']>[0]): Promise<number> {
    return this.#use(options, [options], (own, options) => own.count(options))
  }

  // Writes

  updateConfig(...[change, call]: Parameters<Collection<P>['updateConfig']>): Promise<void> {
    return this.#use(call, [change, call], (own, change, call) => own.updateConfig(change, call))
  }
  upsert(...[points, options]: Parameters<Collection<P>['upsert']>): Promise<UpsertResult> {
    return this.#use(options, [points, options], (own, points, options) => own.upsert(points, options))
  }
  /** Each batch is a use of its own: between two of them the collection may be closed, or deleted. */
  async ingest(stream: IngestStream, options: IngestOptions): Promise<IngestResult> {
    const { type, source, onProgress, ...call } = given(IngestOptions, options)
    const told = { type, ...(source ? { source } : {}), ...(onProgress ? { onProgress } : {}), ...call }
    const sink: IngestSink = {
      position: (name) => this.#use(call, [name], (own, name) => own.ingestPosition(name)),
      vectors: () => this.#use(call, [], (own) => own.ingestVectors()),
      write: (batch) => this.#slot.use(({ methods }) => methods.ingestBatch(batch, call), call),
    }
    return await ingestStream(stream, told, sink, innerOf(options)?.stream)
  }
  ingestPosition(source: string, call?: CallOptions): Promise<number> {
    return this.#use(call, [source], (own, source) => own.ingestPosition(source))
  }
  updateVectors(...[points, options]: Parameters<Collection<P>['updateVectors']>): Promise<WriteResult> {
    return this.#use(options, [points, options], (own, points, options) => own.updateVectors(points, options))
  }
  deleteVectors(names: readonly string[], which: Selector, options?: WriteOptions): Promise<WriteResult> {
    return this.#use(options, [names, which, options], (own, names, which, options) =>
      own.deleteVectors(names, which, options),
    )
  }
  delete(which: Selector, options?: WriteOptions): Promise<WriteResult> {
    return this.#use(options, [which, options], (own, which, options) => own.delete(which, options))
  }
  setPayload(...[payload, which, options]: Parameters<Collection<P>['setPayload']>): Promise<WriteResult> {
    return this.#use(options, [payload, which, options], (own, payload, which, options) =>
      own.setPayload(payload, which, options),
    )
  }
  overwritePayload(...[payload, which, options]: Parameters<Collection<P>['overwritePayload']>): Promise<WriteResult> {
    return this.#use(options, [payload, which, options], (own, payload, which, options) =>
      own.overwritePayload(payload, which, options),
    )
  }
  deletePayload(keys: readonly string[], which: Selector, options?: WriteOptions): Promise<WriteResult> {
    return this.#use(options, [keys, which, options], (own, keys, which, options) =>
      own.deletePayload(keys, which, options),
    )
  }
  clearPayload(which: Selector, options?: WriteOptions): Promise<WriteResult> {
    return this.#use(options, [which, options], (own, which, options) => own.clearPayload(which, options))
  }
  batch(...[operations, options]: Parameters<Collection<P>['batch']>): Promise<WriteResult[]> {
    return this.#use(options, [operations, options], (own, operations, options) => own.batch(operations, options))
  }
  createPayloadIndex(...[field, schema, options]: Parameters<Collection<P>['createPayloadIndex']>) {
    return this.#use(options, [field, schema, options], (own, field, schema, options) =>
      own.createPayloadIndex(field, schema, options),
    )
  }
  deletePayloadIndex(field: string, options?: WriteOptions): Promise<WriteResult> {
    return this.#use(options, [field, options], (own, field, options) => own.deletePayloadIndex(field, options))
  }
  createVectorName(...[name, config, options]: Parameters<Collection<P>['createVectorName']>): Promise<WriteResult> {
    return this.#use(options, [name, config, options], (own, name, config, options) =>
      own.createVectorName(name, config, options),
    )
  }
  deleteVectorName(name: string, options?: WriteOptions): Promise<WriteResult> {
    return this.#use(options, [name, options], (own, name, options) => own.deleteVectorName(name, options))
  }
  flush(call?: CallOptions): Promise<void> {
    return this.#use(call, [call], (own, call) => own.flush(call), untilDone)
  }
  waitForIndex(call?: CallOptions): Promise<void> {
    return this.#use(call, [call], (own, call) => own.waitForIndex(call), untilDone)
  }
}
