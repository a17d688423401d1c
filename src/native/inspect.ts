import type { SegmentFileInfo } from './addon.js'
import { addon, rethrow } from './load.js'

/** Verifies every block of a segment file and describes it. */
export async function inspectSegment(path: string): Promise<SegmentFileInfo> {
  return await addon().inspectSegment(path).catch(rethrow)
}

/** The kernel on this machine: its instruction set, the threads of its pool, and the usable cores. */
export function kernelInfo(): { isa: string; threads: number; cores: number } {
  return { isa: addon().isa(), threads: addon().poolThreads(), cores: addon().usableCores() }
}

/** The container's memory limit in bytes; null without one. */
export function containerMemoryBytes(): number | null {
  return addon().containerMemory()
}
