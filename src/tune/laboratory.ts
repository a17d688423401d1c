/** Builds configurations on samples, in shards of their own, and measures them. The collection is not touched. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { LIMITS } from '../core/limits.js'
import { ID_WORDS } from '../core/point.js'
import type { ResolvedVector } from '../core/schema.js'
import { vectorSpec } from '../engine/config/shard-spec.js'
import { Shard } from '../native/shard.js'
import { type Configuration, type Pace, paceAt, type Trial } from './configurations.js'
import type { Samples } from './samples.js'
import { Stopwatch } from './stopwatch.js'

/** Recalls measured for the curve; the recall asked for is added. */
const ASKED = [0.8, 0.9, 0.95, 0.98, 0.99, 0.995]
const BATCH_FLOATS = 4_194_304
const FINAL_ROUNDS = 6

/** Memory of the collection besides the tuned vector, and the number of tuned vectors. */
export interface Whole {
  vectors: number
  otherBytes: number
}

export class Laboratory {
  readonly #samples: Samples
  readonly #vector: ResolvedVector
  readonly #whole: Whole
  readonly #recall: number
  readonly #signal: AbortSignal
  readonly #stopwatch: Stopwatch
  readonly #open = new Map<Trial, Shard>()

  constructor(samples: Samples, vector: ResolvedVector, whole: Whole, recall: number, signal: AbortSignal) {
    this.#samples = samples
    this.#vector = vector
    this.#whole = whole
    this.#recall = recall
    this.#signal = signal
    this.#stopwatch = new Stopwatch(samples, vector.distance, signal)
  }

  /** Builds one configuration and measures it with vectors in memory and, if possible, on disk. */
  async run(configuration: Configuration): Promise<Trial[]> {
    const built = this.#shard(configuration)
    let trial: Trial
    let onDisk: Shard
    try {
      const buildSeconds = await this.#build(built)
      await this.#stopwatch.lookUpTruth(built)
      trial = await this.#measure(built, configuration, buildSeconds)
      onDisk = await this.#leftOnDisk(built, { ...configuration, onDisk: true })
    } catch (error) {
      await built.close()
      throw error
    }
    this.#open.set(trial, built)
    try {
      // Without codes, vectors stay in memory even if the disk is asked for.
      if ((await onDisk.memory()).vectors[0]?.inFilesBytes === 0) {
        await onDisk.close()
        return [trial]
      }
      const other = await this.#measure(onDisk, { ...configuration, onDisk: true }, trial.buildSeconds)
      this.#open.set(other, onDisk)
      return [trial, other]
    } catch (error) {
      await onDisk.close()
      throw error
    }
  }

  /** Closes all other shards. */
  async keep(trials: readonly Trial[]): Promise<void> {
    for (const [trial, shard] of this.#open) {
      if (trials.includes(trial)) continue
      this.#open.delete(trial)
      await shard.close()
    }
  }

  /** Measures these once more, in turns. They must have been kept. */
  async decide(trials: readonly Trial[]): Promise<void> {
    const runners = trials.map((trial) => {
      return { shard: this.#open.get(trial) as Shard, asked: paceAt(trial, this.#recall).asked }
    })
    for (const [at, pace] of (await this.#stopwatch.heat(runners, FINAL_ROUNDS)).entries()) {
      const trial = trials[at] as Trial
      trial.paces = trial.paces.map((known) => (known.asked === pace.asked ? pace : known))
    }
  }

  async close(): Promise<void> {
    await this.keep([])
  }

  async #measure(shard: Shard, configuration: Configuration, buildSeconds: number): Promise<Trial> {
    const paces: Pace[] = []
    for (const asked of [...new Set([...ASKED, this.#recall])].sort((a, b) => a - b)) {
      paces.push(await this.#stopwatch.pace(shard, asked))
    }
    return { configuration, buildSeconds, memoryBytes: await this.#memoryBytes(shard), paces }
  }

  #shard({ quantization, m, onDisk }: Configuration): Shard {
    const memory = { ...this.#vector.memory, vectors: onDisk ? ('cold' as const) : ('cached' as const) }
    const vector = { ...this.#vector, name: '', quantization, m, memory }
    return new Shard({ vectors: [vectorSpec(vector)], segmentBytes: LIMITS.segmentBytes, trackChanges: false })
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
  async #leftOnDisk(built: Shard, configuration: Configuration): Promise<Shard> {
    const folder = await mkdtemp(join(tmpdir(), 'vicinal-tune-'))
    const shard = this.#shard(configuration)
    try {
      for (const { file, crc } of (await built.checkpoint(folder)).segments) {
        await shard.openSegment({ path: join(folder, file), crc, overlay: null, resume: false })
      }
      await shard.waitForIndex()
      return shard
    } catch (error) {
      await shard.close()
      throw error
    } finally {
      // The removed file stays readable for as long as it is open.
      await rm(folder, { recursive: true, force: true })
    }
  }

  async #memoryBytes(shard: Shard): Promise<number> {
    const [part] = (await shard.memory()).vectors
    const ofSample = part ? part.vectors.bytes + part.codes.bytes + part.graph.bytes : 0
    return this.#whole.otherBytes + Math.round((ofSample / this.#samples.count) * this.#whole.vectors)
  }
}
