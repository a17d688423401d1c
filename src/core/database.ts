import type { AliasAction, AliasDescription } from './aliases.js'
import type { CallOptions } from './call-options.js'
import type { Filter } from './filter.js'
import type { PayloadIndexKind, PayloadIndexOptions } from './payload-index.js'
import type { Document, Payload, Point, PointId, PointVector, RawJson, SparseVector, StoredVector } from './point.js'
import type {
  FacetHit,
  FacetOptions,
  OrderBy,
  QueryGroupsOptions,
  QueryOptions,
  SearchMatrix,
  SearchMatrixOptions,
  SearchOptions,
  SearchVector,
} from './query.js'
import type { QueryPlan } from './query-plan.js'
import type { QuotaConfig, QuotaStatus } from './quotas.js'
import type { ReadOptions } from './read-options.js'
import type { CollectionInfo, CollectionOptions, ConfigChange, VectorNameConfig } from './schema.js'
import type { CollectionSnapshots, RecoverOptions, SnapshotSource, Snapshots } from './snapshots.js'

export type { CallOptions } from './call-options.js'
export type { QuantizationParams, QueryOptions, QueryParams } from './query.js'
export type { ReadOptions, WithPayload, WithVector } from './read-options.js'

/** What there is to ask of a database by who only reads. */
export interface ReadableDatabase {
  collection<P = Payload>(name: string): Promise<ReadableCollection<P>>
}

/**
 * The one interface of the three faces: an embedded database (`open`), a remote one (`connect`) and the
 * service, which is a Database behind HTTP, all answer alike.
 */
export interface Database extends ReadableDatabase, AsyncDisposable {
  createCollection<P = Payload>(name: string, options: CollectionOptions, call?: CallOptions): Promise<Collection<P>>
  /**
   * The collection of this name, made where there is none. Rejects with ALREADY_EXISTS where the one there is has another
   * configuration: the message and `details.field` name the field. Options that are left out are not compared, nor are
   * vectors that `options` does not name.
   */
  ensureCollection<P = Payload>(name: string, options: CollectionOptions, call?: CallOptions): Promise<Collection<P>>
  /**
   * A handle on an existing collection, which an alias names as well: the one it leads to at this moment, whose own name
   * the handle tells. Rejects with NOT_FOUND.
   */
  collection<P = Payload>(name: string): Promise<Collection<P>>
  collections(call?: CallOptions): Promise<string[]>
  hasCollection(name: string, call?: CallOptions): Promise<boolean>
  /** And its aliases. Resolves to false where there was no such collection: an alias deletes none. */
  deleteCollection(name: string, call?: CallOptions): Promise<boolean>
  /** All of the actions at once, in their order, on stable storage; or none where one of them cannot be. */
  updateAliases(actions: readonly AliasAction[], call?: CallOptions): Promise<void>
  /** In the order of their names. */
  aliases(call?: CallOptions): Promise<AliasDescription[]>
  /** Bounds on memory and disk of the whole node, and what is in use. */
  quotas(call?: CallOptions): Promise<QuotaStatus>
  /** Replaces them, on stable storage. */
  updateQuotas(config: QuotaConfig, call?: CallOptions): Promise<void>
  /** Of all collections and aliases. */
  readonly snapshots: Snapshots
  /**
   * Makes the collection be what a snapshot of one collection says, whatever the name of that was: in the place of the one
   * there is, handles on which are closed with it, or as a new one. Until the snapshot is known to be whole, nothing changes.
   */
  recoverCollection<P = Payload>(name: string, source: SnapshotSource, options?: RecoverOptions): Promise<Collection<P>>
  /**
   * The same for all collections of a snapshot, by their own names, and for its aliases; others stay. Each collection is
   * replaced on its own. Resolves to their names; from a service, to the names of all that it has then.
   */
  recover(source: SnapshotSource, options?: RecoverOptions): Promise<string[]>
  /** Waits for calls under way, and leaves the folder to others. `await using` closes a database too. */
  close(): Promise<void>
}

/** What there is to ask of a collection. */
export interface ReadableCollection<P = Payload> {
  readonly name: string

  /** The nearest points, best first: `query` for the plain case. */
  search(vector: SearchVector, options?: SearchOptions): Promise<Hit<P>[]>
  /** The point, or null where there is none of this id. */
  get(id: PointId, options?: RetrieveOptions): Promise<StoredPoint<P> | null>
  has(id: PointId, call?: CallOptions): Promise<boolean>
  /** The points of these ids; ids without a point are left out. */
  retrieve(ids: readonly PointId[], options?: RetrieveOptions): Promise<StoredPoint<P>[]>
  query(query: QueryOptions): Promise<Hit<P>[]>
  /** Answers a query, and says how. The answer is the query's; the telling costs some microseconds. */
  explain(query: QueryOptions): Promise<Explained<P>>
  queryBatch(queries: readonly QueryOptions[], call?: CallOptions): Promise<Hit<P>[][]>
  /** The same as `queryBatch`, each answer with how it was found. */
  explainBatch(queries: readonly QueryOptions[], call?: CallOptions): Promise<Explained<P>[]>
  /** The best points of each group, best group first. Points without a value of `groupBy` are in none. */
  queryGroups(query: QueryGroupsOptions): Promise<PointGroup<P>[]>
  /** The same as `queryGroups`, with how the groups were found. */
  explainGroups(query: QueryGroupsOptions): Promise<ExplainedGroups<P>>
  /** How many points have each value of a payload field. */
  facet(options: FacetOptions): Promise<FacetHit[]>
  /** How near points chosen at random are to each other. */
  searchMatrix(options?: SearchMatrixOptions): Promise<SearchMatrix>
  /** The same as `searchMatrix`, with how the pairs were found. */
  explainMatrix(options?: SearchMatrixOptions): Promise<ExplainedMatrix>
  /** Pages of points in the order of their ids (numbers before UUIDs). */
  scrollPage(options?: ScrollOptions): Promise<ScrollPage<P>>
  /** Every point, one at a time, fetched in pages of `limit`. */
  scroll(options?: ScrollOptions): AsyncIterable<StoredPoint<P>>
  count(options?: { filter?: Filter | null; exact?: boolean } & CallOptions): Promise<number>
}

export interface Collection<P = Payload> extends ReadableCollection<P> {
  info(call?: CallOptions): Promise<CollectionInfo>
  /** The names that lead to this collection besides its own, in order. */
  aliases(call?: CallOptions): Promise<string[]>
  readonly snapshots: CollectionSnapshots
  /**
   * Changes graph and codes. Resolves once the change is on stable storage; the segments there are get rebuilt behind
   * it, which `waitForIndex` waits for. Meanwhile all is searchable.
   */
  updateConfig(change: ConfigChange, call?: CallOptions): Promise<void>

  /**
   * Writes points, any number of them: those of an iterable are asked for as the ones before are written. An array or columns
   * of at most LIMITS.batchPoints are all or nothing, on a service as far as one request takes them. More points, and those
   * of iterables, are several writes, each all or nothing: where one fails, those before it stay, and `details.pointsWritten`
   * says how many points they have. `timeoutMs` is each write's.
   */
  upsert(points: UpsertPoints<P>, options?: WriteOptions & UpdateCondition): Promise<UpsertResult>
  /** Rejects with NOT_FOUND where one of the points is not there. */
  updateVectors(
    points: readonly { id: PointId; vector: PointVector }[],
    options?: WriteOptions & Pick<UpdateCondition, 'updateFilter'>,
  ): Promise<WriteResult>
  deleteVectors(names: readonly string[], which: Selector, options?: WriteOptions): Promise<WriteResult>
  /** Answers how many points it removed (`deleted`) where it waited for the end (`wait`, the default). */
  delete(which: Selector, options?: WriteOptions): Promise<WriteResult>
  /** Merges keys into the payload (at `key`, when given). */
  setPayload(payload: Partial<P>, which: Selector, options?: WriteOptions & { key?: string }): Promise<WriteResult>
  overwritePayload(payload: P, which: Selector, options?: WriteOptions & { key?: string }): Promise<WriteResult>
  deletePayload(keys: readonly string[], which: Selector, options?: WriteOptions): Promise<WriteResult>
  clearPayload(which: Selector, options?: WriteOptions): Promise<WriteResult>
  /** Operations in order; each is its own write, all or nothing on its own. */
  batch(operations: readonly WriteOperation<P>[], options?: WriteOptions): Promise<WriteResult[]>

  /**
   * Answers when the index is built, or with `wait: false` when it is durable; then it is built behind reads and writes.
   * An index of a field takes the place of the one there was.
   */
  createPayloadIndex(
    field: string,
    schema: PayloadIndexKind | PayloadIndexOptions,
    options?: WriteOptions,
  ): Promise<WriteResult>
  deletePayloadIndex(field: string, options?: WriteOptions): Promise<WriteResult>
  /**
   * Gives a collection in use another vector: points there are lack it until they are written with it. To ask for what is
   * there already changes nothing; for the same name with other parameters it is refused.
   */
  createVectorName(name: string, config: VectorNameConfig, options?: WriteOptions): Promise<WriteResult>
  /**
   * Drops a vector with all its data: no answer has them from then on, memory is free as soon as the last search that
   * began before has ended, and files are written without them in the background. Nothing where there is none of the name.
   */
  deleteVectorName(name: string, options?: WriteOptions): Promise<WriteResult>
  /** Resolves when everything acknowledged is in the table, on stable storage. No deadline unless `timeoutMs` names one. */
  flush(call?: CallOptions): Promise<void>
  /**
   * Resolves when the graph has caught up with the tail, and what a changed configuration rebuilds is rebuilt. No deadline
   * unless `timeoutMs` names one.
   */
  waitForIndex(call?: CallOptions): Promise<void>
}

export interface WriteOptions extends CallOptions {
  /** true (default): resolve once on stable storage and searchable. false: once in the log (see docs). */
  wait?: boolean
}

/** Which points of a write are written. It is decided with every earlier write applied, and none between. */
export interface UpdateCondition {
  /** Points that are there are written only where they match it, as they are before the write; new ones regardless. */
  updateFilter?: Filter | null
  /** `insert_only`: points that are there stay as they are. `update_only`: new ones are left out. Default `upsert`. */
  updateMode?: UpdateMode
}
export type UpdateMode = 'upsert' | 'insert_only' | 'update_only'

/**
 * The points that a change is made to: by id, all that match a filter, or with `all: true` every point. A filter without
 * conditions matches every point, so it is refused unless `all: true` stands beside it.
 */
export type Selector =
  | readonly PointId[]
  | { ids: readonly PointId[] }
  | { filter: Filter; all?: boolean }
  | { all: true }

export type WriteOperation<P = Payload> =
  | ({ op: 'upsert'; points: readonly Point<P>[] | ColumnarPoints } & UpdateCondition)
  | { op: 'updateVectors'; points: readonly { id: PointId; vector: PointVector }[]; updateFilter?: Filter | null }
  | { op: 'deleteVectors'; names: readonly string[]; which: Selector }
  | { op: 'delete'; which: Selector }
  | { op: 'setPayload' | 'overwritePayload'; payload: Partial<P>; which: Selector; key?: string }
  | { op: 'deletePayload'; keys: readonly string[]; which: Selector }
  | { op: 'clearPayload'; which: Selector }

export interface WriteResult {
  /** Sequence number of the operation in the collection's log. */
  operationId: number
  status: 'completed' | 'acknowledged'
  /** The number of points that a completed `delete` removed. */
  deleted?: number
}

/** Of the last write, where there were several. */
export interface UpsertResult extends WriteResult {
  /** Points given, in all writes together. */
  points: number
  /** Writes. */
  batches: number
}

export type UpsertPoints<P = Payload> =
  | readonly Point<P>[]
  | ColumnarPoints
  | ArrowTable
  | Iterable<Point<P>>
  | AsyncIterable<Point<P>>

/**
 * Points as columns; nothing is copied into arrays of numbers. `vectors` of a collection with one unnamed
 * vector is one Float32Array of `ids.length × size`.
 */
export interface ColumnarPoints {
  ids: readonly PointId[] | BigUint64Array | Uint32Array
  vectors: Float32Array | Float64Array | Readonly<Record<string, ColumnarVectors>>
  payloads?: readonly (Payload | RawJson | null)[]
}

/** Dense vectors end to end; sparse ones, or texts to be made into such, one by one. */
export type ColumnarVectors = Float32Array | Float64Array | readonly (SparseVector | Document)[]

/** An apache-arrow Table of any instance of that library: column `id`, one column a vector, others payload. */
export interface ArrowTable {
  readonly schema: { readonly fields: readonly unknown[] }
  readonly batches: readonly unknown[]
  readonly numRows: number
}

export type RetrieveOptions = ReadOptions

export interface ScrollOptions extends ReadOptions {
  filter?: Filter | null
  /** Points a page; default 10 for a page, 256 for an iteration. */
  limit?: number
  /** Id to start from (inclusive). */
  offset?: PointId | null
  /**
   * A payload field with an index of numbers or date-times, whose values give the order; a point comes once for each
   * value. Such pages are continued by `startFrom`, not by `offset`.
   */
  orderBy?: string | OrderBy | null
}

export interface StoredPoint<P = Payload> {
  id: PointId
  /** RawJson where `rawPayload` was asked for. */
  payload?: P | null
  vector?: StoredVector | Record<string, StoredVector>
  /** The value it was ordered by; of a date-time, microseconds since 1970. */
  orderValue?: number | bigint
}

export interface Hit<P = Payload> extends StoredPoint<P> {
  /** Sequence number of the point's last change. */
  version: number
  score: number
}

export interface PointGroup<P = Payload> {
  id: string | number | bigint
  hits: Hit<P>[]
  /** With `withLookup`: the point whose id is the group's, or null where there is none. */
  lookup?: StoredPoint | null
}

export interface Explained<P = Payload> {
  hits: Hit<P>[]
  plan: QueryPlan
}

export interface ExplainedGroups<P = Payload> {
  groups: PointGroup<P>[]
  plan: QueryPlan
}

export interface ExplainedMatrix extends SearchMatrix {
  plan: QueryPlan
}

export interface ScrollPage<P = Payload> {
  points: StoredPoint<P>[]
  /** Where the next page starts; null after the last. */
  nextOffset: PointId | null
}
