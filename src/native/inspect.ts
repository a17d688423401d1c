import type { SegmentFileInfo } from './addon.js'
import { rethrow } from './errors.js'
import { addon } from './load.js'

/** Verifies every block of a segment file and describes it. */
export async function inspectSegment(path: string): Promise<SegmentFileInfo> {
  return await addon().inspectSegment(path).catch(rethrow)
}

/** The kernel as it runs here: its instruction set, the threads of its pool, and the cores that it may keep busy. */
export function kernelInfo(): { isa: string; threads: number; cores: number } {
  return { isa: addon().isa(), threads: addon().poolThreads(), cores: addon().usableCores() }
}

/** Bytes that the container lets this process have; null where nothing bounds them. */
export function containerMemoryBytes(): number | null {
  return addon().containerMemory()
}
