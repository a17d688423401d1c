import type { CallOptions } from './call-options.js'

export interface SnapshotDescription {
  /** Of the file, which the database picks. */
  name: string
  /** RFC 3339. */
  creationTime: string
  bytes: number
  /** SHA-256 of the file in hexadecimal digits. */
  checksum: string
}

/** The bytes of a snapshot, which may be read once; whoever stops before the end lets go of the file. */
export interface SnapshotData {
  name: string
  bytes: number
  chunks: AsyncIterable<Uint8Array>
}

/**
 * Snapshots of one collection, or of all of a database. Each is one file, a tar archive, with everything as of one
 * operation; writes go on while it is made. Calls that name no deadline have none.
 */
export interface Snapshots {
  create(call?: CallOptions): Promise<SnapshotDescription>
  /** Oldest first. */
  list(call?: CallOptions): Promise<SnapshotDescription[]>
  /** Rejects with NOT_FOUND where there is none of this name. */
  delete(name: string, call?: CallOptions): Promise<void>
  read(name: string, call?: CallOptions): Promise<SnapshotData>
}

export interface CollectionSnapshots extends Snapshots {
  /** One that is made for this reader alone, and is in no list. */
  stream(call?: CallOptions): Promise<SnapshotData>
}

/**
 * Where a snapshot is to come from: bytes, or a location. `file://` leads to a file in the database's own folder of
 * snapshots; `http://` and `https://` are fetched where the database was opened with `snapshotUrls`.
 */
export type SnapshotSource =
  | { chunks: AsyncIterable<Uint8Array> }
  | { location: string /** Sent as `api-key` to that host alone. */; apiKey?: string | null }

export interface RecoverOptions extends CallOptions {
  /** SHA-256 in hexadecimal digits; another file is refused. */
  checksum?: string | null
  /** Which of several replicas is right; on one node there is nothing else than the snapshot. */
  priority?: SnapshotPriority | null
  /** false: what is there already is not replaced, but the snapshot refused with ALREADY_EXISTS. Default true. */
  replace?: boolean | null
}
export const SNAPSHOT_PRIORITIES = ['no_sync', 'snapshot', 'replica'] as const
export type SnapshotPriority = (typeof SNAPSHOT_PRIORITIES)[number]
