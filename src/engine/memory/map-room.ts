import { VicinalError } from '../../core/errors.js'
import type { CollectionConfig } from '../../core/schema.js'
import { memoryMaps } from '../../disk/process-bounds.js'
import type { Manifest } from '../../storage/manifest.js'
import { CLOSED_SHARE, type OpenCollections, openCollections } from './open-collections.js'

/**
 * Memory maps that a segment takes: for its rows, and for each vector. Each array takes two maps: its present bytes and
 * its room to grow. (A segment of one vector was measured at 30.)
 */
const MAPS_OF_ROWS = 24
export const MAPS_OF_VECTOR = 16
/** Memory maps of a payload index on disk, which has one file for each segment. */
export const MAPS_OF_INDEX = 4
/** One part in this many is left to threads, the table, and segments made by compaction. */
const MARGIN_SHARE = 32
/** How long a count stays valid, since compactions and other databases take maps too. A refusal needs a newer count. */
const FRESH_MS = 5_000
const FRESH_TO_REFUSE_MS = 1_000

export function mapsOfSegment({ vectors, sparseVectors }: Vectors): number {
  return MAPS_OF_ROWS + MAPS_OF_VECTOR * (vectors.length + sparseVectors.length)
}

type Vectors = Pick<CollectionConfig, 'vectors' | 'sparseVectors'>

export interface MapParts {
  nowMs(): number
  count: typeof memoryMaps
}

/**
 * Refuses work that takes memory maps before it is in the log. A logged segment could not be applied once the system
 * has no maps left. Before a refusal the collections that were not used for longest are closed. Maps are counted rarely,
 * because counting takes long if there are many.
 */
export class MapRoom {
  readonly #parts: MapParts
  /** The collections that may be closed to make room. */
  readonly #open: Pick<OpenCollections, 'count' | 'closeUntil'>
  #counted: { used: number; most: number; atMs: number } | null = null
  /** Maps admitted since the last count. */
  #admitted = 0
  #counting: Promise<void> | null = null
  #closing: Promise<number> | null = null

  constructor(
    parts: MapParts = { nowMs: () => performance.now(), count: memoryMaps },
    open: Pick<OpenCollections, 'count' | 'closeUntil'> = openCollections,
  ) {
    this.#parts = parts
    this.#open = open
  }

  /** Throws RESOURCE_EXHAUSTED if `what`, which takes `maps` memory maps, would exceed the limit. */
  async admit(what: string, maps: number): Promise<void> {
    if (!this.#isFresh(FRESH_MS)) await this.#count()
    if (!this.#fits(maps) && !(this.#admitted === 0 && this.#isFresh(FRESH_TO_REFUSE_MS))) await this.#count()
    while (!this.#fits(maps)) {
      if ((await this.#makeRoom()) === 0) throw this.#refusal(what, maps)
      await this.#count()
    }
    this.#admitted += maps
  }

  /** The same for a collection that is about to be opened. */
  async admitCollection({ name, config, segments }: Pick<Manifest, 'name' | 'config' | 'segments'>): Promise<void> {
    const maps = mapsOfSegment(config) * Math.max(1, segments.length)
    await this.admit(`collection ${JSON.stringify(name)}`, maps)
  }

  /** Closes a share of the open collections. Callers that ask meanwhile share its end. */
  async #makeRoom(): Promise<number> {
    const most = Math.ceil(this.#open.count / CLOSED_SHARE)
    this.#closing ??= this.#open
      .closeUntil((closed) => closed >= most, 0)
      .finally(() => {
        this.#closing = null
      })
    return await this.#closing
  }

  #isFresh(withinMs: number): boolean {
    return this.#counted !== null && this.#parts.nowMs() - this.#counted.atMs < withinMs
  }

  #fits(maps: number): boolean {
    const { used, most } = this.#counted ?? { used: 0, most: Number.POSITIVE_INFINITY }
    return used + this.#admitted + maps <= most * (1 - 1 / MARGIN_SHARE)
  }

  /** Callers that ask meanwhile share one count. */
  async #count(): Promise<void> {
    this.#counting ??= this.#parts.count().then((maps) => {
      const { used, most } = maps ?? { used: 0, most: Number.POSITIVE_INFINITY }
      this.#counted = { used, most, atMs: this.#parts.nowMs() }
      this.#admitted = 0
      this.#counting = null
    })
    await this.#counting
  }

  #refusal(what: string, maps: number): VicinalError {
    const { used, most } = this.#counted as { used: number; most: number }
    const message =
      `vm.max_map_count of ${most} is nearly reached: the process has ${used} memory maps, and ${what} takes about ${maps}; ` +
      `raise it (sysctl -w vm.max_map_count=${4 * most}), or delete collections`
    return new VicinalError('RESOURCE_EXHAUSTED', message, {
      details: { field: 'vm.max_map_count', bound: most, seen: used + maps },
    })
  }
}

/** Memory maps belong to the process, so all its databases share one instance. */
export const mapRoom = new MapRoom()
