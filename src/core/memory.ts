/** Where the memory of a collection and of its process is, as `CollectionInfo.memory` tells it; where it is to be. */
import type { Awaitable } from './awaitable.js'
import type { RoomHolder } from './inner-call.js'
import type { Stoppable } from './stop.js'

/**
 * Where data is to be, once there is a file for it; it is on the disk in any case. `pinned`: in RAM and locked there, as
 * far as the system allows. `cached`: in RAM when the collection is opened, mapped where memory is not plentiful.
 * `cold`: brought from the file as it is asked for.
 */
export const MEMORY_PLACEMENTS = ['cold', 'cached', 'pinned'] as const
export type MemoryPlacement = (typeof MEMORY_PLACEMENTS)[number]

/** Of what a vector has. */
export interface VectorPlacement {
  vectors: MemoryPlacement
  graph: MemoryPlacement
  codes: MemoryPlacement
}

/** One kind of data. */
export interface MemoryPart {
  /** Held: what it takes where all of it is in RAM. */
  bytes: number
  /** In RAM now, as the operating system counts it. */
  residentBytes: number
  /** Of the resident ones: pages of a mapped file, which the system takes back where memory is short. */
  cacheBytes: number
}

/** What each vector of a collection has. */
export const VECTOR_PARTS = ['vectors', 'codes', 'graph'] as const
export interface VectorMemory extends Record<(typeof VECTOR_PARTS)[number], MemoryPart> {
  /** Vectors that stay in the segment files and are read at each use: in nobody's memory. */
  inFilesBytes: number
}

/**
 * What a collection has once. `tombstones`: when rows died, and bits for each row. `overlays`: payloads changed after
 * their row came. `changes`: what the table has yet to be told. `logBuffers`: records on their way to the disk.
 */
export const COLLECTION_PARTS = [
  'ids',
  'payload',
  'payloadIndexes',
  'tombstones',
  'overlays',
  'changes',
  'logBuffers',
] as const

export interface CollectionMemory extends Record<(typeof COLLECTION_PARTS)[number], MemoryPart> {
  /** By vector name. */
  vectors: Record<string, VectorMemory>
  /** Of all the parts. */
  total: MemoryPart
  process: ProcessMemory
}

/** Where the whole process's resident memory is: `residentBytes` is the sum of what follows it. */
export interface ProcessMemory {
  residentBytes: number
  /** What the process is to keep to; null: no limit. */
  limitBytes: number | null
  /** Of all open collections, this one's among them. */
  collectionsBytes: number
  /** Code of Node, the kernel and Lance: pages of their files. */
  programBytes: number
  /** Heaps of JavaScript: the main thread's, and that of the thread that makes Arrow of rows. */
  javascriptBytes: number
  /** Buffers that JavaScript holds: requests, answers, rows on their way to the table. */
  buffersBytes: number
  /** The allocator's, beyond what is counted above: Lance, search memory of threads, and what is kept for later. */
  nativeHeapBytes: number
  /** The rest: stacks, the start of Node, what no counter knows. */
  otherBytes: number
}

/** The limit of the process, for those who are about to take memory. */
export interface MemoryGate {
  /** null: there is none. */
  readonly limitBytes: number | null
  readonly usedBytes: number
  /** For what is under way and not yet in memory. */
  readonly reservedBytes: number
  /** How many wait for memory. */
  readonly waiting: number
  /**
   * Room for so many bytes; the returned function gives it back. Waits for it, for as long as the caller does, and rejects
   * with RESOURCE_EXHAUSTED where none comes. Whoever holds room already lets go of it for this, and is the next to have some.
   */
  reserve(bytes: number, caller?: Stoppable, holder?: RoomHolder): Awaitable<() => void>
}

export function sumOf(parts: Iterable<MemoryPart>): MemoryPart {
  const sum = { bytes: 0, residentBytes: 0, cacheBytes: 0 }
  for (const { bytes, residentBytes, cacheBytes } of parts) {
    sum.bytes += bytes
    sum.residentBytes += residentBytes
    sum.cacheBytes += cacheBytes
  }
  return sum
}

/** Every part of a collection by name; those of a vector have its name in front. */
export function* partsOf(memory: Omit<CollectionMemory, 'total' | 'process'>): Generator<[name: string, MemoryPart]> {
  for (const [name, vector] of Object.entries(memory.vectors)) {
    for (const part of VECTOR_PARTS) yield [name === '' ? part : `${name}: ${part}`, vector[part]]
  }
  for (const part of COLLECTION_PARTS) yield [part, memory[part]]
}
