import type { CollectionConfig, PayloadIndexKind } from '../core/schema.js'

/** What a collection is, and which files hold it: the root of everything durable. */
export interface Manifest {
  uuid: string
  name: string
  config: CollectionConfig
  payloadIndexes: { field: string; kind: PayloadIndexKind }[]
  /** Version of the Lance table; 0 while there is no table yet. */
  tableVersion: number
  /** The table holds every operation up to this one. */
  flushedSeq: number
  /** The segments hold every operation up to this one. */
  checkpointSeq: number
  /** In the kernel's order; the last one takes rows. */
  segments: SegmentEntry[]
  /** Where the log ended at the last clean close: everything before it must be whole. */
  cleanEnd: { file: string; offset: number } | null
  /** RFC 3339. */
  createdAt: string
}

export interface SegmentEntry {
  file: string
  bytes: number
  crc: number
  overlay: { file: string; bytes: number; crc: number } | null
}
