import {
  type CollectionConfig,
  type CollectionCounts,
  type CollectionInfo,
  isIndexing,
  type RecallMeans,
  type ResolvedVector,
  type SchemaVector,
} from '../../core/schema.js'
import type { ShardStats } from '../../native/addon.js'
import type { Shard } from '../../native/shard.js'
import type { Manifest } from '../../storage/manifest.js'
import type { OutdatedSegments } from './checkpointer.js'
import type { CollectionView } from './collection-view.js'

type IndexPoints = Awaited<ReturnType<Shard['indexPoints']>>[number]
type FromStats = Omit<CollectionInfo, 'status' | 'optimizerStatus' | 'logBytes' | 'updateQueue' | 'memory' | 'warnings'>

/** The part of a collection's info that comes from the kernel's counts. */
export function infoOfStats(
  stats: ShardStats,
  { config, schema, shard }: CollectionView,
  manifest: Manifest,
  indexPoints: readonly IndexPoints[],
): FromStats {
  // Sparse vectors are left out, because their answers are exact.
  const recall = stats.vectors.slice(0, config.vectors.length).map(({ recall }, vector) => {
    const { filtered, settling, samples } = recall
    const told = { ...meansOf(recall), filtered: meansOf(filtered), settling, samples }
    return [schema[vector]?.name ?? '', told] as const
  })
  const payloadSchema = manifest.payloadIndexes.map(({ field, kind, params }) => {
    const points = indexPoints.find((index) => index.field === field)?.points ?? 0
    return [field, params ? { kind, points, params } : { kind, points }] as const
  })
  return {
    name: manifest.name,
    ...countsOf(stats, config),
    config,
    payloadSchema: Object.fromEntries(payloadSchema),
    tailBytes: shard.tailBytes(),
    recall: Object.fromEntries(recall),
  }
}

export function countsOf({ points, vectors, segments }: ShardStats, config: CollectionConfig): CollectionCounts {
  // With `m: 0` vectors count as indexed, as in Qdrant, but not where indexing is off.
  const count = isIndexing(config) ? 'indexed' : 'graphed'
  const indexed = vectors.reduce((sum, vector) => sum + vector[count], 0)
  const live = vectors.reduce((sum, vector) => sum + vector.live, 0)
  return {
    pointsCount: points,
    vectorsCount: live,
    // Graphs also hold vectors that were deleted since.
    indexedVectorsCount: Math.min(indexed, live),
    segmentsCount: segments.length,
  }
}

/** Rows that were deleted, or whose payload changed, have to be looked at. Without them the kernel knows the numbers. */
export async function pointsOfIndexes(shard: Shard, { segments, payloadIndexes }: ShardStats): Promise<IndexPoints[]> {
  const isChanged = segments.some(({ deleted, overlayRows }) => deleted > 0 || overlayRows > 0)
  return payloadIndexes.length > 0 && isChanged ? await shard.indexPoints() : payloadIndexes
}

function meansOf({ queries, measured, asked }: { queries: number; measured: number; asked: number }): RecallMeans {
  return queries === 0 ? { queries, measured: null, asked: null } : { queries, measured, asked }
}

/** Whether vectors wait for a graph, or segments wait to be rebuilt. */
export function isBehind(stats: ShardStats, shard: Shard, outdated: OutdatedSegments): boolean {
  return shard.tailBytes() > 0 || stats.segments.some(({ segment, left }) => left || outdated.has(segment))
}

/** Bytes of live vectors. Sparse vectors differ in length, so their held bytes count, deleted ones included. */
export function liveVectorBytes({ shard, schema }: CollectionView): number {
  return shard.stats().vectors.reduce((sum, { live, vectorBytes }, i) => {
    const { size } = schema[i] as SchemaVector
    return sum + (size === 0 ? vectorBytes : live * size * componentBytes(schema[i] as ResolvedVector))
  }, 0)
}

/**
 * Bytes of a component at the configured width. The kernel may keep narrower ones (docs/design/codes.md), but users
 * cannot rely on that.
 */
function componentBytes({ datatype, distance }: ResolvedVector): number {
  if (datatype === 'float16') return 2
  return datatype === 'uint8' && distance !== 'Cosine' ? 1 : 4
}
