import { addon } from './load.js'
import type { ProcessMemoryFacts } from './memory-facts.js'

/** What the system and the allocator tell of this process; Node's own count where they do not. */
export function processMemoryFacts(): ProcessMemoryFacts {
  const facts = addon().processMemory()
  return facts.residentBytes > 0 ? facts : { ...facts, residentBytes: process.memoryUsage.rss() }
}

/** What the process is to keep to; 0: no limit. */
export function limitKernelMemory(bytes: number): void {
  addon().limitMemory(bytes)
}

/** Gives what the allocator keeps for later back to the system. */
export async function trimHeap(): Promise<void> {
  await addon().trimHeap()
}
