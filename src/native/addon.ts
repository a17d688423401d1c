import type { Awaitable } from '../core/awaitable.js'
import type { Datatype } from '../core/schema.js'
import type {
  FacetRequest,
  FacetResult,
  FusedRequest,
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
import type { MetricCode, ShardSpec, VectorSpec } from './addon-spec.js'
import type { ShardStats } from './addon-stats.js'
import type { SparseBuffers, SparseSearchRequest } from './addon-vectors.js'
import type { ProcessMemoryFacts, ShardMemory } from './memory-facts.js'

export type * from './addon-reads.js'
export type * from './addon-spec.js'
export type * from './addon-stats.js'
export type * from './addon-vectors.js'

/** A search that was begun: done, to be resumed, or on the pool. */
export type Begun = FoundRows | undefined | Promise<FoundRows>

/**
 * The addon's exports, one to one: the contract between native/binding and src/native. Only files of this
 * folder use it; the rest of src goes through `shard.ts`.
 *
 * Rules of the boundary
 * - Callers validate before they call; what the kernel refuses comes back as an Error whose `code` is one of
 *   ERROR_CATALOGUE and whose message the facade passes on.
 * - Functions that return a promise run on the kernel's pool. Their typed arrays are pinned until they settle
 *   and must not be changed meanwhile. `*Sync` and plain functions return in microseconds.
 * - Ids are `ID_WORDS` (5) 32-bit words each, see core/point.ts. Sequence numbers are bigint-free: they are
 *   float64-safe integers (below 2^53), in arrays Float64Array.
 * - A closed shard throws CLOSED; `closeShard` waits for the operations that run.
 */
export interface LiftedVectors {
  text: Uint8Array
  /** Components of all vectors, end to end. */
  floats: Float32Array
  /** Where each of them ends. */
  ends: Uint32Array
}

/** Of each text the ascending numbers of its tokens, from one offset to the next. */
export interface EmbeddedTexts {
  offsets: Uint32Array
  indices: Uint32Array
  values: Float32Array
}

export interface Addon {
  /** Bumped with every incompatible change of this interface. */
  readonly abi: number
  /** The instruction set in use: 'avx512' | 'avx2' | 'neon' | 'scalar' (VICINAL_ISA forces a lower one). */
  isa(): string
  /** Threads of the kernel's pool (VICINAL_THREADS, default: `usableCores`). */
  poolThreads(): number
  /** The cores that this process may run on, and no more than its container has processor time for. */
  usableCores(): number
  /** From now on searches of this thread that are short wait for one of its turns, and not for the pool. */
  keepSearches(): void
  /** Bytes that its container lets this process have; null where nothing bounds them. */
  containerMemory(): number | null
  /** CRC-32C, continuing from `seed`. */
  crc32c(data: Uint8Array, seed?: number): number
  /**
   * Checks vectors in place: returns the index of the first vector with a component that is not finite, or -1.
   * With `normalise`, scales each to unit length (a zero vector stays; one whose norm is not representable is
   * scaled in double precision first). `datatype` float16 or uint8 rounds: to the nearest half, or towards zero within
   * 0 and 255 before it is scaled; beyond half precision counts as not finite.
   */
  prepareVectorsSync(data: Float32Array, dim: number, normalise: boolean, datatype?: string): number
  prepareVectors(data: Float32Array, dim: number, normalise: boolean, datatype?: string): Promise<number>

  /**
   * The vectors of a request in JSON, and its text with a string in the place of each: `mark` and the number of the vector.
   * null where there are none, or where the text is no JSON as far as it was looked at.
   */
  liftVectorsSync(json: Uint8Array, mark: Uint8Array): LiftedVectors | null
  liftVectors(json: Uint8Array, mark: Uint8Array): Promise<LiftedVectors | null>
  /** The components as numbers of JSON with commas between them: each in as few digits as lead back to the same float32. */
  floatsJson(values: Float32Array): string

  /** Takes an advisory OS lock (flock) on the file, creating it (0600). Returns null when another holds it. */
  lockFile(path: string): LockHandle | null
  unlockFile(lock: LockHandle): void

  createShard(spec: ShardSpec): ShardHandle
  /** A number by which other threads of this process open the same shard, for as long as it has not been freed. */
  shareShard(shard: ShardHandle): number
  /** To be read, on this thread, as another's: closing it closes this handle alone. CLOSED where the shard is no more. */
  openShared(number: number): ShardHandle
  /** Another descriptor of the same file or socket, which is to be closed on its own. */
  duplicateDescriptor(descriptor: number): number
  /**
   * Segments made from now on are built as `vectors` say, which keep their names, dimensions and metrics. Freezes the
   * active segment; returns the greatest number of the segments there are (-1: none).
   */
  configureShard(shard: ShardHandle, vectors: VectorSpec[]): number
  /**
   * A shard of the same rows with the vectors of `spec`: those known by name as they are, rows lack the others. The first
   * shard is read as of now by those who hold it; it must not be written any more, unless the other is closed at once and
   * `setIndexing` says so. While nothing else changes the shard.
   */
  reshapeShard(shard: ShardHandle, spec: ShardSpec): Promise<ShardHandle>
  closeShard(shard: ShardHandle): Promise<void>

  // ---- segment files ------------------------------------------------------------------------------------
  /**
   * Maps a segment file and its overlay (null: none), verifying every block's checksum. With `resume`, the
   * segment goes on taking rows (only the last one of a checkpoint may). Rejects with CORRUPT (message names the
   * file and block), also where the file is whole but not the one of the expected checksum (null: any), or with
   * UNSUPPORTED_FORMAT (newer than this build reads). Resolves to the segment's number.
   */
  openSegment(shard: ShardHandle, source: SegmentSource): Promise<number>
  /**
   * Writes into `folder` what changed since the last checkpoint, as of one point in the order of operations:
   * a file for each segment whose rows or graph grew, an overlay (deletes, payload changes) for each other
   * segment that changed. Files are complete and fsynced; the folder is not. Writes and searches go on.
   */
  checkpoint(shard: ShardHandle, folder: string): Promise<CheckpointResult>
  /** Verifies and describes a segment file without opening it in a shard. */
  inspectSegment(path: string): Promise<SegmentFileInfo>

  // ---- writes: one at a time per shard, each atomic for readers -----------------------------------------
  /**
   * Puts whole points. Rows whose id is present with a sequence number >= theirs are skipped. A few are put at once, without
   * a promise, where `inlineUs` (none by default) of this turn are left for it and nobody has to be waited for.
   */
  upsert(shard: ShardHandle, batch: UpsertBatch, inlineUs?: number): Awaitable<void>
  /** Replaces or adds the given vectors of present points, keeping their other vectors and payload. */
  updateVectors(shard: ShardHandle, batch: UpsertBatch): Promise<void>
  /** Removes the named vectors (indexes into spec.vectors) of present points. */
  deleteVectors(shard: ShardHandle, ids: Uint32Array, vectors: Uint32Array, seq: number): Promise<void>
  /** Removes points; absent ids are ignored. */
  deletePoints(shard: ShardHandle, ids: Uint32Array, seq: number): Promise<number>
  /** Replaces payloads of present points; moves no vector. */
  setPayloads(shard: ShardHandle, ids: Uint32Array, payloads: TextBuffers, seq: number): Promise<void>
  /** Sets the sequence number the shard has seen when an operation had no effect of its own. */
  advance(shard: ShardHandle, seq: number): void

  // ---- reads --------------------------------------------------------------------------------------------
  /**
   * `cancel` is a number for `cancel`; 0: it cannot be. `inlineUs`: microseconds for which the search may hold the calling
   * thread in this turn of the event loop; -1: it must not. The result itself where it ran within the call: where that is
   * enough by estimate and no other read of this thread is pending, since a hop to the pool costs more than many a search.
   * Nothing where it is to begin, or to go on, by `resumeSearch` in the next turn.
   */
  search(shard: ShardHandle, request: SearchRequest, cancel: number, inlineUs: number): Begun
  /**
   * The same for searches that ask for nothing else, by numbers in a row: see plain-search.ts, which reads the result too.
   * The numbers are read within the call.
   */
  searchPlain(shard: ShardHandle, numbers: Float64Array, query: Float32Array, filter: Uint8Array | null): Begun
  /** Exactly the points with the greatest dot products that share an index with the query, by the same rules. */
  searchSparse(shard: ShardHandle, request: SparseSearchRequest, cancel: number, inlineUs: number): Begun
  /** One ranking of several searches of one moment, with the points' payloads, by the same rules. */
  searchFused(shard: ShardHandle, request: FusedRequest, cancel: number, inlineUs: number): Begun
  /** By the same rules. */
  resumeSearch(shard: ShardHandle, cancel: number, inlineUs: number): Begun
  /** It never goes on. */
  dropSearch(shard: ShardHandle, cancel: number): void
  /**
   * Present points in the order asked for; `positions[i]` says which of `ids` row i is. A few of them are read at once,
   * without their vectors, where `inlineUs` are left for it.
   */
  retrieve(
    shard: ShardHandle,
    ids: Uint32Array,
    fields: RowFields,
    cancel: number,
    inlineUs: number,
  ): Awaitable<RowBlock & { positions: Uint32Array }>
  /** Points in id order from `from` (inclusive; null: the first), at most `limit`, that match. */
  scroll(shard: ShardHandle, request: ScrollRequest): Promise<RowBlock & { next: Uint32Array | null }>
  /** What indexes know is counted at once, where it is expected to take less than `inlineUs`. */
  count(shard: ShardHandle, filter: Uint8Array | null, cancel: number, inlineUs: number): Awaitable<number>
  /** About how many match, from payload indexes and a sample. */
  estimateCount(shard: ShardHandle, filter: Uint8Array | null, cancel: number): Promise<number>
  /** Matching points chosen at random, each as likely as any other, in no order. */
  sample(shard: ShardHandle, request: SampleRequest): Promise<RowBlock>
  /**
   * Matching points in the order of their values of an indexed field, once for each value. Rejects with
   * INVALID_ARGUMENT where the field has no index of numbers or date-times.
   */
  orderBy(shard: ShardHandle, request: OrderRequest): Promise<OrderedBlock>
  /**
   * How many matching points have each value of an indexed field, most frequent first, then by value. Rejects with
   * INVALID_ARGUMENT where the field has no index of keywords, integers, UUIDs or booleans.
   */
  facet(shard: ShardHandle, request: FacetRequest): Promise<FacetResult>
  /** The ids of all points that match (null: of all), in id order. */
  selectIds(shard: ShardHandle, filter: Uint8Array | null, cancel: number): Promise<Uint32Array>
  /** Asks the operation that was started with this cancel number to stop; it rejects with CANCELLED. */
  cancel(shard: ShardHandle, cancel: number): void

  // ---- texts --------------------------------------------------------------------------------------------
  /**
   * Texts, end to end in UTF-8, as sparse vectors: of documents with `weights` (k, b and the average length of BM25), of
   * queries with null. `options` is what src/filter/text-options.ts writes.
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

  // ---- payload indexes ----------------------------------------------------------------------------------
  /**
   * `text`: how texts are taken apart (src/filter/text-options.ts); null of other kinds. `onDisk`: what is in a segment
   * file is to be in a file beside it. `hasGraphs`: rows of its keywords may have graphs of their own.
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

  // ---- flush --------------------------------------------------------------------------------------------
  /**
   * The oldest unflushed changes until about `maxBytes`, whole operations but of one that takes many times that: current
   * state of every id first changed at or before `throughSeq`, and of some changed later. null when there is none. Taken changes count as flushed until
   * `restoreFlush` gives them back. One flush at a time.
   */
  takeFlush(shard: ShardHandle, maxBytes: number): Promise<FlushBatch | null>
  restoreFlush(shard: ShardHandle): void
  /** The flush taken last is durable. */
  completeFlush(shard: ShardHandle): void
  /**
   * Checks the row checksums of a batch read back from the table (same layout as FlushBatch): returns the
   * position of the first row that does not match, or -1.
   */
  verifyRows(shard: ShardHandle, batch: FlushBatch): Promise<number>
  /** What the checksums of the rows are to be. */
  checksumRows(shard: ShardHandle, batch: FlushBatch): Promise<Uint32Array>
  /** Loads rows of the table (deleted ones too); they are not marked for flushing. */
  loadRows(shard: ShardHandle, batch: FlushBatch): Promise<void>

  // ---- maintenance --------------------------------------------------------------------------------------
  stats(shard: ShardHandle): ShardStats
  /** Where the shard's memory is. Reads the page table: some milliseconds for each gigabyte, on the pool. */
  memory(shard: ShardHandle): Promise<ShardMemory>
  /**
   * Gives memory back: what is in segment files is left to them, now and from now on, but what is pinned. What is read
   * again comes back by the page. With `everything`, graphs and codes go too.
   */
  shed(shard: ShardHandle, everything: boolean): Promise<void>
  /** What the process is to keep to, 0 for none: the kernel copies less into memory then. */
  limitMemory(bytes: number): void
  /** Gives what the allocator keeps for later back to the system. */
  trimHeap(): Promise<void>
  /** What the system and the allocator tell of this process; 0 where they do not. */
  processMemory(): ProcessMemoryFacts
  /** Vector bytes acknowledged and not yet in a graph. */
  tailBytes(shard: ShardHandle): number
  /** Resolves when every vector present at the call is in a graph. */
  waitForIndex(shard: ShardHandle): Promise<void>
  /** Stops and restarts graph building (tests, checkpoints). */
  setIndexing(shard: ShardHandle, enabled: boolean): void
  /** Freezes the active segment; new rows go to a new one. Returns the frozen segment's id (-1: it was empty). */
  freeze(shard: ShardHandle): number
  /** Of at most so many remembered queries; how many were measured. */
  measureRecall(shard: ShardHandle, vector: number, most: number): Promise<number>
  /** Queries that were remembered of a vector, to outlive the process: rows of limit, recall asked for, and vector. */
  keptQueries(shard: ShardHandle, vector: number): { queries: Float32Array }
  /** Remembers such rows of an earlier process; false, and none is remembered, where they cannot be such. */
  resumeQueries(shard: ShardHandle, vector: number, queries: Float32Array): boolean
  /** Copies up to `maxRows` live rows of a frozen segment into the active one; returns how many are left. */
  moveRows(shard: ShardHandle, segment: number, maxRows: number): Promise<number>
  /** Drops a frozen segment that has no live rows. */
  dropSegment(shard: ShardHandle, segment: number): void
  /** Walks every graph and proves its invariants; returns the violations found (at most 100). */
  validate(shard: ShardHandle): Promise<string[]>
}

/** As plain-search.ts reads it, or by names where it is large or has more than payloads. */
export type FoundRows = Float64Array<ArrayBuffer> | SearchResult

export type ShardHandle = { readonly __shard: unique symbol }
export type LockHandle = { readonly __lock: unique symbol }

export interface UpsertBatch {
  ids: Uint32Array
  seq: number
  /** Index into spec.vectors, or behind them into spec.sparse; the rest as in VectorColumn. */
  vectors: {
    vector: number
    data: Float32Array
    rows: Uint32Array | null
    counts?: Uint32Array | null
    sparse?: SparseBuffers
  }[]
  payloads: TextBuffers | null
}

/** Rows of the table. Ids as text (decimal or UUID), Arrow's layouts throughout. */
export interface FlushBatch {
  count: number
  /** Every operation up to this one is covered. (0 in loadRows and verifyRows.) */
  throughSeq: number
  ids: { bytes: Uint8Array; offsets: Int32Array }
  seqs: BigInt64Array
  /** 1 where the row is a delete; it has no vectors and payload then. */
  deleted: Uint8Array
  /** CRC-32C over id text, sequence number, deleted, payload text and each present vector with its slot. */
  crcs: Uint32Array
  /** Payload as JSON text; an empty span where there is none. */
  payloads: { bytes: Uint8Array; offsets: Int32Array }
  /** One per spec vector, then one per sparse vector. */
  vectors: VectorRows[]
}

export interface CheckpointResult {
  /** The state written is that after this operation. */
  throughSeq: number
  /** Every live segment, in order; unchanged ones name the files they had. */
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
    /** What vectors are kept as. */
    datatype: Datatype
    vertices: number
    indexed: number
  }[]
  /** Names of the sparse vectors. */
  sparse: string[]
}
