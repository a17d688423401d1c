import { totalmem } from 'node:os'
import { LIMITS } from '../core/limits.js'
import { containerMemoryBytes } from '../native/inspect.js'
import { parseBytes } from './parse-bytes.js'

const MIB = 1024 * 1024
/** Beyond a limit, a commit of the table and what is read between two looks take this for moments. */
const BEYOND_BYTES = 320 * MIB
/** About the least that is comfortable for writing (docs/memory.md), where a container has a little more than that. */
const COMFORTABLE_BYTES = 420 * MIB
const MOST_SHARE = 0.82

/**
 * What `--memory-limit` asks for: a size, `none`, or `auto`, which keeps so far below what a container allows that the
 * system has no reason to end the process. undefined: no limit.
 */
export function memoryLimitOf(asked: string): number | undefined {
  if (asked === 'none') return undefined
  return asked === 'auto' ? limitIn(containerMemoryBytes(), totalmem()) : parseBytes(asked, '--memory-limit')
}

/** Of what a container allows; control groups of version 1 that have no bound tell one far beyond any machine. */
export function limitIn(containerBytes: number | null, machineBytes: number): number | undefined {
  if (containerBytes === null || containerBytes >= machineBytes) return undefined
  const comfortable = Math.min(COMFORTABLE_BYTES, Math.floor(containerBytes * MOST_SHARE))
  return Math.max(containerBytes - BEYOND_BYTES, comfortable, LIMITS.leastMemoryLimitBytes)
}
