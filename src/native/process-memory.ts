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

/** What the allocator may keep for later: fewer bytes are not worth the search for them. */
const KEPT_FREE_BYTES = 32 * 1024 * 1024
/** All collections ask, and the answer is of the process. */
const LOOKED_EVERY_MS = 10_000
let lookedAtMs = Number.NEGATIVE_INFINITY
/** The least of both since memory was given back. The allocator counts that memory as free still, though it is not resident. */
let least = { residentBytes: 0, heapFreeBytes: 0 }

/** Gives back what the allocator keeps, where that is much: freed memory stays with the process otherwise, however long. */
export async function giveBackFreed(): Promise<void> {
  const nowMs = performance.now()
  if (nowMs - lookedAtMs < LOOKED_EVERY_MS) return
  lookedAtMs = nowMs
  const { residentBytes, heapFreeBytes } = processMemoryFacts()
  const isMuch = heapFreeBytes > KEPT_FREE_BYTES
  const hasGrown =
    heapFreeBytes > least.heapFreeBytes + KEPT_FREE_BYTES || residentBytes > least.residentBytes + KEPT_FREE_BYTES
  least = {
    residentBytes: Math.min(least.residentBytes, residentBytes),
    heapFreeBytes: Math.min(least.heapFreeBytes, heapFreeBytes),
  }
  if (!isMuch || !hasGrown) return
  await trimHeap()
  least = processMemoryFacts()
}
