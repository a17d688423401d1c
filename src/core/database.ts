import type { AliasAction, AliasDescription } from './aliases.js'
import type {
  AskedParts,
  Explained,
  ExplainedGroups,
  ExplainedMatrix,
  ExplainedOf,
  Hit,
  HitOf,
  PointGroup,
  ScrollPage,
  StoredPoint,
} from './answered-points.js'
import type { CallOptions } from './call-options.js'
import type { ArrowTable, ColumnarPoints } from './columnar-points.js'
import type { Filter, PayloadPath } from './filter.js'
import type { IngestOptions, IngestResult, IngestStream } from './ingest.js'
import type { PayloadIndexKind, PayloadIndexOptions } from './payload-index.js'
import type { Payload, Point, PointId, PointVector } from './point.js'
import type { QualityReports } from './quality.js'
import type {
  FacetHit,
  FacetOptions,
  QueryGroupsOptions,
  QueryOptions,
  SearchMatrix,
  SearchMatrixOptions,
  SearchOptions,
  SearchVector,
} from './query.js'
import type { QuotaConfig, QuotaStatus } from './quotas.js'
import type { WithPayload, WithVector } from './read-options.js'
import type { Repair, RepairResult } from './repair.js'
import type { ClosedCollection, CollectionInfo, CollectionOptions, ConfigChange, VectorNameConfig } from './schema.js'
import type { CountOptions, RetrieveOptions, ScrollOptions } from './scroll.js'
import type { Selector } from './selector.js'
import type { CollectionSnapshots, RecoverOptions, SnapshotSource, Snapshots } from './snapshots.js'
import type { StoreWatermarks } from './store-watermarks.js'
import type { UpdateCondition, WriteOptions } from './write-options.js'
import type { WriteResult } from './write-result.js'

export type * from './answered-points.js'
export type { CallOptions } from './call-options.js'
export type * from './columnar-points.js'
export type {
  Cleaning,
  IngestCounts,
  IngestOptions,
  IngestResult,
  IngestStream,
  IngestType,
  RejectedRow,
} from './ingest.js'
export type { QuantizationParams, QueryOptions, QueryParams } from './query.js'
export type { ReadOptions, WithPayload, WithVector } from './read-options.js'
export type { Repair, RepairResult, Replacement } from './repair.js'
export type { CountOptions, RetrieveOptions, ScrollOptions } from './scroll.js'
export type { Selector } from './selector.js'
export type { UpdateCondition, UpdateMode, WriteOptions } from './write-options.js'
export type { WriteResult } from './write-result.js'

/** The part of a database that a reader may use. */
export interface ReadableDatabase {
  /** A handle for reading an existing collection, by its name or an alias. Rejects with NOT_FOUND. */
  collection<P = Payload>(name: string): Promise<ReadableCollection<P>>
  /** Only a database of this process has them; in a folder there are none. */
  readonly watermarks?: StoreWatermarks
}

/**
 * A database. The interface is the same for an embedded database (`open`) and for a remote one (`connect`); the service
 * is a Database behind HTTP.
 *
 * Every call may reject with INVALID_ARGUMENT (a wrong argument, naming its field), TIMEOUT, CANCELLED and CLOSED.
 * Changes reject with READ_ONLY if the database was opened read-only. A remote database also rejects with
 * UNAUTHENTICATED, FORBIDDEN, UNAVAILABLE and OVERLOADED.
 *
 * Arguments are read before a call returns, so arrays and objects may be used again at once. Only an upsert reads some of
 * its points later. It reads each point of an iterable before it asks for the next. It reads an array or columns of
 * more than LIMITS.batchPoints, and at a service an Arrow table, as the parts are written.
 */
export interface Database extends ReadableDatabase, AsyncDisposable {
  /**
   * Creates a collection. It is on stable storage when the call resolves. Rejects with ALREADY_EXISTS if a collection has
   * the name, and with INVALID_ARGUMENT if an alias has it.
   */
  createCollection<P = Payload>(name: string, options: CollectionOptions, call?: CallOptions): Promise<Collection<P>>
  /**
   * The collection of this name, made where there is none. Rejects with ALREADY_EXISTS where the one there is has another
   * configuration: the message and `details.field` name the field. Options that are left out are not compared, nor are
   * vectors that `options` does not name.
   */
  ensureCollection<P = Payload>(name: string, options: CollectionOptions, call?: CallOptions): Promise<Collection<P>>
  /**
   * A handle on an existing collection. `name` may be an alias: the handle then belongs to the collection that the
   * alias leads to now, and has that collection's own name. Rejects with NOT_FOUND.
   */
  collection<P = Payload>(name: string): Promise<Collection<P>>
  /** Names of all collections in ascending order, damaged ones included. Aliases are not listed. */
  collections(call?: CallOptions): Promise<string[]>
  /** Whether a collection or an alias has the name. */
  hasCollection(name: string, call?: CallOptions): Promise<boolean>
  /**
   * Deletes the collection and its aliases. Resolves to false if no collection has the name; an alias deletes nothing.
   */
  deleteCollection(name: string, call?: CallOptions): Promise<boolean>
  /** Applies all actions in order, as one change on stable storage. If one of them is refused, nothing changes. */
  updateAliases(actions: readonly AliasAction[], call?: CallOptions): Promise<void>
  /** All aliases, in the order of their names. */
  aliases(call?: CallOptions): Promise<AliasDescription[]>
  /** Bounds on memory and disk of the whole node, in percent, and their present use. */
  quotas(call?: CallOptions): Promise<QuotaStatus>
  /** Replaces the quotas on stable storage. */
  updateQuotas(config: QuotaConfig, call?: CallOptions): Promise<void>
  /** Snapshots of the whole database: all collections and aliases. */
  readonly snapshots: Snapshots
  /**
   * Restores a snapshot of one collection under the given name, which may differ from the snapshot's. A collection of
   * that name is replaced and its handles are closed; otherwise a new one is created. Nothing changes until the
   * snapshot is known to be whole. Rejects with ALREADY_EXISTS if `replace` is false and the collection exists.
   */
  recoverCollection<P = Payload>(name: string, source: SnapshotSource, options?: RecoverOptions): Promise<Collection<P>>
  /**
   * Restores all collections of a snapshot under their own names, and its aliases. Other collections stay. Each
   * collection is replaced separately. Resolves to the restored names; from a service, to the names of all its
   * collections.
   */
  recover(source: SnapshotSource, options?: RecoverOptions): Promise<string[]>
  /**
   * Errors of collections whose names cannot be read; `collections` cannot list them. Only a database of this process
   * has them.
   */
  readonly nameless?: readonly Error[]
  /**
   * The info of a collection if it is open, else its counts; rejects if it cannot be opened. Looking opens nothing and
   * keeps nothing open. Only a database of this process can.
   */
  peek?(name: string): Promise<CollectionInfo | ClosedCollection>
  /** Waits for calls under way, and leaves the folder to others. `await using` closes a database too. */
  close(): Promise<void>
}

/** Queries without keys that no query has. */
export type KnownQueries<Q extends readonly unknown[]> = {
  readonly [At in keyof Q]: { readonly [Key in Exclude<keyof Q[At], keyof QueryOptions>]: never }
}

/**
 * The reading methods of a collection. If the collection was deleted they reject with CLOSED, and at a service with
 * NOT_FOUND. They reject with OVERLOADED if too many searches wait. They reject with RESOURCE_EXHAUSTED or TOO_LARGE if
 * an answer finds no room below the memory limit.
 */
export interface ReadableCollection<P = Payload> {
  /** The collection's own name, never an alias. */
  readonly name: string

  /** The nearest points, best first: `query` for the plain case. */
  search<const W extends WithPayload = true, const V extends WithVector = false, Raw extends boolean = false>(
    vector: SearchVector,
    options?: SearchOptions<PayloadPath<P>> & AskedParts<W, V, Raw>,
  ): Promise<Hit<P, W, V, Raw>[]>
  /** The point, or null where there is none of this id. */
  get<const W extends WithPayload = true, const V extends WithVector = false, Raw extends boolean = false>(
    id: PointId,
    options?: RetrieveOptions & AskedParts<W, V, Raw>,
  ): Promise<StoredPoint<P, W, V, Raw> | null>
  /** Whether there is a point of this id. */
  has(id: PointId, call?: CallOptions): Promise<boolean>
  /** The points of these ids; ids without a point are left out. */
  retrieve<const W extends WithPayload = true, const V extends WithVector = false, Raw extends boolean = false>(
    ids: readonly PointId[],
    options?: RetrieveOptions & AskedParts<W, V, Raw>,
  ): Promise<StoredPoint<P, W, V, Raw>[]>
  /**
   * The best points of a query, best first; `limit` of them (default 10). An empty result is no error. Rejects with
   * NOT_FOUND if a point that the query names does not exist.
   */
  query<const W extends WithPayload = true, const V extends WithVector = false, Raw extends boolean = false>(
    query: QueryOptions<PayloadPath<P>> & AskedParts<W, V, Raw>,
  ): Promise<Hit<P, W, V, Raw>[]>
  /** Answers a query as `query` does, and returns its plan too. The plan costs some microseconds. */
  explain<const W extends WithPayload = true, const V extends WithVector = false, Raw extends boolean = false>(
    query: QueryOptions<PayloadPath<P>> & AskedParts<W, V, Raw>,
  ): Promise<Explained<P, W, V, Raw>>
  /**
   * Several queries, at most LIMITS.batchQueries. Answers are in the order of the queries. One failure rejects the
   * call.
   */
  queryBatch<const Q extends readonly QueryOptions<PayloadPath<P>>[]>(
    queries: Q & KnownQueries<Q>,
    call?: CallOptions,
  ): Promise<{ -readonly [At in keyof Q]: HitOf<P, Q[At]>[] }>
  /** The same as `queryBatch`, each answer with its plan. */
  explainBatch<const Q extends readonly QueryOptions<PayloadPath<P>>[]>(
    queries: Q & KnownQueries<Q>,
    call?: CallOptions,
  ): Promise<{ -readonly [At in keyof Q]: ExplainedOf<P, Q[At]> }>
  /** The best points of each group, best group first. Points without a value of `groupBy` are in no group. */
  queryGroups<const W extends WithPayload = true, const V extends WithVector = false, Raw extends boolean = false>(
    query: QueryGroupsOptions<PayloadPath<P>> & AskedParts<W, V, Raw>,
  ): Promise<PointGroup<P, W, V, Raw>[]>
  /** The same as `queryGroups`, with the plan. */
  explainGroups<const W extends WithPayload = true, const V extends WithVector = false, Raw extends boolean = false>(
    query: QueryGroupsOptions<PayloadPath<P>> & AskedParts<W, V, Raw>,
  ): Promise<ExplainedGroups<P, W, V, Raw>>
  /**
   * The number of points with each value of an indexed payload field, most frequent first. Rejects with
   * INVALID_ARGUMENT if the field has no suitable index.
   */
  facet(options: FacetOptions<PayloadPath<P>>): Promise<FacetHit[]>
  /** Chooses points at random and finds for each its nearest neighbours among the others. */
  searchMatrix(options?: SearchMatrixOptions<PayloadPath<P>>): Promise<SearchMatrix>
  /** The same as `searchMatrix`, with the plan. */
  explainMatrix(options?: SearchMatrixOptions<PayloadPath<P>>): Promise<ExplainedMatrix>
  /**
   * One page of points in the order of their ids, numbers before UUIDs, or in the order of `orderBy`. The type of its
   * points does not follow the options: TypeScript could not infer the offset of a loop, that comes from the page before.
   */
  scrollPage(options?: ScrollOptions<PayloadPath<P>>): Promise<ScrollPage<P>>
  /** All points in the order of their ids, one at a time, fetched in pages of `limit`. `orderBy` is refused. */
  scroll<const W extends WithPayload = true, const V extends WithVector = false, Raw extends boolean = false>(
    options?: ScrollOptions<PayloadPath<P>> & AskedParts<W, V, Raw>,
  ): AsyncIterable<StoredPoint<P, W, V, Raw>>
  /**
   * The number of points that match `filter`; all points without one. With `exact: false` it is an estimate from
   * payload indexes and a sample, which is faster. Default true.
   */
  count(options?: CountOptions<PayloadPath<P>>): Promise<number>
}

/**
 * A collection: reading and writing.
 *
 * A write is one record of the collection's log. It applies as a whole or not at all. Writes may reject with OVERLOADED
 * if too many wait, and with RESOURCE_EXHAUSTED or DISK_FULL if memory, disk or a quota is used up.
 */
export interface Collection<P = Payload> extends ReadableCollection<P>, QualityReports {
  /** Status, counts, configuration, memory and warnings of the collection. */
  info(call?: CallOptions): Promise<CollectionInfo>
  /**
   * Opens the collection, unless it is open: the next use need not wait for that. No deadline unless `timeoutMs` names
   * one.
   */
  warm(call?: CallOptions): Promise<void>
  /** The aliases of this collection, in ascending order. */
  aliases(call?: CallOptions): Promise<string[]>
  /** Snapshots of this collection. */
  readonly snapshots: CollectionSnapshots
  /**
   * Changes the configuration, such as graphs and codes. Resolves once the change is on stable storage. Affected
   * segments are rebuilt in the background, and stay searchable; `waitForIndex` waits for the rebuilds.
   */
  updateConfig(change: ConfigChange, call?: CallOptions): Promise<void>

  /**
   * Writes points, any number of them: those of an iterable are asked for as the ones before are written. An array or columns
   * of at most LIMITS.batchPoints are all or nothing, on a service as far as one request takes them. More points, and those
   * of iterables, are several writes, each all or nothing: where one fails, those before it stay, and `details.pointsWritten`
   * says how many points they have. `timeoutMs` is each write's.
   */
  upsert(points: UpsertPoints<P>, options?: WriteOptions & UpdateCondition): Promise<UpsertResult>
  /**
   * Stores the points of a stream of bytes, batch by batch, as they arrive. A row that is no point of the collection is
   * refused and told; the others of its batch are stored. A batch is on stable storage before the next one is written, and
   * nothing of the stream is read meanwhile: the stream waits where memory, log or graph are full.
   *
   * With `source` rows that are stored already are left out. Rejects with OUT_OF_ORDER where rows are missing before the
   * first one. An error that ends the stream has `accepted`, `rejected`, `position` and `errors` in its details.
   */
  ingest(stream: IngestStream, options?: IngestOptions): Promise<IngestResult>
  /** Rows of a source of streams that are stored: where the next one goes on. 0 of a source that is not known. */
  ingestPosition(source: string, call?: CallOptions): Promise<number>
  /**
   * Stores records of the quarantine of the collection's rules as points, and removes them from it. `fix` is applied by
   * the rules that have it; `replace` names records with other vectors or another payload. Records that break a rule
   * still stay, and are told. A repair may be run again: repaired records count as absent.
   */
  repair(repair: Repair, options?: WriteOptions): Promise<RepairResult>
  /** Rejects with NOT_FOUND where one of the points is not there. */
  updateVectors(
    points: readonly { id: PointId; vector: PointVector }[],
    options?: WriteOptions & Pick<UpdateCondition, 'updateFilter'>,
  ): Promise<WriteResult>
  /**
   * Removes the named vectors from the selected points. Absent points are ignored. Rejects with INVALID_ARGUMENT for an
   * unknown vector name.
   */
  deleteVectors(names: readonly string[], which: Selector<PayloadPath<P>>, options?: WriteOptions): Promise<WriteResult>
  /** Deletes the selected points. Absent ids are ignored. With `wait` (the default) `deleted` is the number removed. */
  delete(which: Selector<PayloadPath<P>>, options?: WriteOptions): Promise<WriteResult>
  /**
   * Merges keys into the payloads of the selected points: at the top, or into the objects at the path `key`. A null
   * removes its key. Rejects with NOT_FOUND if a selected id does not exist.
   */
  setPayload(
    payload: Partial<P>,
    which: Selector<PayloadPath<P>>,
    options?: WriteOptions & { key?: string },
  ): Promise<WriteResult>
  /**
   * Replaces the whole payloads of the selected points; `key` has no effect. Rejects with NOT_FOUND if a selected id does
   * not exist.
   */
  overwritePayload(
    payload: P,
    which: Selector<PayloadPath<P>>,
    options?: WriteOptions & { key?: string },
  ): Promise<WriteResult>
  /**
   * Removes the values at payload paths, such as `a.b` or `a[].b`, from the selected points. Rejects with NOT_FOUND if
   * a selected id does not exist.
   */
  deletePayload(keys: readonly string[], which: Selector<PayloadPath<P>>, options?: WriteOptions): Promise<WriteResult>
  /** Removes the payloads of the selected points. Rejects with NOT_FOUND if a selected id does not exist. */
  clearPayload(which: Selector<PayloadPath<P>>, options?: WriteOptions): Promise<WriteResult>
  /**
   * Runs operations in order, at most LIMITS.batchQueries. All are validated first. Then each is a write of its own;
   * the first failure ends the batch, and earlier operations stay.
   */
  batch(operations: readonly WriteOperation<P>[], options?: WriteOptions): Promise<WriteResult[]>

  /**
   * Creates an index of a payload field, replacing an earlier one. Resolves when the index is built; with `wait: false`
   * when it is durable, and then it is built in the background. Rejects with INVALID_ARGUMENT above
   * LIMITS.payloadIndexes.
   */
  createPayloadIndex(
    fieldName: string,
    schema: PayloadIndexKind | PayloadIndexOptions,
    options?: WriteOptions,
  ): Promise<WriteResult>
  /** Deletes the index of a payload field. A field without an index is no error. */
  deletePayloadIndex(fieldName: string, options?: WriteOptions): Promise<WriteResult>
  /**
   * Adds a vector to the collection. Present points lack it until they are written with it. If the vector exists
   * already with equal parameters, nothing changes; with other parameters the call rejects with INVALID_ARGUMENT.
   */
  createVectorName(vectorName: string, config: VectorNameConfig, options?: WriteOptions): Promise<WriteResult>
  /**
   * Drops a vector with all its data. Later answers lack it. Its memory is freed when the last earlier search has
   * ended, and files are rewritten without it in the background. An unknown name is no error.
   */
  deleteVectorName(vectorName: string, options?: WriteOptions): Promise<WriteResult>
  /** Resolves when everything acknowledged is in the table, on stable storage. No deadline unless `timeoutMs` names one. */
  flush(call?: CallOptions): Promise<void>
  /**
   * Resolves when the graph has caught up with the tail, and every segment has the present configuration. No deadline
   * unless `timeoutMs` names one.
   */
  waitForIndex(call?: CallOptions): Promise<void>
}

/** One operation of a batch, with the arguments of the method of its name. */
export type WriteOperation<P = Payload> =
  | ({ op: 'upsert'; points: readonly Point<P>[] | ColumnarPoints } & UpdateCondition)
  | { op: 'updateVectors'; points: readonly { id: PointId; vector: PointVector }[]; updateFilter?: Filter | null }
  | { op: 'deleteVectors'; names: readonly string[]; which: Selector<PayloadPath<P>> }
  | { op: 'delete'; which: Selector<PayloadPath<P>> }
  | { op: 'setPayload' | 'overwritePayload'; payload: Partial<P>; which: Selector<PayloadPath<P>>; key?: string }
  | { op: 'deletePayload'; keys: readonly string[]; which: Selector<PayloadPath<P>> }
  | { op: 'clearPayload'; which: Selector<PayloadPath<P>> }

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
