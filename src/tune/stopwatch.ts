/** Runs queries on a shard, one at a time, and measures their time and recall. */
import type { Distance } from '../core/schema.js'
import type { SearchRequest, SearchResult } from '../native/addon.js'
import type { Shard } from '../native/shard.js'
import type { Pace } from './configurations.js'
import type { Samples } from './samples.js'

const NEIGHBOURS = 10
const PASSES = 3
const WARM_UP_SHARE = 0.1
const CHANCE_95 = 1.96
/** Scores that differ by less count as equal. */
const SAME_SCORE = 1e-6

/** The shortest time of each query over all passes counts, since other work on the machine only slows a query. */
interface Times {
  tookMs: Float64Array
  recalls: Float64Array
}

export class Stopwatch {
  readonly #samples: Samples
  readonly #isGreaterNearer: boolean
  readonly #signal: AbortSignal
  /** The score of the last true neighbour of each query. */
  #truth: Float32Array | null = null

  constructor(samples: Samples, distance: Distance, signal: AbortSignal) {
    this.#samples = samples
    this.#isGreaterNearer = distance === 'Cosine' || distance === 'Dot'
    this.#signal = signal
  }

  /** Finds the true neighbours. All shards have the same vectors, so any of them will do. */
  async lookUpTruth(shard: Shard): Promise<void> {
    if (this.#truth) return
    const truth = new Float32Array(this.#samples.queryCount)
    for (let at = 0; at < truth.length; at++) {
      this.#signal.throwIfAborted()
      const { scores } = await shard.search(this.#request(at, { exact: true }))
      truth[at] = scores.at(-1) ?? Number.NaN
    }
    this.#truth = truth
  }

  async pace(shard: Shard, asked: number): Promise<Pace> {
    const times = this.#noTimes()
    for (let at = 0; at < times.tookMs.length * WARM_UP_SHARE; at++) {
      await shard.search(this.#request(at, asFor(asked)))
    }
    for (let pass = 0; pass < PASSES; pass++) await this.#pass(shard, asked, times)
    return paceOf(asked, times)
  }

  /** Measures several shards in turns, so that other load on the machine slows all of them alike. */
  async heat(runners: readonly { shard: Shard; asked: number }[], rounds: number): Promise<Pace[]> {
    const times = runners.map(() => this.#noTimes())
    for (let round = 0; round < rounds; round++) {
      for (const [at, { shard, asked }] of runners.entries()) await this.#pass(shard, asked, times[at] as Times)
    }
    return runners.map(({ asked }, at) => paceOf(asked, times[at] as Times))
  }

  #noTimes(): Times {
    const { queryCount } = this.#samples
    return {
      tookMs: new Float64Array(queryCount).fill(Number.POSITIVE_INFINITY),
      recalls: new Float64Array(queryCount),
    }
  }

  async #pass(shard: Shard, asked: number, { tookMs, recalls }: Times): Promise<void> {
    for (let at = 0; at < tookMs.length; at++) {
      const request = this.#request(at, asFor(asked))
      // Each query runs in its own turn of the event loop, like a query that does not wait behind others.
      await new Promise((resolve) => setImmediate(resolve))
      this.#signal.throwIfAborted()
      const startedMs = performance.now()
      const result = await shard.search(request)
      tookMs[at] = Math.min(tookMs[at] as number, performance.now() - startedMs)
      recalls[at] = this.#recallOf(result, at)
    }
  }

  #request(at: number, how: Partial<SearchRequest>): SearchRequest {
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

  /** Compares scores, so that any of several equal neighbours counts. */
  #recallOf({ scores }: SearchResult, at: number): number {
    const last = (this.#truth as Float32Array)[at] as number
    const slack = SAME_SCORE * Math.max(1, Math.abs(last))
    const isTrue = (score: number) => (this.#isGreaterNearer ? score >= last - slack : score <= last + slack)
    return scores.filter(isTrue).length / Math.min(NEIGHBOURS, this.#samples.count)
  }
}

/** A query that asks a collection for a recall of 1 runs exactly (query/settings). */
function asFor(recall: number): Partial<SearchRequest> {
  return recall === 1 ? { exact: true } : { recall }
}

function paceOf(asked: number, { tookMs, recalls }: Times): Pace {
  const sorted = tookMs.toSorted()
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] as number
  const recall = mean(recalls)
  const variance = mean(recalls.map((each) => (each - recall) ** 2))
  return {
    asked,
    recall,
    uncertainty: CHANCE_95 * Math.sqrt(variance / recalls.length),
    queriesPerSecond: 1000 / mean(tookMs),
    p50Ms: at(0.5),
    p99Ms: at(0.99),
  }
}

function mean(values: Float64Array): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}
