import { getHeapStatistics } from 'node:v8'
import {
  COLLECTION_PARTS,
  type CollectionMemory,
  type MemoryPart,
  type ProcessMemory,
  partsOf,
  sumOf,
  VECTOR_PARTS,
  type VectorMemory,
} from '../../core/memory.js'
import type { SchemaVector } from '../../core/schema.js'
import type { Log } from '../../log/log.js'
import type { MemoryPartFacts, ShardMemory } from '../../native/memory-facts.js'
import { processMemoryFacts } from '../../native/process-memory.js'
import type { Shard } from '../../native/shard.js'
import { arrowThread } from '../../storage/arrow-thread.js'
import { memoryBudget } from './memory-budget.js'

/** A table is good for so long: counting reads the page table, and callers poll. */
const FRESH_MS = 1_000

/** What the table needs of an open collection. */
export interface MeasuredCollection {
  readonly shard: Shard
  readonly log: Log
  readonly schema: readonly SchemaVector[]
}

interface Counted {
  parts: Omit<CollectionMemory, 'total' | 'process'>
  total: MemoryPart
  /** Of the resident bytes: what the allocator's count has too, and what is in buffers of JavaScript. */
  heapBytes: number
  /** To be locked in RAM, and not locked. */
  unlockedBytes: number
  atMs: number
}

/**
 * The open collections of this process and where its memory is. Each collection is counted by the kernel, from the
 * page table; what remains of the process is told apart by the counters of the allocator and of V8.
 */
class MemoryTables {
  readonly #open = new Set<MeasuredCollection>()
  readonly #counted = new WeakMap<MeasuredCollection, Promise<Counted>>()
  /** Of JavaScript in other threads. */
  readonly #heaps = new Set<() => number>()
  /** How long it took last to count each. */
  readonly #tookMs = new WeakMap<MeasuredCollection, number>()

  add(collection: MeasuredCollection): void {
    this.#open.add(collection)
  }

  remove(collection: MeasuredCollection): void {
    this.#open.delete(collection)
  }

  /** Its vectors are others now. */
  forget(collection: MeasuredCollection): void {
    this.#counted.delete(collection)
  }

  /** Counts the heap of another thread too; returns how to end it. */
  addHeap(bytes: () => number): () => void {
    this.#heaps.add(bytes)
    return () => this.#heaps.delete(bytes)
  }

  async of(collection: MeasuredCollection): Promise<{ memory: CollectionMemory; warnings: string[] }> {
    const { parts, total, unlockedBytes } = await this.#count(collection)
    const warnings = unlockedBytes > 0 ? [notLocked(unlockedBytes)] : []
    return { memory: { ...parts, total, process: await this.#process() }, warnings }
  }

  async #process(): Promise<ProcessMemory> {
    // One that is being closed meanwhile no longer counts.
    const counted = await Promise.all([...this.#open].map((each) => this.#count(each).catch(() => null)))
    const collections = counted.filter((each) => each !== null)
    const sum = (value: (counted: Counted) => number) => collections.reduce((all, each) => all + value(each), 0)
    const facts = processMemoryFacts()
    const { external } = process.memoryUsage()
    const logBuffers = sum(({ parts }) => parts.logBuffers.bytes)
    const counts = {
      collectionsBytes: sum(({ total }) => total.residentBytes),
      programBytes: Math.max(0, facts.fileBytes - sum(({ total }) => total.cacheBytes)),
      javascriptBytes: [...this.#heaps].reduce(
        (all, bytes) => all + bytes(),
        getHeapStatistics().total_physical_size + arrowThread.heapBytes,
      ),
      buffersBytes: Math.max(0, external - logBuffers),
    }
    const known = Object.values(counts).reduce((all, bytes) => all + bytes, 0)
    const elsewhere = external + sum(({ heapBytes }) => heapBytes)
    const nativeHeapBytes = Math.min(
      Math.max(0, facts.heapUsedBytes + facts.heapFreeBytes - elsewhere),
      // The allocator counts memory that it gave back as free still, though it is not resident.
      Math.max(0, facts.heapUsedBytes - elsewhere, facts.residentBytes - known),
    )
    return {
      residentBytes: facts.residentBytes,
      limitBytes: memoryBudget.limitBytes,
      ...counts,
      nativeHeapBytes,
      otherBytes: facts.residentBytes - known - nativeHeapBytes,
    }
  }

  async #count(collection: MeasuredCollection): Promise<Counted> {
    const before = this.#counted.get(collection)
    const nowMs = performance.now()
    const known = before && (await before.catch(() => null))
    if (known && nowMs - known.atMs < this.#freshMs()) return known
    // Who else waited for the same has begun another.
    const newer = this.#counted.get(collection)
    if (newer && newer !== before) return await newer
    const counting = count(collection, nowMs)
    this.#counted.set(collection, counting)
    const done = await counting
    this.#tookMs.set(collection, performance.now() - nowMs)
    return done
  }

  /**
   * Who asks of one after the other would otherwise have all of them counted each time, where that takes longer. They are counted
   * beside each other, so all of them take as long as the last one.
   */
  #freshMs(): number {
    return [...this.#open].reduce((most, each) => Math.max(most, 2 * (this.#tookMs.get(each) ?? 0)), FRESH_MS)
  }
}

export const memoryTables = new MemoryTables()

async function count({ shard, log, schema }: MeasuredCollection, atMs: number): Promise<Counted> {
  const memory = await shard.memory()
  const vectors = memory.vectors.map((vector, at) => [schema[at]?.name ?? '', vectorOf(vector)] as const)
  const buffered = log.bufferedBytes
  const parts = {
    ...Object.fromEntries(
      COLLECTION_PARTS.filter((part) => part !== 'logBuffers').map((part) => [part, partOf(memory[part])]),
    ),
    vectors: Object.fromEntries(vectors),
    logBuffers: { bytes: buffered, residentBytes: buffered, cacheBytes: 0 },
  } as Counted['parts']
  const total = sumOf([...partsOf(parts)].map(([, part]) => part))
  const facts = factsOf(memory)
  const sum = (value: (facts: MemoryPartFacts) => number) => facts.reduce((all, each) => all + value(each), 0)
  return {
    parts,
    total,
    heapBytes: sum((each) => each.heapBytes),
    unlockedBytes: sum((each) => each.unlockedBytes),
    atMs,
  }
}

function notLocked(bytes: number): string {
  return (
    `memory: ${bytes} bytes of what is pinned are not locked in RAM, since the system allows no more; ` +
    'raise RLIMIT_MEMLOCK (`ulimit -l`)'
  )
}

function partOf({ bytes, residentBytes, cacheBytes }: MemoryPartFacts): MemoryPart {
  return { bytes, residentBytes, cacheBytes }
}

function vectorOf({ vectors, codes, graph, inFilesBytes }: ShardMemory['vectors'][number]): VectorMemory {
  return { vectors: partOf(vectors), codes: partOf(codes), graph: partOf(graph), inFilesBytes }
}

function factsOf({ vectors, ...parts }: ShardMemory): MemoryPartFacts[] {
  return [...Object.values(parts), ...vectors.flatMap((vector) => VECTOR_PARTS.map((part) => vector[part]))]
}
