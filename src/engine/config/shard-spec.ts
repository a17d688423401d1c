/** Describes the vectors of a collection in the kernel's form. */
import { LIMITS } from '../../core/limits.js'
import {
  type CollectionConfig,
  isIndexing,
  isSparse,
  type ResolvedSparse,
  type ResolvedVector,
} from '../../core/schema.js'
import type { ShardSpec, SparseSpec, VectorSpec } from '../../native/addon.js'
import { Shard } from '../../native/shard.js'
import { filedName, type LayoutVector, layoutOf, liveVectors, type TableLayout } from '../../storage/table-layout.js'

interface Described {
  config: CollectionConfig
  layout?: TableLayout
}

const METRICS = { Cosine: 'cosine', Dot: 'dot', Euclid: 'l2', Manhattan: 'l1' } as const

export function shardSpec(described: Described, { trackChanges }: { trackChanges: boolean }): ShardSpec {
  const { config } = described
  const live = liveVectors(layoutOf(described))
  const identity = (at: number) => {
    const vector = live[at] as LayoutVector
    return { name: filedName(vector), slot: vector.slot }
  }
  return {
    vectors: config.vectors.map((vector, at) => ({
      ...vectorSpec(vector),
      payloadM: payloadMOf(vector, config),
      ...(isIndexing(config) ? {} : { m: 0, payloadM: 0 }),
      ...identity(at),
    })),
    sparse: config.sparseVectors.map((vector, at) => ({
      ...sparseSpec(vector),
      ...identity(config.vectors.length + at),
    })),
    segmentBytes: LIMITS.segmentBytes,
    trackChanges,
  }
}

export function makeShard(described: Described, options: { trackChanges: boolean }): Shard {
  return new Shard(shardSpec(described, options))
}

/**
 * A shard without rows that knows all columns of the table, dropped vectors included. It serves to check table rows.
 */
export function tableShard({ vectors }: TableLayout): Shard {
  const dense = vectors.filter((vector) => !isSparse(vector))
  const sparse = vectors.filter((vector) => isSparse(vector))
  return new Shard({
    vectors: dense.map((vector) => {
      const multi = vector.multivectorConfig !== undefined
      return {
        name: filedName(vector),
        dim: vector.size,
        metric: 'dot',
        multi,
        m: 2,
        efConstruct: 4,
        slot: vector.slot,
      }
    }),
    sparse: sparse.map((vector) => ({ name: filedName(vector as LayoutVector), slot: (vector as LayoutVector).slot })),
    segmentBytes: LIMITS.segmentBytes,
    trackChanges: false,
  })
}

/** M of the graphs of frequent payload values; 0 turns these graphs off. */
export function payloadMOf({ m, overrides }: ResolvedVector, { hnswConfig }: CollectionConfig): number {
  const asked = overrides.hnswConfig?.payloadM ?? hnswConfig.payloadM ?? m
  return Math.min(asked, LIMITS.m)
}

export function vectorSpec(vector: ResolvedVector): VectorSpec {
  const { name, size, distance, multivectorConfig, datatype, m, efConstruct, memory, quantization } = vector
  const placement = { memory: memory.vectors, graphMemory: memory.graph, codeMemory: memory.codes }
  const multi = multivectorConfig !== undefined
  const kept = datatype === undefined ? {} : { datatype }
  return {
    name,
    dim: size,
    metric: METRICS[distance],
    multi,
    m,
    efConstruct,
    ...placement,
    ...kept,
    code: quantization,
  }
}

function sparseSpec({ name, index }: ResolvedSparse): SparseSpec {
  return { name, memory: index?.memory ?? (index?.onDisk ? 'cold' : 'cached') }
}
