/** Memory of a collection and of its process, as in `CollectionInfo.memory`, and placements of data. */

import type { RoomHolder } from './inner-call.js'
import type { MaybePromise } from './maybe-promise.js'
import type { Stoppable } from './stop.js'

/**
 * Placement of data that has a file; the data is on disk in every case. `pinned`: locked in RAM, as far as the system
 * allows. `cached`: loaded into RAM at the open, or mapped if memory is short. `cold`: read from the file at each use.
 */
export const MEMORY_PLACEMENTS = ['cold', 'cached', 'pinned'] as const
export type MemoryPlacement = (typeof MEMORY_PLACEMENTS)[number]

/** Placements of a vector's parts. */
export interface VectorPlacement {
  /** Where the vectors are kept. */
  vectors: MemoryPlacement
  /** Where the graph is kept. */
  graph: MemoryPlacement
  /** Where codes are kept. */
  codes: MemoryPlacement
}

/** Memory of one kind of data, in bytes. */
export interface MemoryPart {
  /** The size if all of it were in RAM. */
  bytes: number
  /** In RAM now, as the operating system counts. */
  residentBytes: number
  /** Of the resident bytes: pages of a mapped file, which the system reclaims when memory is short. */
  cacheBytes: number
}

/** The parts of each vector of a collection. */
export const VECTOR_PARTS = ['vectors', 'codes', 'graph'] as const
/** Memory of one vector's parts. */
export interface VectorMemory extends Record<(typeof VECTOR_PARTS)[number], MemoryPart> {
  /** Bytes of vectors that stay in segment files and are read at each use. They take no memory. */
  inFilesBytes: number
}

/**
 * The parts that a collection has once. `tombstones`: deletion times and bits of rows. `overlays`: payloads changed
 * after their rows were written. `changes`: changes that the table lacks. `logBuffers`: records on their way to the
 * disk.
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

/** Memory of one collection, and of its process. */
export interface CollectionMemory extends Record<(typeof COLLECTION_PARTS)[number], MemoryPart> {
  /** Memory by vector name. */
  vectors: Record<string, VectorMemory>
  /** Sum of all parts. */
  total: MemoryPart
  /** Memory of the process that has the collection. */
  process: ProcessMemory
}

/** Resident memory of the whole process, in bytes. `residentBytes` is the sum of the fields after `limitBytes`. */
export interface ProcessMemory {
  /** Bytes of the process in memory. */
  residentBytes: number
  /** The process's memory limit; null: none. */
  limitBytes: number | null
  /** All open collections, including this one. */
  collectionsBytes: number
  /** Code of Node, the kernel and Lance: pages of their files. */
  programBytes: number
  /** JavaScript heaps: of the main thread, of the other serving threads, and of the Arrow worker. */
  javascriptBytes: number
  /** Buffers held by JavaScript: requests, answers, rows on their way to the table. */
  buffersBytes: number
  /** Batches that the owner of a store has pushed, until the database of this reader has them; 0 without a store. */
  pushedBytes: number
  /** Changes that the database of a store (SlateDB) holds at most; 0 without a store. */
  storeBytes: number
  /** The allocator's memory beyond the parts above: Lance, search memory of threads, and free memory. */
  nativeHeapBytes: number
  /** The rest: stacks, Node's start, and memory that no counter covers. */
  otherBytes: number
}

/** The process's memory limit, as work that is about to take memory sees it. */
export interface MemoryGate {
  /** null: no limit. */
  readonly limitBytes: number | null
  readonly usedBytes: number
  /** Bytes reserved for running work that are not in memory yet. */
  readonly reservedBytes: number
  /** Number of requests that wait for memory. */
  readonly waiting: number
  /**
   * Reserves `bytes`; the returned function gives them back. Waits for room as long as the caller does, and rejects
   * with RESOURCE_EXHAUSTED if none comes. A holder of room gives its room back meanwhile, and is the next to get some.
   */
  reserve(bytes: number, caller?: Stoppable, holder?: RoomHolder): MaybePromise<() => void>
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

/** Every part of a collection with its name. The name of a vector's part begins with the vector's name. */
export function* partsOf(memory: Omit<CollectionMemory, 'total' | 'process'>): Generator<[name: string, MemoryPart]> {
  for (const [name, vector] of Object.entries(memory.vectors)) {
    for (const part of VECTOR_PARTS) yield [name === '' ? part : `${name}: ${part}`, vector[part]]
  }
  for (const part of COLLECTION_PARTS) yield [part, memory[part]]
}
