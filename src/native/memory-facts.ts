/** What the kernel tells of memory: results of `memory` and `processMemory` of the addon. */

export interface MemoryPartFacts {
  /** Held: what it takes where all of it is in RAM. */
  bytes: number
  /** In RAM now, and of these: pages of a mapped file, and what the allocator's own count has too. */
  residentBytes: number
  cacheBytes: number
  heapBytes: number
  /** To be locked in RAM, and not locked because the system allows no more. */
  unlockedBytes: number
}

export interface ShardMemory {
  /** `inFilesBytes`: vectors that stay in their file and are read at each use. */
  vectors: { vectors: MemoryPartFacts; codes: MemoryPartFacts; graph: MemoryPartFacts; inFilesBytes: number }[]
  ids: MemoryPartFacts
  payload: MemoryPartFacts
  payloadIndexes: MemoryPartFacts
  tombstones: MemoryPartFacts
  overlays: MemoryPartFacts
  changes: MemoryPartFacts
}

export interface ProcessMemoryFacts {
  residentBytes: number
  /** Of these, pages of files: code, and mapped data that was not written to. */
  fileBytes: number
  /** What the allocator has from the system: in use, and kept for later. */
  heapUsedBytes: number
  heapFreeBytes: number
}
