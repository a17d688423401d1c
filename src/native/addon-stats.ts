import type { PayloadIndexKindCode } from './addon-reads.js'

export interface ShardStats {
  seq: number
  /** Live points. */
  points: number
  /** Of all rows as they were appended, deleted ones included, and of changed payloads. */
  payloadBytes: number
  /** Changed ids that are not flushed, and an estimate of their bytes. */
  dirty: number
  dirtyBytes: number
  vectors: {
    live: number
    indexed: number
    /** Of the indexed ones, those in a graph or in postings. With `m` 0 a vector is indexed without a graph. */
    graphed: number
    graphBytes: number
    vectorBytes: number
    codeBytes: number
    /** A calibration runs or is about to start. */
    calibrating: boolean
    /** Live recall: means over the recently measured queries, the number ever measured, and the number waiting. */
    recall: {
      queries: number
      measured: number
      asked: number
      /** Queries with a filter; the other counts exclude them. */
      filtered: { queries: number; measured: number; asked: number }
      waiting: number
      /** Live queries are being gathered for a calibration, or the calibration runs. */
      settling: boolean
      /**
       * Numbers of stored and live samples of the last calibration, in the segment with the fewest live ones. 0: none
       * yet.
       */
      samples: { stored: number; live: number }
    }
  }[]
  segments: {
    segment: number
    active: boolean
    /** The segment's few rows should be moved: later rows are stored in another width. */
    left: boolean
    rows: number
    deleted: number
    bytes: number
    checkpointedRows: number
    overlayRows: number
    /** Whether a calibration ran, or codes were chosen, since its files were written. */
    measuredAnew: boolean
  }[]
  /** Rows with a value in the index as they were appended, deleted ones included. */
  payloadIndexes: { field: string; kind: PayloadIndexKindCode; points: number }[]
}

// Memory as the kernel reports it: results of `memory` and `processMemory` of the addon.

export interface MemoryPartFacts {
  /** Bytes held: the size if all of it were in RAM. */
  bytes: number
  /** Bytes in RAM now. Of these, pages of a mapped file, and bytes in the allocator's own count. */
  residentBytes: number
  cacheBytes: number
  heapBytes: number
  /** Bytes that should be locked in RAM, but are not because the system allows no more. */
  unlockedBytes: number
}

export interface ShardMemory {
  /** `inFilesBytes`: vectors that stay in their file and are read at each use. */
  vectors: { vectors: MemoryPartFacts; codes: MemoryPartFacts; graph: MemoryPartFacts; inFilesBytes: number }[]
  ids: MemoryPartFacts
  payload: MemoryPartFacts
  payloadIndexes: MemoryPartFacts
  tombstones: MemoryPartFacts
  overlays: MemoryPartFacts
  changes: MemoryPartFacts
}

export interface ProcessMemoryFacts {
  residentBytes: number
  /** Of these, pages of files: code, and mapped data that was not written to. */
  fileBytes: number
  /** Memory that the allocator has from the system: in use, and free. */
  heapUsedBytes: number
  heapFreeBytes: number
}
