import { totalmem } from 'node:os'
import { LIMITS } from '../core/limits.js'
import { containerMemoryBytes } from '../native/inspect.js'
import { parseBytes } from '../terminal/bytes.js'
import { UsageError } from '../terminal/usage-error.js'

const MIB = 1024 * 1024
/**
 * Headroom above the limit: a commit of the table, and reads between two measurements, may take this much for moments.
 */
const BEYOND_BYTES = 320 * MIB
/** About the least memory for comfortable writing (docs/memory.md), in a container that has a little more than that. */
const COMFORTABLE_BYTES = 420 * MIB
const MOST_SHARE = 0.82
/** Share of the machine's memory that a service keeps to outside a container. */
const SERVICE_SHARE = 0.75

/** Bytes; or `auto`, from the container's limit; or no limit. */
export type MemoryLimit = number | 'auto' | 'none'

export function parseMemoryLimit(text: string, name = '--memory-limit'): MemoryLimit {
  if (text === 'auto' || text === 'none') return text
  const bytes = parseBytes(text, name)
  if (bytes >= LIMITS.leastMemoryLimitBytes) return bytes
  throw new UsageError(`${name}: expected at least ${LIMITS.leastMemoryLimitBytes / MIB} MiB, got ${text}`)
}

/** The limit of a service in bytes: as `memoryLimitOf`, but `auto` outside a container takes a share of the machine. */
export function serviceMemoryLimitOf(asked: MemoryLimit, machineBytes = totalmem()): number | undefined {
  const limit = memoryLimitOf(asked)
  if (limit !== undefined || asked === 'none') return limit
  return Math.max(Math.floor(machineBytes * SERVICE_SHARE), LIMITS.leastMemoryLimitBytes)
}

/** The limit in bytes. `auto` stays so far below the container's limit that the system does not end the process. */
export function memoryLimitOf(asked: MemoryLimit): number | undefined {
  if (asked === 'none') return undefined
  return asked === 'auto' ? limitIn(containerMemoryBytes(), totalmem()) : asked
}

/** The options that open a database with this limit. */
export function memoryOptionsOf(text: string, name?: string): { memoryLimitBytes?: number } {
  const memoryLimitBytes = memoryLimitOf(parseMemoryLimit(text, name))
  return memoryLimitBytes === undefined ? {} : { memoryLimitBytes }
}

/**
 * The limit below a container's. Control groups of version 1 without a bound report one far above any machine, which is
 * ignored. Some containers report their own limit as the machine's memory.
 */
export function limitIn(containerBytes: number | null, machineBytes: number): number | undefined {
  if (containerBytes === null || containerBytes > machineBytes) return undefined
  const comfortable = Math.min(COMFORTABLE_BYTES, Math.floor(containerBytes * MOST_SHARE))
  return Math.max(containerBytes - BEYOND_BYTES, comfortable, LIMITS.leastMemoryLimitBytes)
}
