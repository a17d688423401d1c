import type { CollectionInfo, RecallMeans, ResolvedVector, SchemaVector } from '../../core/schema.js'
import type { ShardStats } from '../../native/addon.js'
import type { Shard } from '../../native/shard.js'
import type { Manifest } from '../../storage/manifest.js'
import type { CollectionView } from './collection-view.js'
import type { OutdatedSegments } from './outdated-segments.js'

type FromStats = Omit<CollectionInfo, 'status' | 'optimizerStatus' | 'logBytes' | 'updateQueue' | 'memory' | 'warnings'>

/** What the kernel's counts say of a collection. */
export function infoOfStats(
  stats: ShardStats,
  { config, schema, shard }: CollectionView,
  manifest: Manifest,
): FromStats {
  const indexed = stats.vectors.reduce((sum, vector) => sum + vector.indexed, 0)
  const live = stats.vectors.reduce((sum, vector) => sum + vector.live, 0)
  // Of sparse vectors answers are exact.
  const recall = stats.vectors.slice(0, config.vectors.length).map(({ recall }, vector) => {
    const { filtered, settling, samples } = recall
    const told = { ...meansOf(recall), filtered: meansOf(filtered), settling, samples }
    return [schema[vector]?.name ?? '', told] as const
  })
  const payloadSchema = manifest.payloadIndexes.map(({ field, kind, params }) => {
    const points = stats.payloadIndexes.find((index) => index.field === field)?.points ?? 0
    return [field, params ? { kind, points, params } : { kind, points }] as const
  })
  return {
    name: manifest.name,
    pointsCount: stats.points,
    // Graphs also hold vectors that were deleted since.
    indexedVectorsCount: Math.min(indexed, live),
    vectorsCount: live,
    segmentsCount: stats.segments.length,
    config,
    payloadSchema: Object.fromEntries(payloadSchema),
    tailBytes: shard.tailBytes(),
    recall: Object.fromEntries(recall),
  }
}

function meansOf({ queries, measured, asked }: { queries: number; measured: number; asked: number }): RecallMeans {
  return queries === 0 ? { queries, measured: null, asked: null } : { queries, measured, asked }
}

/** Whether vectors wait for a graph, or segments for being rebuilt. */
export function isBehind(stats: ShardStats, shard: Shard, outdated: OutdatedSegments): boolean {
  return shard.tailBytes() > 0 || stats.segments.some(({ segment, left }) => left || outdated.has(segment))
}

/** Of a sparse vector each point has its own number: what is held counts, the deleted ones too. */
export function liveVectorBytes({ shard, schema }: CollectionView): number {
  return shard.stats().vectors.reduce((sum, { live, vectorBytes }, i) => {
    const { size } = schema[i] as SchemaVector
    return sum + (size === 0 ? vectorBytes : live * size * componentBytes(schema[i] as ResolvedVector))
  }, 0)
}

/** As wide as is asked for: what the kernel keeps may be narrower (docs/design/codes.md), and is no bound to build on. */
function componentBytes({ datatype, distance }: ResolvedVector): number {
  if (datatype === 'float16') return 2
  return datatype === 'uint8' && distance !== 'Cosine' ? 1 : 4
}
