import type { ShardStats } from '../../native/addon.js'

/** Counts rows, and estimates bytes of rows, that are in no segment file. */
export function unspilledRows({ segments }: ShardStats): number {
  return segments.reduce((sum, { rows, checkpointedRows }) => sum + rows - checkpointedRows, 0)
}

export function unspilledBytes({ segments }: ShardStats): number {
  return segments.reduce((sum, { bytes, rows, checkpointedRows }) => {
    return sum + (rows === 0 ? 0 : (bytes * (rows - checkpointedRows)) / rows)
  }, 0)
}

/** Freezes the active segment once it is `segmentBytes` large, so that its file need not be written again. */
export function freezeIfLarge(shard: { stats(): ShardStats; freeze(): number }, segmentBytes: number): void {
  const active = shard.stats().segments.find((segment) => segment.active)
  if (active && active.bytes >= segmentBytes) shard.freeze()
}
