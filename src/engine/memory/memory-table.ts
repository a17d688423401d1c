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
import type { MemoryPartFacts, ShardMemory } from '../../native/addon-stats.js'
import { processMemoryFacts } from '../../native/process.js'
import type { Shard } from '../../native/shard.js'
import { arrowThread } from '../../storage/arrow-thread.js'
import { memoryBudget } from './memory-budget.js'

/** How long a table stays valid: counting reads the page table, and callers poll. */
const FRESH_MS = 1_000

/** The parts of an open collection that the table counts. */
export interface MeasuredCollection {
  readonly shard: Shard
  readonly log: Log
  readonly schema: readonly SchemaVector[]
}

interface Counted {
  parts: Omit<CollectionMemory, 'total' | 'process'>
  total: MemoryPart
  /** Resident bytes that are also in the allocator's count, and those in JavaScript buffers. */
  heapBytes: number
  /** Bytes that should be locked in RAM but are not. */
  unlockedBytes: number
  atMs: number
}

/**
 * The open collections of this process and their memory. The kernel counts each collection from the page table. The
 * counters of the allocator and of V8 explain the rest of the process.
 */
class MemoryTables {
  readonly #open = new Set<MeasuredCollection>()
  readonly #counted = new WeakMap<MeasuredCollection, Promise<Counted>>()
  /** JavaScript heaps of other threads. */
  readonly #heaps = new Set<() => number>()
  /** Bytes that the databases of stores hold. */
  readonly #stores = new Set<() => number>()
  /** Batches that owners of stores have pushed. */
  readonly #pushed = new Set<() => number>()
  /** How long the last count of each collection took. */
  readonly #tookMs = new WeakMap<MeasuredCollection, number>()
  /**
   * How long a count stays valid: at least twice the slowest. Otherwise a caller that asks for one collection after the
   * other would have all of them counted each time. Collections are counted at the same time, so the slowest decides.
   */
  #freshForMs = FRESH_MS
  #processing: Promise<ProcessMemory> | null = null

  add(collection: MeasuredCollection): void {
    this.#open.add(collection)
  }

  remove(collection: MeasuredCollection): void {
    this.#open.delete(collection)
  }

  /** Drops the cached count, because the collection's vectors changed. */
  forget(collection: MeasuredCollection): void {
    this.#counted.delete(collection)
  }

  /** Counts the heap of another thread too. Returns a function that ends it. */
  addHeap(bytes: () => number): () => void {
    this.#heaps.add(bytes)
    return () => this.#heaps.delete(bytes)
  }

  /** Counts the bytes of a store's database. Returns a function that ends the count. */
  addStore(bytes: () => number): () => void {
    this.#stores.add(bytes)
    return () => this.#stores.delete(bytes)
  }

  /** Counts batches that a reader of a store holds. Returns a function that ends it. */
  addPushed(bytes: () => number): () => void {
    this.#pushed.add(bytes)
    return () => this.#pushed.delete(bytes)
  }

  async of(collection: MeasuredCollection): Promise<{ memory: CollectionMemory; warnings: string[] }> {
    const { parts, total, unlockedBytes } = await this.#count(collection)
    const warnings = unlockedBytes > 0 ? [notLocked(unlockedBytes)] : []
    return { memory: { ...parts, total, process: await this.#process() }, warnings }
  }

  /** Calls at the same time share one: a list of a thousand collections would otherwise count a thousand times a thousand. */
  #process(): Promise<ProcessMemory> {
    this.#processing ??= this.#countProcess().finally(() => {
      this.#processing = null
    })
    return this.#processing
  }

  async #countProcess(): Promise<ProcessMemory> {
    this.#freshForMs = [...this.#open].reduce((most, each) => Math.max(most, this.#freshAfter(each)), FRESH_MS)
    // A collection that is being closed no longer counts.
    const counted = await Promise.all([...this.#open].map((each) => this.#count(each).catch(() => null)))
    const collections = counted.filter((each) => each !== null)
    const sum = (value: (counted: Counted) => number) => collections.reduce((all, each) => all + value(each), 0)
    const facts = processMemoryFacts()
    const { external } = process.memoryUsage()
    const logBuffers = sum(({ parts }) => parts.logBuffers.bytes)
    // They are buffers of JavaScript.
    const pushedBytes = Math.min(
      [...this.#pushed].reduce((all, bytes) => all + bytes(), 0),
      Math.max(0, external - logBuffers),
    )
    const counts = {
      collectionsBytes: sum(({ total }) => total.residentBytes),
      programBytes: Math.max(0, facts.fileBytes - sum(({ total }) => total.cacheBytes)),
      javascriptBytes: [...this.#heaps].reduce(
        (all, bytes) => all + bytes(),
        getHeapStatistics().total_physical_size + arrowThread.heapBytes,
      ),
      buffersBytes: Math.max(0, external - logBuffers - pushedBytes),
      pushedBytes,
    }
    const known = Object.values(counts).reduce((all, bytes) => all + bytes, 0)
    const elsewhere = external + sum(({ heapBytes }) => heapBytes)
    const allocatedBytes = Math.min(
      Math.max(0, facts.heapUsedBytes + facts.heapFreeBytes - elsewhere),
      // The allocator counts returned memory as free, although it is no longer resident.
      Math.max(0, facts.heapUsedBytes - elsewhere, facts.residentBytes - known),
    )
    // An estimate from above, of memory that the allocator counts too.
    const held = [...this.#stores].reduce((all, bytes) => all + bytes(), 0)
    const storeBytes = Math.min(held, allocatedBytes)
    return {
      residentBytes: facts.residentBytes,
      limitBytes: memoryBudget.limitBytes,
      ...counts,
      storeBytes,
      nativeHeapBytes: allocatedBytes - storeBytes,
      otherBytes: facts.residentBytes - known - allocatedBytes,
    }
  }

  async #count(collection: MeasuredCollection): Promise<Counted> {
    const before = this.#counted.get(collection)
    const nowMs = performance.now()
    const known = before && (await before.catch(() => null))
    if (known && nowMs - known.atMs < this.#freshForMs) return known
    // Another caller that waited for the same count has begun a new one.
    const newer = this.#counted.get(collection)
    if (newer && newer !== before) return await newer
    const counting = count(collection, nowMs)
    this.#counted.set(collection, counting)
    const done = await counting
    this.#tookMs.set(collection, performance.now() - nowMs)
    this.#freshForMs = Math.max(this.#freshForMs, this.#freshAfter(collection))
    return done
  }

  #freshAfter(collection: MeasuredCollection): number {
    return 2 * (this.#tookMs.get(collection) ?? 0)
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
    `memory: ${bytes} bytes of pinned memory are not locked in RAM, since the system allows no more; ` +
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
