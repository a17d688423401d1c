import type { Clock } from '../../core/clock.js'
import type { Disk } from '../../disk/disk.js'
import type { Log } from '../../log/log.js'
import type { Shard } from '../../native/shard.js'
import type { LanceTable } from '../../storage/lance-table.js'
import type { CollectionPaths } from '../../storage/layout.js'
import type { ManifestFile } from '../catalogue/manifest-file.js'
import type { OutdatedSegments } from './outdated-segments.js'

/** A recovered collection: what `recovery.ts` hands over. */
export interface CollectionParts {
  shard: Shard
  log: Log
  manifest: ManifestFile
  /** null in memory, and for readers. */
  table: LanceTable | null
  /** The collection's folder; null in memory. */
  folder: { disk: Disk; paths: CollectionPaths } | null
  readOnly: boolean
  warnings: string[]
  /** Segments that wait for being rebuilt as the configuration says. */
  outdated: OutdatedSegments
  clock: Clock
}
