import { turnBudget } from '../core/turn-budget.js'
import type { ProcessMemoryFacts } from './addon-stats.js'
import { addon, toVicinalError } from './load.js'

/** Memory of this process as the system and the allocator report it; else Node's own count. */
export function processMemoryFacts(): ProcessMemoryFacts {
  const facts = addon().processMemory()
  return facts.residentBytes > 0 ? facts : { ...facts, residentBytes: process.memoryUsage.rss() }
}

/** Sets the memory limit of the process; 0: no limit. */
export function limitKernelMemory(bytes: number): void {
  addon().limitMemory(bytes)
}

/** Returns the allocator's free memory to the system. */
export async function trimHeap(): Promise<void> {
  await addon().trimHeap()
}

/** Free bytes that the allocator may keep: fewer are not worth the time to return them. */
const KEPT_FREE_BYTES = 32 * 1024 * 1024
/** All collections call this, but the answer is the process's. */
const LOOKED_EVERY_MS = 10_000
let lookedAtMs = Number.NEGATIVE_INFINITY
/**
 * The lowest values since memory was returned. The allocator counts returned memory as free, though it is not resident.
 */
let least = { residentBytes: 0, heapFreeBytes: 0 }

/** Returns the allocator's free memory if there is much. Freed memory would otherwise stay with the process. */
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

/** From now on this thread keeps short searches, in the library and in the kernel: see TurnBudget. */
export function keepSearches(): void {
  turnBudget.keepSearches()
  addon().keepSearches()
}

/** Another descriptor of the same socket. Its holder keeps the connection, even if the first descriptor is closed. */
export function duplicateDescriptor(descriptor: number): number {
  try {
    return addon().duplicateDescriptor(descriptor)
  } catch (error) {
    throw toVicinalError(error)
  }
}
