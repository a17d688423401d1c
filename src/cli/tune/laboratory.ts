/** Builds configurations on samples in shards of their own, and measures them. The collection is not touched. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { vectorSpecs } from '../../collection/schema.js'
import { LIMITS } from '../../core/limits.js'
import { ID_WORDS } from '../../core/point.js'
import type { ResolvedVector } from '../../core/schema.js'
import type { SearchRequest, SearchResult } from '../../native/addon.js'
import { Shard } from '../../native/shard.js'
import type { Configuration, Pace, Trial } from './configurations.js'
import type { Samples } from './samples.js'

const NEIGHBOURS = 10
/** The curve; what is asked for is added to it. */
const ASKED = [0.8, 0.9, 0.95, 0.98, 0.99, 0.995]
const BATCH_FLOATS = 4_194_304
const PASSES = 3
const WARM_UP_SHARE = 0.1
const CHANCE_95 = 1.96
/** Scores that are equal but for rounding. */
const SAME_SCORE = 1e-6

/** What memory the collection takes beside the vector that is tuned, and how many of it there are. */
export interface Whole {
  vectors: number
  otherBytes: number
}

export class Laboratory {
  readonly #samples: Samples
  readonly #vector: ResolvedVector
  readonly #whole: Whole
  readonly #asked: number[]
  readonly #signal: AbortSignal
  /** The score of the last true neighbour of each query. */
  #truth: Float32Array | null = null

  constructor(samples: Samples, vector: ResolvedVector, whole: Whole, recall: number, signal: AbortSignal) {
    this.#samples = samples
    this.#vector = vector
    this.#whole = whole
    this.#asked = [...new Set([...ASKED, recall])].sort((a, b) => a - b)
    this.#signal = signal
  }

  /** One build, measured with vectors in memory and, where they can be there, on disk. */
  async run(configuration: Configuration): Promise<Trial[]> {
    const folder = await mkdtemp(join(tmpdir(), 'vicinal-tune-'))
    let shard = this.#shard(configuration)
    try {
      const buildSeconds = await this.#build(shard)
      this.#truth ??= await this.#exact(shard)
      const inMemory = await this.#measure(shard, configuration, buildSeconds)
      const reopened = await this.#onDisk(shard, { ...configuration, onDisk: true }, folder)
      await shard.close()
      shard = reopened
      // Where there are no codes, vectors stay in memory whatever is asked for.
      if ((await shard.memory()).vectors[0]?.inFilesBytes === 0) return [inMemory]
      return [inMemory, await this.#measure(shard, { ...configuration, onDisk: true }, buildSeconds)]
    } finally {
      await shard.close()
      await rm(folder, { recursive: true, force: true })
    }
  }

  async #measure(shard: Shard, configuration: Configuration, buildSeconds: number): Promise<Trial> {
    const paces: Pace[] = []
    for (const asked of this.#asked) paces.push(await this.#pace(shard, asked))
    return { configuration, buildSeconds, memoryBytes: await this.#memoryBytes(shard), paces }
  }

  #shard({ quantization, m, onDisk }: Configuration): Shard {
    const memory = { ...this.#vector.memory, vectors: onDisk ? ('cold' as const) : ('cached' as const) }
    const vector = { ...this.#vector, name: '', quantization, m, memory }
    return new Shard({ vectors: vectorSpecs([vector]), segmentBytes: LIMITS.segmentBytes, trackChanges: false })
  }

  async #build(shard: Shard): Promise<number> {
    const { vectors, count, dim } = this.#samples
    const startedMs = performance.now()
    const step = Math.max(1, Math.floor(BATCH_FLOATS / dim))
    for (let first = 0; first < count; first += step) {
      this.#signal.throwIfAborted()
      const rows = Math.min(step, count - first)
      const ids = new Uint32Array(rows * ID_WORDS)
      for (let row = 0; row < rows; row++) ids[row * ID_WORDS + 1] = first + row
      const data = vectors.slice(first * dim, (first + rows) * dim)
      await shard.upsert({ ids, seq: first + 1, vectors: [{ vector: 0, data, rows: null }], payloads: null })
    }
    await shard.waitForIndex()
    return (performance.now() - startedMs) / 1000
  }

  /** The same graph and codes, with the vectors left in a file. */
  async #onDisk(built: Shard, configuration: Configuration, folder: string): Promise<Shard> {
    const { segments } = await built.checkpoint(folder)
    const shard = this.#shard(configuration)
    try {
      for (const { file, crc } of segments) {
        await shard.openSegment({ path: join(folder, file), crc, overlay: null, resume: false })
      }
      await shard.waitForIndex()
      return shard
    } catch (error) {
      await shard.close()
      throw error
    }
  }

  async #exact(shard: Shard): Promise<Float32Array> {
    const truth = new Float32Array(this.#samples.queryCount)
    for (let at = 0; at < truth.length; at++) {
      this.#signal.throwIfAborted()
      const { scores } = await shard.search(this.#request(at, { exact: true }))
      truth[at] = scores.at(-1) ?? Number.NaN
    }
    return truth
  }

  #request(at: number, how: Partial<SearchRequest>): Omit<SearchRequest, 'cancel' | 'inlineUs'> {
    const { queries, dim } = this.#samples
    return {
      vector: 0,
      query: queries.subarray(at * dim, (at + 1) * dim),
      limit: NEIGHBOURS,
      offset: 0,
      ef: 0,
      recall: 1,
      exact: false,
      indexedOnly: false,
      scoreThreshold: null,
      filter: null,
      exclude: null,
      fields: { payload: false, vectors: new Uint32Array() },
      ...how,
    }
  }

  /** Of each query the quickest of some passes counts: what else the machine does only ever slows it. */
  async #pace(shard: Shard, asked: number): Promise<Pace> {
    const { queryCount } = this.#samples
    for (let at = 0; at < queryCount * WARM_UP_SHARE; at++) await shard.search(this.#request(at, { recall: asked }))
    const tookMs = new Float64Array(queryCount).fill(Number.POSITIVE_INFINITY)
    const recalls = new Float64Array(queryCount)
    for (let pass = 0; pass < PASSES; pass++) await this.#pass(shard, asked, tookMs, recalls)
    tookMs.sort()
    const at = (share: number) => tookMs[Math.min(queryCount - 1, Math.floor(queryCount * share))] as number
    const recall = mean(recalls)
    const variance = mean(recalls.map((each) => (each - recall) ** 2))
    return {
      asked,
      recall,
      uncertainty: CHANCE_95 * Math.sqrt(variance / queryCount),
      queriesPerSecond: 1000 / mean(tookMs),
      p50Ms: at(0.5),
      p99Ms: at(0.99),
    }
  }

  async #pass(shard: Shard, asked: number, tookMs: Float64Array, recalls: Float64Array): Promise<void> {
    for (let at = 0; at < tookMs.length; at++) {
      const request = this.#request(at, { recall: asked })
      // Each in a turn of its own, as queries come that nobody has waiting in line.
      await new Promise((resolve) => setImmediate(resolve))
      this.#signal.throwIfAborted()
      const startedMs = performance.now()
      const result = await shard.search(request)
      tookMs[at] = Math.min(tookMs[at] as number, performance.now() - startedMs)
      recalls[at] = this.#recallOf(result, at)
    }
  }

  /** Of equal neighbours any counts: what is compared is how near they are. */
  #recallOf({ scores }: SearchResult, at: number): number {
    const last = (this.#truth as Float32Array)[at] as number
    const isGreaterNearer = this.#vector.distance === 'Cosine' || this.#vector.distance === 'Dot'
    const slack = SAME_SCORE * Math.max(1, Math.abs(last))
    const isTrue = (score: number) => (isGreaterNearer ? score >= last - slack : score <= last + slack)
    return scores.filter(isTrue).length / Math.min(NEIGHBOURS, this.#samples.count)
  }

  async #memoryBytes(shard: Shard): Promise<number> {
    const [part] = (await shard.memory()).vectors
    const ofSample = part ? part.vectors.bytes + part.codes.bytes + part.graph.bytes : 0
    return this.#whole.otherBytes + Math.round((ofSample / this.#samples.count) * this.#whole.vectors)
  }
}

function mean(values: Float64Array): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}
