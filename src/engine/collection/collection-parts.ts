import type { Clock } from '../../core/clock.js'
import type { Log } from '../../log/log.js'
import type { Shard } from '../../native/shard.js'
import type { LanceTable } from '../../storage/lance-table.js'
import type { ManifestFile } from '../catalogue/manifest-file.js'
import type { CollectionHome } from './collection-home.js'
import type { OutdatedSegments } from './outdated-segments.js'
import type { Sources } from './sources.js'

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
  /** Of a reader: whether it is applying what its writer has added. */
  isFollowing?: () => boolean
  warnings: string[]
  /** Segments that wait to be rebuilt for the present configuration. */
  outdated: OutdatedSegments
  clock: Clock
}
