import type { Clock } from '../../core/clock.js'
import type { Collection } from '../../core/database.js'
import type { VicinalError } from '../../core/errors.js'
import { type CollectionConfig, type Schema, schemaOf } from '../../core/schema.js'
import type { Log } from '../../log/log.js'
import type { Shard } from '../../native/shard.js'
import type { LanceTable } from '../../storage/lance-table.js'
import type { Manifest } from '../../storage/manifest.js'
import { layoutOf, liveVectors, type VectorIdentity } from '../../storage/table-layout.js'
import type { ManifestFile } from '../catalogue/manifest-file.js'
import type { StrictMode } from '../limits/strict-mode.js'
import type { OutdatedSegments } from './checkpointer.js'
import type { CollectionHome } from './collection-home.js'
import type { Sources } from './sources.js'

/** The rows that reads and planned writes work on, and the vectors of these rows. */
export interface CollectionView {
  readonly name: string
  /** Absent of mirrors, which only read. */
  readonly createdAt?: string
  readonly config: CollectionConfig
  readonly shard: Shard
  readonly schema: Schema
  readonly vectors: readonly VectorIdentity[]
}

export function viewOf(shard: Shard, manifest: Manifest): CollectionView {
  const { name, createdAt, config } = manifest
  return { name, createdAt, config, shard, schema: schemaOf(config), vectors: liveVectors(layoutOf(manifest)) }
}

/** The parts of an engine, with its current rows and vectors as live properties. */
export function withLiveRows<P>(view: () => CollectionView, parts: Omit<P, 'shard' | 'vectors'>): P {
  return Object.defineProperties(parts, {
    shard: { get: () => view().shard },
    vectors: { get: () => view().vectors },
  }) as P
}

/** The parts of a recovered collection, as `recovery.ts` returns them. */
export interface CollectionParts {
  shard: Shard
  log: Log
  manifest: ManifestFile
  /** null in memory, and for readers. */
  table: LanceTable | null
  /** Where a writer keeps the collection; null in memory, and for readers. */
  home: CollectionHome | null
  /** How far sources of streams were taken. */
  sources: Sources
  readOnly: boolean
  /** Of a reader: whether it is applying new records of its writer. */
  isFollowing?: () => boolean
  /** Of a reader: set while the memory limit keeps it from applying them. */
  exhausted?: () => VicinalError | null
  /** Releases the collection's hold on cached files. */
  onClosed?: () => void
  warnings: string[]
  /** Segments that wait to be rebuilt for the present configuration. */
  outdated: OutdatedSegments
  clock: Clock
}

/** The rows and vectors that a write is planned against. */
export interface PlanContext {
  shard: Shard
  schema: Schema
  /** The collection's name. */
  collection: string
  /** Resolves to the quarantine of its rules. */
  quarantine(name: string): Promise<Collection>
  /** Bounds that the collection's owner sets. */
  strictMode: Pick<StrictMode, 'columns' | 'rowsBeyond'> | null
}
