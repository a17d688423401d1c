/** Times and costs of this thread's searches, by collection and strategy. */
import { emptyHistogram, type Histogram, observe } from './histogram.js'

/** Collections with counts of their own, and strategies of each. All others are counted together. */
export const MOST_COLLECTIONS = 50
export const MOST_STRATEGIES = 12
/** Stands for all others. A collection of this name is counted with them. */
export const OTHERS = '_other'

/** The cost of searches, as `usage` tells it of one request. */
export interface SearchCost {
  distances: number
  /** Bytes of codes, vectors and neighbour lists, and of vectors that were answered. */
  vectorBytes: number
  /** Bytes of payloads that were answered. */
  payloadBytes: number
}

/** Counts of one collection; plain, so that a thread can post it. */
export interface CollectionSearches extends SearchCost {
  strategies: Map<string, Histogram>
}

export class SearchTimes {
  readonly #collections = new Map<string, CollectionSearches>()
  /** The collection that was searched last, since the next search is often of the same one. */
  #latest: { name: string; counts: CollectionSearches } | null = null

  get counts(): ReadonlyMap<string, CollectionSearches> {
    return this.#collections
  }

  note(collection: string, strategy: string, elapsedMs: number, cost: SearchCost): void {
    const counts = this.#of(collection)
    let times = counts.strategies.get(strategy)
    if (times === undefined) {
      const name = counts.strategies.size < MOST_STRATEGIES ? strategy : OTHERS
      times = counts.strategies.get(name) ?? emptyHistogram()
      counts.strategies.set(name, times)
    }
    observe(times, elapsedMs)
    counts.distances += cost.distances
    counts.vectorBytes += cost.vectorBytes
    counts.payloadBytes += cost.payloadBytes
  }

  /** A collection was deleted: its counts leave, and another one may have its place. */
  forget(collection: string): void {
    this.#collections.delete(collection)
    this.#latest = null
  }

  #of(collection: string): CollectionSearches {
    if (this.#latest?.name === collection) return this.#latest.counts
    const own = this.#collections.size - (this.#collections.has(OTHERS) ? 1 : 0)
    const name = this.#collections.has(collection) || own < MOST_COLLECTIONS ? collection : OTHERS
    let counts = this.#collections.get(name)
    if (counts === undefined) {
      counts = { strategies: new Map(), distances: 0, vectorBytes: 0, payloadBytes: 0 }
      this.#collections.set(name, counts)
    }
    this.#latest = { name: collection, counts }
    return counts
  }
}

/** Of this thread. */
export const searchTimes = new SearchTimes()
