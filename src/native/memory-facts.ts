/** Memory as the kernel reports it: results of `memory` and `processMemory` of the addon. */

export interface MemoryPartFacts {
  /** Bytes held: the size if all of it were in RAM. */
  bytes: number
  /** Bytes in RAM now. Of these, pages of a mapped file, and bytes in the allocator's own count. */
  residentBytes: number
  cacheBytes: number
  heapBytes: number
  /** Bytes that should be locked in RAM, but are not because the system allows no more. */
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
  /** Memory that the allocator has from the system: in use, and free. */
  heapUsedBytes: number
  heapFreeBytes: number
}
