import type { ShardStats } from '../../native/addon.js'
import type { OutdatedSegments } from './outdated-segments.js'

/** Part of a segment's rows that may be dead before its live rows are moved and it is dropped. */
const COMPACT_DELETED_SHARE = 0.2
/** Below this a segment is not worth compacting: the scan of its dead rows costs less than moving the others. */
const COMPACT_MIN_ROWS = 1_000
/** A checkpoint rewrites the active segment, so it waits until that grew by this share: each byte is written a few times. */
const CHECKPOINT_GROWTH_SHARE = 0.5
const CHECKPOINT_MIN_ROWS = 20_000
/** A quiet collection is checkpointed sooner, so that the next open maps what this process has built. */
const IDLE_MS = 5_000
const IDLE_CHECKPOINT_MIN_ROWS = 2_000

export type MaintenanceStep = { kind: 'compact'; segment: number; active: boolean } | { kind: 'checkpoint' }

/** What the segments of a shard need next, if anything. Compaction first: it decides what there is to write. */
export function nextMaintenanceStep(
  stats: ShardStats,
  idleMs: number,
  outdated: OutdatedSegments,
): MaintenanceStep | null {
  for (const { segment, active, left, rows, deleted } of stats.segments) {
    if (outdated.has(segment) || left) return { kind: 'compact', segment, active }
    if (rows >= COMPACT_MIN_ROWS && deleted > rows * COMPACT_DELETED_SHARE) return { kind: 'compact', segment, active }
  }
  // A graph that is still being built would be written half done, and what it costs to search it is written with it.
  if (stats.vectors.some((vector) => vector.indexed < vector.live || vector.calibrating)) return null
  // It spares the next open from measuring again. With rows that are in no file it would be a whole one; those have theirs.
  const isMeasuredAnew = stats.segments.some(({ measuredAnew }) => measuredAnew)
  const isAllFiled = stats.segments.every(({ rows, checkpointedRows }) => rows === checkpointedRows)
  if (idleMs >= IDLE_MS && isMeasuredAnew && isAllFiled) return { kind: 'checkpoint' }
  const least = idleMs >= IDLE_MS ? IDLE_CHECKPOINT_MIN_ROWS : CHECKPOINT_MIN_ROWS
  for (const { rows, checkpointedRows } of stats.segments) {
    const grown = rows - checkpointedRows
    const worthIt = idleMs >= IDLE_MS ? least : Math.max(least, checkpointedRows * CHECKPOINT_GROWTH_SHARE)
    if (grown >= worthIt) return { kind: 'checkpoint' }
  }
  return null
}
