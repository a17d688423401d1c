import type { ShardStats } from '../../native/addon.js'
import type { OutdatedSegments } from './outdated-segments.js'

/** Share of deleted rows above which a segment's live rows are moved and the segment is dropped. */
const COMPACT_DELETED_SHARE = 0.2
/** Smaller segments are not compacted: scanning their dead rows costs less than moving the live ones. */
const COMPACT_MIN_ROWS = 1_000
/**
 * A checkpoint rewrites the active segment. It waits until the segment grew by this share, so each byte is written only
 * a few times.
 */
const CHECKPOINT_GROWTH_SHARE = 0.5
const CHECKPOINT_MIN_ROWS = 20_000
/** A quiet collection gets its checkpoint sooner, so that the next open maps the graphs that this process built. */
const IDLE_MS = 5_000
const IDLE_CHECKPOINT_MIN_ROWS = 2_000

export type MaintenanceStep = { kind: 'compact'; segment: number; active: boolean } | { kind: 'checkpoint' }

/**
 * The next step that the segments of a shard need, or null. Compaction comes first: it decides which segments to write.
 */
export function nextMaintenanceStep(
  stats: ShardStats,
  idleMs: number,
  outdated: OutdatedSegments,
): MaintenanceStep | null {
  for (const { segment, active, left, rows, deleted } of stats.segments) {
    if (outdated.has(segment) || left) return { kind: 'compact', segment, active }
    if (rows >= COMPACT_MIN_ROWS && deleted > rows * COMPACT_DELETED_SHARE) return { kind: 'compact', segment, active }
  }
  // A checkpoint now would write an unfinished graph, together with the cost of searching it unfinished.
  if (stats.vectors.some((vector) => vector.indexed < vector.live || vector.calibrating)) return null
  // This checkpoint saves the next open a measurement. It is made only if all rows are in files, so it writes no whole
  // file.
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
