import type { SegmentFileInfo } from './addon.js'
import { rethrow } from './errors.js'
import { addon } from './load.js'

/** Verifies every block of a segment file and describes it. */
export async function inspectSegment(path: string): Promise<SegmentFileInfo> {
  return await addon().inspectSegment(path).catch(rethrow)
}

/** The kernel as it runs here: its instruction set and the threads of its pool. */
export function kernelInfo(): { isa: string; threads: number } {
  return { isa: addon().isa(), threads: addon().poolThreads() }
}
