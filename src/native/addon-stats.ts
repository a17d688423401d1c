import type { PayloadIndexKindCode } from './addon-reads.js'

export interface ShardStats {
  seq: number
  /** Live points. */
  points: number
  /** Ids changed and not flushed, and an estimate of their bytes. */
  dirty: number
  dirtyBytes: number
  vectors: {
    live: number
    indexed: number
    graphBytes: number
    vectorBytes: number
    codeBytes: number
    /** What recall costs is being measured, or about to be. */
    calibrating: boolean
    /** Of callers' queries: means over those measured last, how many were ever measured, how many wait for it. */
    recall: {
      queries: number
      measured: number
      asked: number
      /** Of those with a filter, which are not among the others. */
      filtered: { queries: number; measured: number; asked: number }
      waiting: number
      /** Live queries are gathered to calibrate on, or that is under way. */
      settling: boolean
      /** What recall was measured on, in the segment with the fewest live ones; nothing: never yet. */
      samples: { stored: number; live: number }
    }
  }[]
  segments: {
    segment: number
    active: boolean
    /** Its rows are few, and are to be moved: those that came after them are kept wider or narrower. */
    left: boolean
    rows: number
    deleted: number
    bytes: number
    checkpointedRows: number
    overlayRows: number
    /** What recall costs was measured, or codes were chosen, since its files were written. */
    measuredAnew: boolean
  }[]
  payloadIndexes: { field: string; kind: PayloadIndexKindCode; points: number }[]
}
