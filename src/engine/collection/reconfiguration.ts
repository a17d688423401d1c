/** Changes of the configuration of an open collection. */
import { isDeepStrictEqual } from 'node:util'
import { type CollectionConfig, isIndexing } from '../../core/schema.js'
import type { VectorSpec } from '../../native/addon.js'
import type { Shard } from '../../native/shard.js'
import type { Manifest } from '../../storage/manifest.js'
import type { ManifestFile } from '../catalogue/manifest-file.js'
import { shardSpec } from '../config/shard-spec.js'
import type { OutdatedSegments } from './outdated-segments.js'

export interface ReconfiguredParts {
  shard: Shard
  manifest: ManifestFile
  outdated: OutdatedSegments
}

/**
 * Makes the change, and marks the segments that were built for the earlier configuration. The manifest marks them in the
 * write that changes the configuration, so that a rebuild goes on after a crash.
 */
export async function reconfigure(
  change: (config: CollectionConfig) => CollectionConfig,
  { shard, manifest, outdated }: ReconfiguredParts,
): Promise<void> {
  let takeBack: (made: number) => void = () => {}
  let before: VectorSpec[] = []
  const configured = (current: Manifest) => {
    const config = change(current.config)
    const specs = specsOf({ ...current, config })
    before = specsOf(current)
    if (isDeepStrictEqual(specs, before)) return { config }
    const through = shard.configure(specs)
    if (onlyEndsIndexing(current, config)) {
      // Graphs that exist stay.
      takeBack = (made) => outdated.markBetween(through, made)
      return { config }
    }
    takeBack = outdated.mark(through)
    return { config, segments: current.segments.map((segment) => ({ ...segment, outdated: true })) }
  }
  await manifest.update(configured, undefined, () => takeBack(shard.configure(before)))
}

function specsOf(described: Manifest): VectorSpec[] {
  return shardSpec(described, { trackChanges: false }).vectors
}

function onlyEndsIndexing(current: Manifest, config: CollectionConfig): boolean {
  if (isIndexing(config)) return false
  const { optimizersConfig } = current.config
  return isDeepStrictEqual(specsOf({ ...current, config: { ...config, optimizersConfig } }), specsOf(current))
}
