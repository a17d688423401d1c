import { totalmem } from 'node:os'
import { LIMITS } from '../core/limits.js'
import { containerMemoryBytes } from '../native/inspect.js'
import { parseBytes } from './parse-bytes.js'
import { UsageError } from './settings.js'

const MIB = 1024 * 1024
/** Beyond a limit, a commit of the table and what is read between two looks take this for moments. */
const BEYOND_BYTES = 320 * MIB
/** About the least that is comfortable for writing (docs/memory.md), where a container has a little more than that. */
const COMFORTABLE_BYTES = 420 * MIB
const MOST_SHARE = 0.82
/** Of a machine's memory: what a service keeps to where no container bounds it. */
const SERVICE_SHARE = 0.75

/** Bytes; or what a container allows, where there is one; or no limit. */
export type MemoryLimit = number | 'auto' | 'none'

export function parseMemoryLimit(text: string, name = '--memory-limit'): MemoryLimit {
  if (text === 'auto' || text === 'none') return text
  const bytes = parseBytes(text, name)
  if (bytes >= LIMITS.leastMemoryLimitBytes) return bytes
  throw new UsageError(`${name}: expected at least ${LIMITS.leastMemoryLimitBytes / MIB} MiB, got ${text}`)
}

/** Bytes that a service keeps to: as `memoryLimitOf` says, and where `auto` finds no container, a share of the machine. */
export function serviceMemoryLimitOf(asked: MemoryLimit, machineBytes = totalmem()): number | undefined {
  const limit = memoryLimitOf(asked)
  if (limit !== undefined || asked === 'none') return limit
  return Math.max(Math.floor(machineBytes * SERVICE_SHARE), LIMITS.leastMemoryLimitBytes)
}

/** Bytes to keep to; `auto` keeps so far below what a container allows that the system has no reason to end the process. */
export function memoryLimitOf(asked: MemoryLimit): number | undefined {
  if (asked === 'none') return undefined
  return asked === 'auto' ? limitIn(containerMemoryBytes(), totalmem()) : asked
}

/** What a database is to be opened with that keeps to the limit. */
export function memoryOptionsOf(text: string, name?: string): { memoryLimitBytes?: number } {
  const memoryLimitBytes = memoryLimitOf(parseMemoryLimit(text, name))
  return memoryLimitBytes === undefined ? {} : { memoryLimitBytes }
}

/**
 * Of what a container allows. Control groups of version 1 that have no bound tell one far beyond any machine; some containers
 * say of the machine that it has what they allow.
 */
export function limitIn(containerBytes: number | null, machineBytes: number): number | undefined {
  if (containerBytes === null || containerBytes > machineBytes) return undefined
  const comfortable = Math.min(COMFORTABLE_BYTES, Math.floor(containerBytes * MOST_SHARE))
  return Math.max(containerBytes - BEYOND_BYTES, comfortable, LIMITS.leastMemoryLimitBytes)
}
