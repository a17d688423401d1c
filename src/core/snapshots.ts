import Type, { type Static } from 'typebox'
import { CALL_OPTIONS, type CallOptions } from './call-options.js'
import { optional } from './vocabulary/declare.js'

/** A stored snapshot. */
export interface SnapshotDescription {
  /** Name of the file, chosen by the database. */
  name: string
  /** Time as in RFC 3339. */
  creationTime: string
  /** Bytes of the file. */
  bytes: number
  /** SHA-256 of the file in hexadecimal digits. */
  checksum: string
}

/** The bytes of a snapshot. They can be read once; a reader that stops early closes the file. */
export interface SnapshotData {
  /** Name of the file. */
  name: string
  /** Bytes of the file. */
  bytes: number
  /** The bytes, in order. */
  chunks: AsyncIterable<Uint8Array>
}

/**
 * Snapshots of one collection, or of all of a database. Each is one file, a tar archive, with everything as of one
 * operation; writes go on while it is made. Calls that name no deadline have none.
 */
export interface Snapshots {
  /** Makes a snapshot and stores it. Rejects with OVERLOADED if too many are being made. */
  create(call?: CallOptions): Promise<SnapshotDescription>
  /** All snapshots, the oldest first. */
  list(call?: CallOptions): Promise<SnapshotDescription[]>
  /** Rejects with NOT_FOUND if no snapshot has the name. */
  delete(name: string, call?: CallOptions): Promise<void>
  /** The bytes of a stored snapshot. Rejects with NOT_FOUND if no snapshot has the name. */
  read(name: string, call?: CallOptions): Promise<SnapshotData>
}

/** Snapshots of one collection. */
export interface CollectionSnapshots extends Snapshots {
  /** Makes a snapshot for this reader alone. It is not listed. */
  stream(call?: CallOptions): Promise<SnapshotData>
}

/**
 * The source of a snapshot: bytes, or a location. `file://` names a file in the database's own folder of snapshots; on a
 * store, `s3://bucket/prefix/snapshots/NAME` or its `file://` address names one of that store's.
 * `http://` and `https://` are fetched if the database was opened with `snapshotUrls`.
 */
export type SnapshotSource =
  | { chunks: AsyncIterable<Uint8Array> }
  | { location: string /** Sent as `api-key` to that host alone. */; apiKey?: string | null }

export const SNAPSHOT_PRIORITIES = ['no_sync', 'snapshot', 'replica'] as const
export type SnapshotPriority = (typeof SNAPSHOT_PRIORITIES)[number]

/** How a snapshot is taken in: options of the library, properties of a body, and parameters of an upload. */
export const RECOVERY = {
  /** Expected SHA-256 in hexadecimal digits. Any other file is refused. */
  checksum: optional(Type.String({ description: 'Expected SHA-256 in hexadecimal digits.' })),
  /** Qdrant's choice between replicas. No effect on one node: the snapshot always wins. */
  priority: optional(Type.Enum(SNAPSHOT_PRIORITIES, { description: 'Checked; on one node the snapshot always wins.' })),
  /** Whether an existing collection is replaced; otherwise it rejects with ALREADY_EXISTS. Default true. */
  replace: optional(
    Type.Boolean({ description: 'Not in Qdrant: `false` refuses to replace a collection. Default true.' }),
  ),
}
/** Options of a restore. */
export const RecoverOptions = Type.Object({ ...RECOVERY, ...CALL_OPTIONS })
export type RecoverOptions = CallOptions & {
  -readonly [Name in keyof typeof RECOVERY]?: Static<(typeof RECOVERY)[Name]> | null
}

export const SnapshotRecovery = Type.Object(
  {
    location: Type.String({ description: 'A `file://` path in the folder of snapshots, or a URL.' }),
    apiKey: optional(Type.String({ description: 'Sent as `api-key` to that host alone.' })),
    ...RECOVERY,
  },
  { $id: 'SnapshotRecovery', description: 'A snapshot to take in.' },
)
