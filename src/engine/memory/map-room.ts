import { VicinalError } from '../../core/errors.js'
import { type CollectionConfig, schemaOf } from '../../core/schema.js'
import { memoryMaps } from '../../disk/memory-maps.js'

/**
 * What a segment takes of the memory maps of the process: those of its rows, and of each vector. Each array is two: what
 * there is of it, and what it may grow by. (Of one vector 30 were counted.)
 */
const MAPS_OF_ROWS = 24
export const MAPS_OF_VECTOR = 16
/** Of a payload index on disk, which is a file for each segment. */
export const MAPS_OF_INDEX = 4
/** Left to threads, the table and segments that compactions make: this share of all. */
const MARGIN_SHARE = 32
/** A count is good for so long, since compactions and other databases take maps too; less long for a refusal. */
const FRESH_MS = 5_000
const FRESH_TO_REFUSE_MS = 1_000

export const mapsOfSegment = (config: Vectors): number => MAPS_OF_ROWS + MAPS_OF_VECTOR * schemaOf(config).length

type Vectors = Pick<CollectionConfig, 'vectors' | 'sparseVectors'>

export interface MapParts {
  nowMs(): number
  count: typeof memoryMaps
}

/**
 * Refuses what takes memory maps while there is room to refuse it, before it is in the log: a segment that the system
 * then has no maps for could not be applied. They are counted rarely, for that takes long where there are many.
 */
export class MapRoom {
  readonly #parts: MapParts
  #counted: { used: number; most: number; atMs: number } | null = null
  /** Admitted since they were counted. */
  #admitted = 0
  #counting: Promise<void> | null = null

  constructor(parts: MapParts = { nowMs: () => performance.now(), count: memoryMaps }) {
    this.#parts = parts
  }

  /** RESOURCE_EXHAUSTED where `what`, which takes so many, would go beyond the limit. */
  async admit(what: string, maps: number): Promise<void> {
    if (!this.#isFresh(FRESH_MS)) await this.#count()
    if (!this.#fits(maps) && !(this.#admitted === 0 && this.#isFresh(FRESH_TO_REFUSE_MS))) await this.#count()
    if (!this.#fits(maps)) throw this.#refusal(what, maps)
    this.#admitted += maps
  }

  #isFresh(withinMs: number): boolean {
    return this.#counted !== null && this.#parts.nowMs() - this.#counted.atMs < withinMs
  }

  #fits(maps: number): boolean {
    const { used, most } = this.#counted ?? { used: 0, most: Number.POSITIVE_INFINITY }
    return used + this.#admitted + maps <= most * (1 - 1 / MARGIN_SHARE)
  }

  /** For all who ask meanwhile. */
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

/** They are the process's, however many databases it has. */
export const mapRoom = new MapRoom()
