import { type CollectionConfig, type Schema, schemaOf } from '../../core/schema.js'
import type { Shard } from '../../native/shard.js'
import type { Manifest } from '../../storage/manifest.js'
import { layoutOf, liveVectors, type VectorIdentity } from '../../storage/table-layout.js'

/** The rows that reads and planned writes work on, and the vectors of these rows. */
export interface CollectionView {
  readonly name: string
  readonly config: CollectionConfig
  readonly shard: Shard
  readonly schema: Schema
  readonly vectors: readonly VectorIdentity[]
}

export function viewOf(shard: Shard, manifest: Manifest): CollectionView {
  const { name, config } = manifest
  return { name, config, shard, schema: schemaOf(config), vectors: liveVectors(layoutOf(manifest)) }
}

/** The parts of an engine, with its current rows and vectors as live properties. */
export function withLiveRows<P>(view: () => CollectionView, parts: Omit<P, 'shard' | 'vectors'>): P {
  return Object.defineProperties(parts, {
    shard: { get: () => view().shard },
    vectors: { get: () => view().vectors },
  }) as P
}
