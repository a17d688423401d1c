import type { MaybePromise } from '../core/maybe-promise.js'
import type { Datatype } from '../core/schema.js'
import type {
  FacetRequest,
  FacetResult,
  FusedRequest,
  NearestLists,
  NearestListsRequest,
  OrderedBlock,
  OrderRequest,
  PayloadIndexKindCode,
  RowBlock,
  RowFields,
  SampleRequest,
  ScrollRequest,
  SearchRequest,
  SearchResult,
  TextBuffers,
  VectorRows,
} from './addon-reads.js'
import type { ProcessMemoryFacts, ShardMemory, ShardStats } from './addon-stats.js'
import type {
  MetricCode,
  ShardSpec,
  SparseBuffers,
  SparseSearchRequest,
  VectorCalls,
  VectorSpec,
} from './addon-vectors.js'

export type * from './addon-reads.js'
export type * from './addon-stats.js'
export type * from './addon-vectors.js'

/** A search that was begun: its result, or undefined if it must be resumed, or a promise of the pool. */
export type Begun = FoundRows | undefined | Promise<FoundRows>

/**
 * The addon's exports, one to one: the contract between native/binding and src/native. Only files of this folder use
 * it; the rest of src uses `shard.ts`.
 *
 * Rules of the boundary
 * - Callers validate first. A refusal by the kernel is an Error with a `code` of ERROR_CATALOGUE; its message is passed
 * on.
 * - Functions that return a promise run on the kernel's pool. Their typed arrays are pinned until they settle and must
 * not change meanwhile. `*Sync` and plain functions return in microseconds.
 * - Ids are `ID_WORDS` (5) 32-bit words each, see core/point.ts. Sequence numbers are integers below 2^53, in
 * Float64Arrays, so no bigint is needed.
 * - A closed shard throws CLOSED; `closeShard` waits for running operations.
 */
export interface LiftedVectors {
  text: Uint8Array
  /** Components of all vectors, end to end. */
  floats: Float32Array
  /** Where each vector ends. */
  ends: Uint32Array
}

/** The ascending token numbers of each text, from one offset to the next. */
export interface EmbeddedTexts {
  offsets: Uint32Array
  indices: Uint32Array
  values: Float32Array
}

export interface Addon extends VectorCalls {
  /** Incremented with every incompatible change of this interface. */
  readonly abi: number
  /** The instruction set in use: 'avx512' | 'avx2' | 'neon' | 'scalar' (VICINAL_ISA forces a lower one). */
  isa(): string
  /** Threads of the kernel's pool (VICINAL_THREADS, default: `usableCores`). */
  poolThreads(): number
  /** Cores that this process may run on, or fewer if its container has less processor time. */
  usableCores(): number
  /** From now on short searches of this thread wait for one of its turns, not for the pool. */
  keepSearches(): void
  /** The container's memory limit in bytes; null without one. */
  containerMemory(): number | null
  /** CRC-32C, continuing from `seed`. */
  crc32c(data: Uint8Array, seed?: number): number
  /**
   * Extracts the vectors of a request in JSON. In the returned text a string replaces each vector: `mark` and its
   * number. null if there are none, or if the part that was read is no JSON.
   */
  liftVectorsSync(json: Uint8Array, mark: Uint8Array): LiftedVectors | null
  liftVectors(json: Uint8Array, mark: Uint8Array): Promise<LiftedVectors | null>
  /** The components as JSON numbers separated by commas, each with the fewest digits that give the same float32. */
  floatsJson(values: Float32Array): string

  /** Takes an advisory lock (flock) on the file, creating it with mode 0600. Returns null if another holder has it. */
  lockFile(path: string): LockHandle | null
  unlockFile(lock: LockHandle): void

  createShard(spec: ShardSpec): ShardHandle
  /** A number by which other threads of this process open the same shard until it is freed. */
  shareShard(shard: ShardHandle): number
  /**
   * Opens another thread's shard for reading on this thread. Closing it closes only this handle. CLOSED if the shard is
   * gone.
   */
  openShared(number: number): ShardHandle
  /** Another descriptor of the same file or socket. It is closed separately. */
  duplicateDescriptor(descriptor: number): number
  /**
   * Sets how later segments are built; `vectors` keep their names, dimensions and metrics. Freezes the active segment.
   * Returns the highest number of the present segments; -1 if there are none.
   */
  configureShard(shard: ShardHandle, vectors: VectorSpec[]): number
  /**
   * A shard of the same rows with the vectors of `spec`. Vectors known by name stay; rows lack the others. Holders of
   * the first shard read it as of now. It must not be written any more, unless the other is closed at once and
   * `setIndexing` is called. Nothing else may change the shard meanwhile.
   */
  reshapeShard(shard: ShardHandle, spec: ShardSpec): Promise<ShardHandle>
  closeShard(shard: ShardHandle): Promise<void>

  // Segment files
  /**
   * Maps a segment file and its overlay (null: none), verifying every block's checksum. With `resume` the segment goes
   * on taking rows; only the last one of a checkpoint may. Resolves to the segment's number. Rejects with CORRUPT,
   * naming file and block, also if the file is whole but has another checksum than `crc` (null: any). Rejects with
   * UNSUPPORTED_FORMAT if the format is newer than this build reads.
   */
  openSegment(shard: ShardHandle, source: SegmentSource): Promise<number>
  /**
   * Writes the changes since the last checkpoint into `folder`, as of one operation. Each segment with more rows or a
   * larger graph gets a file. Each other changed segment gets an overlay (deletes, payload changes). Files are complete
   * and fsynced; the folder is not. Writes and searches go on.
   */
  checkpoint(shard: ShardHandle, folder: string): Promise<CheckpointResult>
  /** Verifies and describes a segment file without opening it in a shard. */
  inspectSegment(path: string): Promise<SegmentFileInfo>

  // Writes: one at a time for each shard, each atomic for readers
  /**
   * Puts whole points. A row is skipped if its id has a sequence number >= its own. A small batch is put at once,
   * without a promise. This needs `inlineUs` (default 0) left in this turn, and no lock to wait for.
   */
  upsert(shard: ShardHandle, batch: UpsertBatch, inlineUs?: number): MaybePromise<void>
  /** Replaces or adds the given vectors of present points. Other vectors and the payload stay. */
  updateVectors(shard: ShardHandle, batch: UpsertBatch): Promise<void>
  /** Removes the named vectors (indexes into spec.vectors) of present points. */
  deleteVectors(shard: ShardHandle, ids: Uint32Array, vectors: Uint32Array, seq: number): Promise<void>
  /** Removes points; absent ids are ignored. */
  deletePoints(shard: ShardHandle, ids: Uint32Array, seq: number): Promise<number>
  /** Replaces payloads of present points; moves no vector. */
  setPayloads(shard: ShardHandle, ids: Uint32Array, payloads: TextBuffers, seq: number): Promise<void>
  /** Sets the last sequence number that the shard has seen, after an operation without effects. */
  advance(shard: ShardHandle, seq: number): void

  // Reads
  /**
   * `cancel` is the number for `cancel`; 0: the search cannot be cancelled. `inlineUs` is the time in microseconds for
   * which the search may hold the calling thread in this turn; -1: it must not.
   *
   * Returns the result itself if the search ran within the call. This needs enough time by estimate, and no other
   * pending read of this thread: a hop to the pool costs more than many a search. Returns undefined if `resumeSearch`
   * must begin or continue the search in the next turn.
   */
  search(shard: ShardHandle, request: SearchRequest, cancel: number, inlineUs: number): Begun
  /**
   * The same for plain searches, passed as numbers in a row: see plain-search.ts, which also reads the result. The
   * numbers are read within the call.
   */
  searchPlain(shard: ShardHandle, numbers: Float64Array, query: Float32Array, filter: Uint8Array | null): Begun
  /**
   * The points with the greatest dot products among those that share an index with the query, exactly. Rules of
   * `search`.
   */
  searchSparse(shard: ShardHandle, request: SparseSearchRequest, cancel: number, inlineUs: number): Begun
  /** One ranking of several searches at one moment, with the points' payloads. Rules of `search`. */
  searchFused(shard: ShardHandle, request: FusedRequest, cancel: number, inlineUs: number): Begun
  /** Continues a search. Rules of `search`. */
  resumeSearch(shard: ShardHandle, cancel: number, inlineUs: number): Begun
  /** Drops a search that must not go on. */
  dropSearch(shard: ShardHandle, cancel: number): void
  /**
   * Present points in the order of `ids`; `positions[i]` is the index in `ids` of row i. A few points without vectors
   * are read at once if `inlineUs` suffice.
   */
  retrieve(
    shard: ShardHandle,
    ids: Uint32Array,
    fields: RowFields,
    cancel: number,
    inlineUs: number,
  ): MaybePromise<RowBlock & { positions: Uint32Array }>
  /** At most `limit` matching points in id order, from `from` (inclusive; null: the first). */
  scroll(shard: ShardHandle, request: ScrollRequest): Promise<RowBlock & { next: Uint32Array | null }>
  /** Counts at once if indexes know the answer and it is expected to take less than `inlineUs`. */
  count(shard: ShardHandle, filter: Uint8Array | null, cancel: number, inlineUs: number): MaybePromise<number>
  /** An estimate of the matching points, from payload indexes and a sample. */
  estimateCount(shard: ShardHandle, filter: Uint8Array | null, cancel: number): Promise<number>
  /**
   * The number of live points with a value in each payload index, payload operations included. Of many changed payloads
   * a sample is read. Runs on the pool.
   */
  indexPoints(shard: ShardHandle): Promise<{ field: string; points: number }[]>
  /** Matching points chosen uniformly at random, in no order. */
  sample(shard: ShardHandle, request: SampleRequest): Promise<RowBlock>
  /**
   * Matching points in the order of their values of an indexed field, once for each value. Rejects with
   * INVALID_ARGUMENT if the field has no index of numbers or date-times.
   */
  orderBy(shard: ShardHandle, request: OrderRequest): Promise<OrderedBlock>
  /**
   * The number of matching points for each value of an indexed field, most frequent first, then by value. Rejects with
   * INVALID_ARGUMENT if the field has no index of keywords, integers, UUIDs or booleans.
   */
  facet(shard: ShardHandle, request: FacetRequest): Promise<FacetResult>
  /** The ids of all matching points (null: of all points), in id order. */
  selectIds(shard: ShardHandle, filter: Uint8Array | null, cancel: number): Promise<Uint32Array>
  /** Asks the operation with this cancel number to stop. It then rejects with CANCELLED. */
  cancel(shard: ShardHandle, cancel: number): void

  // Reports
  /**
   * The nearest rows of many vectors, on a thread of low priority. Nothing is learnt from these searches: neither recall
   * nor pace.
   */
  nearestLists(shard: ShardHandle, request: NearestListsRequest, cancel: number): Promise<NearestLists>
  /**
   * The squared Euclidean distances of all vectors to each other, at most 16,384 of them: as many rows of as many. On a
   * thread of low priority.
   */
  squaredDistances(vectors: Float32Array, dim: number): Promise<{ distances: Float32Array }>
  /**
   * For each of at most 1,024 splits of items, the sum of the distances of all ordered pairs whose items both have the
   * label 1. `labels` has one for each row of the square `distances`, split by split. On a thread of low priority.
   */
  sumsWithin(distances: Float32Array, labels: Uint8Array): Promise<{ sums: Float64Array }>

  // Texts
  /**
   * Turns texts, end to end in UTF-8, into sparse vectors. Documents have `weights` (k, b and the average length of
   * BM25); queries have null. `options` has the form of src/filter/text-options.ts.
   */
  embedTexts(
    options: Uint8Array,
    texts: Uint8Array,
    offsets: Uint32Array,
    weights: Float64Array | null,
  ): Promise<EmbeddedTexts>
  embedTextsSync(
    options: Uint8Array,
    texts: Uint8Array,
    offsets: Uint32Array,
    weights: Float64Array | null,
  ): EmbeddedTexts

  // Payload indexes
  /**
   * `text`: how texts are split (src/filter/text-options.ts); null for other kinds. `onDisk`: postings of rows in a
   * segment file are in a file beside it. `hasGraphs`: keywords may get graphs of their own.
   */
  createPayloadIndex(
    shard: ShardHandle,
    field: string,
    kind: PayloadIndexKindCode,
    text: Uint8Array | null,
    onDisk: boolean,
    hasGraphs: boolean,
  ): Promise<void>
  dropPayloadIndex(shard: ShardHandle, field: string): void

  // Flush
  /**
   * Takes the oldest unflushed changes, about `maxBytes` of them; null if there are none. Operations are whole, except
   * one of many times that size. The batch holds the current state of every id first changed at or before `throughSeq`,
   * and of some ids changed later. Taken changes count as flushed until `restoreFlush` gives them back. One flush at a
   * time.
   */
  takeFlush(shard: ShardHandle, maxBytes: number): Promise<FlushBatch | null>
  restoreFlush(shard: ShardHandle): void
  /** Tells that the last taken flush is durable. */
  completeFlush(shard: ShardHandle): void
  /**
   * Checks the row checksums of a batch read from the table, in the layout of FlushBatch. Returns the position of the
   * first row that does not match, or -1.
   */
  verifyRows(shard: ShardHandle, batch: FlushBatch): Promise<number>
  /** Computes the checksums of the rows. */
  checksumRows(shard: ShardHandle, batch: FlushBatch): Promise<Uint32Array>
  /** Loads rows of the table, deleted ones included. They are not marked for flushing. */
  loadRows(shard: ShardHandle, batch: FlushBatch): Promise<void>

  // Maintenance
  stats(shard: ShardHandle): ShardStats
  /** Measures the shard's memory by the page table: some milliseconds for each gigabyte, on the pool. */
  memory(shard: ShardHandle): Promise<ShardMemory>
  /**
   * Gives memory back: data in segment files is dropped from memory, now and later, unless it is pinned. Reads bring it
   * back page by page. With `everything`, graphs and codes are dropped too.
   */
  shed(shard: ShardHandle, everything: boolean): Promise<void>
  /** Sets the memory limit of the process; 0: none. With a limit the kernel copies less into memory. */
  limitMemory(bytes: number): void
  /** Returns the allocator's free memory to the system. */
  trimHeap(): Promise<void>
  /** Memory of this process as the system and the allocator report it; 0 if they do not. */
  processMemory(): ProcessMemoryFacts
  /** Bytes of acknowledged vectors that are not in a graph yet. */
  tailBytes(shard: ShardHandle): number
  /** Resolves when every vector present at the call is in a graph. */
  waitForIndex(shard: ShardHandle): Promise<void>
  /** Stops and restarts graph building (tests, checkpoints). */
  setIndexing(shard: ShardHandle, enabled: boolean): void
  /** Freezes the active segment; new rows go to a new one. Returns the frozen segment's number; -1 if it was empty. */
  freeze(shard: ShardHandle): number
  /** Measures the recall of at most `most` remembered queries. Resolves to the number measured. */
  measureRecall(shard: ShardHandle, vector: number, most: number): Promise<number>
  /** The remembered queries of a vector, to outlive the process. A row holds limit, asked recall and the vector. */
  keptQueries(shard: ShardHandle, vector: number): { queries: Float32Array }
  /** Remembers such rows of an earlier process. Returns false, and remembers none, if they have an invalid form. */
  resumeQueries(shard: ShardHandle, vector: number, queries: Float32Array): boolean
  /** Copies up to `maxRows` live rows of a frozen segment into the active one. Resolves to the number left. */
  moveRows(shard: ShardHandle, segment: number, maxRows: number): Promise<number>
  /** Drops a frozen segment that has no live rows. */
  dropSegment(shard: ShardHandle, segment: number): void
  /** Walks every graph and checks its invariants. Resolves to the violations found, at most 100. */
  validate(shard: ShardHandle): Promise<string[]>
}

/** A packed result, which plain-search.ts reads; or an object if the result is large or has more than payloads. */
export type FoundRows = Float64Array<ArrayBuffer> | SearchResult

export type ShardHandle = { readonly __shard: unique symbol }
export type LockHandle = { readonly __lock: unique symbol }

export interface UpsertBatch {
  ids: Uint32Array
  seq: number
  /** `vector` is an index into spec.vectors, or after them into spec.sparse. The rest is as in VectorColumn. */
  vectors: {
    vector: number
    data: Float32Array
    rows: Uint32Array | null
    counts?: Uint32Array | null
    sparse?: SparseBuffers
  }[]
  payloads: TextBuffers | null
}

/** Rows of the table, in Arrow's layouts. Ids are texts (decimal or UUID). */
export interface FlushBatch {
  count: number
  /** Every operation up to this one is covered. (0 in loadRows and verifyRows.) */
  throughSeq: number
  ids: { bytes: Uint8Array; offsets: Int32Array }
  seqs: BigInt64Array
  /** 1 if the row is a delete; then it has no vectors and no payload. */
  deleted: Uint8Array
  /** CRC-32C over id text, sequence number, deleted, payload text and each present vector with its slot. */
  crcs: Uint32Array
  /** Payload as JSON text; an empty text if there is none. */
  payloads: { bytes: Uint8Array; offsets: Int32Array }
  /** One for each spec vector, then one for each sparse vector. */
  vectors: VectorRows[]
}

export interface CheckpointResult {
  /** The files hold the state after this operation. */
  throughSeq: number
  /** Every live segment, in order. Unchanged segments name their earlier files. */
  segments: {
    segment: number
    file: string
    bytes: number
    crc: number
    overlay: { file: string; bytes: number; crc: number } | null
  }[]
}

export interface SegmentSource {
  path: string
  /** `crc` of the checkpoint result. */
  crc: number | null
  overlay: { path: string; crc: number | null } | null
  resume: boolean
}

export interface SegmentFileInfo {
  formatVersion: number
  rows: number
  bytes: number
  sections: { name: string; bytes: number }[]
  vectors: {
    name: string
    dim: number
    metric: MetricCode
    /** The type in which vectors are stored. */
    datatype: Datatype
    vertices: number
    indexed: number
  }[]
  /** Names of the sparse vectors. */
  sparse: string[]
}
