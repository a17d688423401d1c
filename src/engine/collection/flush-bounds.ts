import { LIMITS } from '../../core/limits.js'
import type { CollectionConfig } from '../../core/schema.js'
import type { Log } from '../../log/log.js'

const MIB = 1024 * 1024

/** When changes go from the log into the table, and how many at a time. */
export interface FlushBounds {
  /** At this age, unless the collection's `flushIntervalSec` sets another. */
  ageMs: number
  /** Or at this many bytes of changed rows. */
  bytes: number
  /** Bytes of rows in one commit. They are in memory four times on their way. */
  commitBytes: number
  /** Or once the log has so many values, which an opening reads one by one. */
  logValues: number
}

/** 32 MB in one commit were no faster and took 230 MB more. */
export const FOLDER_BOUNDS: FlushBounds = {
  ageMs: 5_000,
  bytes: 16 * MIB,
  commitBytes: 8 * MIB,
  logValues: Number.POSITIVE_INFINITY,
}

/** Each commit is some ten requests, and reads the table's column of ids. The log holds the changes meanwhile. */
export const STORE_BOUNDS: FlushBounds = {
  ageMs: 300_000,
  bytes: 128 * MIB,
  commitBytes: 32 * MIB,
  logValues: 4_000,
}

/** A log of this many bytes is flushed, however few rows its records changed. Four times as many have writes refused. */
const LOG_BYTES = LIMITS.logBytes / 4
const LEAST_AGE_MS = 1_000

/** The facts that a collection's bounds depend on. Collections in memory have no home, and nothing to flush. */
export interface FlushParts {
  home: { readonly flushBounds: FlushBounds } | null
  log: Pick<Log, 'bytes' | 'values'>
  manifest: { readonly current: { readonly config: Pick<CollectionConfig, 'optimizersConfig'> } }
}

export function boundsOf({ home }: Pick<FlushParts, 'home'>): FlushBounds {
  return home?.flushBounds ?? FOLDER_BOUNDS
}

/** Whether changes of so many bytes should go into the table, of which the first was made so long ago. */
export function isFlushDue(parts: FlushParts, dirtyBytes: number, dirtyMs: number): boolean {
  const { ageMs, bytes, logValues } = boundsOf(parts)
  const { flushIntervalSec } = parts.manifest.current.config.optimizersConfig
  const mostMs = flushIntervalSec === undefined ? ageMs : Math.max(LEAST_AGE_MS, flushIntervalSec * 1_000)
  if (dirtyMs >= mostMs || dirtyBytes >= bytes) return true
  return parts.log.bytes >= LOG_BYTES || (parts.log.values ?? 0) >= logValues
}
