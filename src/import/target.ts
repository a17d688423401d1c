import type { Collection, Database } from '../core/database.js'
import { VicinalError } from '../core/errors.js'
import type { Cleaning, RejectedRow } from '../core/ingest.js'
import { LIMITS } from '../core/limits.js'
import { type Point, UNNAMED_VECTOR } from '../core/point.js'
import { pointBytes } from '../core/point-bytes.js'
import type { CollectionConfig, CollectionOptions, VectorParams } from '../core/schema.js'
import { patiently } from '../intake/patience.js'
import type { Model } from './source.js'

const WRITE_TIMEOUT_MS = 600_000
/** Bytes of points that a dry run holds before its collection is made anew. */
const MOST_DRY_BYTES = 64 * 1024 * 1024
/** Codes of errors that one row alone can have. */
const OF_ROW: ReadonlySet<string> = new Set(['INVALID_ARGUMENT', 'TOO_LARGE', 'NOT_IMPLEMENTED'])
const PLACE = /^points\[(\d+)\]\.?/

export interface Written {
  accepted: number
  /** By the rules of the collection. */
  quarantined: number
  /** Their `row` counts the points of the batch. */
  rejected: readonly RejectedRow[]
}

/** The collection that rows go into. In a dry run it is in memory, and is emptied as it fills. */
export class Target {
  readonly name: string
  readonly #database: Database
  readonly #isDry: boolean
  #collection: Collection | null
  /** Set once the collection was made here. */
  #made: CollectionOptions | null = null
  /** The quarantine that was made with it. */
  #madeQuarantine: string | null = null
  #isEmpty = true
  #dryBytes = 0

  private constructor(database: Database, name: string, collection: Collection | null, isDry: boolean) {
    this.#database = database
    this.name = name
    this.#collection = collection
    this.#isDry = isDry
  }

  static async open(database: Database, name: string): Promise<Target> {
    const collection = (await database.hasCollection(name)) ? await database.collection(name) : null
    return new Target(database, name, collection, false)
  }

  /** `config` is the configuration of the collection that the rows would go into; null: it would be made. */
  static async dry(memory: Database, name: string, config: CollectionConfig | null): Promise<Target> {
    const target = new Target(memory, name, null, true)
    if (config) await target.make({ options: optionsOf(config), indexes: [] })
    return target
  }

  get collection(): Collection | null {
    return this.#collection
  }

  async config(): Promise<CollectionConfig | null> {
    return this.#collection ? (await this.#collection.info()).config : null
  }

  async make({ options, indexes }: Model): Promise<void> {
    // Graphs and codes have no say in whether a row is accepted.
    const asked = this.#isDry ? { ...options, hnswConfig: { m: 0 } } : options
    const quarantine = options.ingestion?.quarantine ?? null
    const isNew = quarantine !== null && !(await this.#database.hasCollection(quarantine))
    this.#collection = await this.#database.createCollection(this.name, asked)
    this.#made = asked
    if (isNew) this.#madeQuarantine = quarantine
    if (this.#isDry) return
    for (const [field, schema] of indexes) await this.#collection.createPayloadIndex(field, schema as never)
  }

  /**
   * A collection that was made here and got no point is deleted, unless another client has filled it. The same holds for
   * its quarantine.
   */
  async deleteIfEmpty(): Promise<void> {
    if (!this.#made || !this.#isEmpty || (await this.#given.count()) > 0) return
    await this.#database.deleteCollection(this.name)
    this.#collection = null
    const name = this.#madeQuarantine
    if (name === null || !(await this.#database.hasCollection(name))) return
    if ((await (await this.#database.collection(name)).count()) === 0) await this.#database.deleteCollection(name)
  }

  /** All of the points or none; the first one that is wrong is told. Where rules leave it out, the others are stored. */
  async writeWhole(points: readonly Point<unknown>[], signal: AbortSignal): Promise<Written> {
    let cleaning: Cleaning | undefined
    try {
      const options = { timeoutMs: WRITE_TIMEOUT_MS, signal }
      cleaning = (await patiently(() => this.#given.upsert(points as readonly Point[], options), signal)).cleaning
    } catch (error) {
      const rejected = rejectedOf(error)
      if (!rejected) throw error
      return { accepted: 0, quarantined: 0, rejected: [rejected] }
    }
    const { accepted = points.length, quarantined = 0, errors = [] } = cleaning ?? {}
    await this.#wrote(points, accepted + quarantined)
    return { accepted, quarantined, rejected: errors }
  }

  /** All points that are right. */
  async writeRight(points: readonly Point<unknown>[], signal: AbortSignal): Promise<Written> {
    const options = { timeoutMs: WRITE_TIMEOUT_MS, signal, mostErrors: LIMITS.ingestBatchRows }
    const { accepted, quarantined = 0, errors } = await this.#given.ingest(points, options)
    await this.#wrote(points, accepted + quarantined)
    return { accepted, quarantined, rejected: errors }
  }

  get #given(): Collection {
    return this.#collection as Collection
  }

  async #wrote(points: readonly Point<unknown>[], kept: number): Promise<void> {
    if (kept > 0) this.#isEmpty = false
    if (!this.#isDry) return
    for (const point of points) this.#dryBytes += pointBytes(point, 'row')
    if (this.#dryBytes < MOST_DRY_BYTES) return
    this.#dryBytes = 0
    const made = this.#made as CollectionOptions
    await this.#database.deleteCollection(this.name)
    // It is made anew with the collection.
    if (made.ingestion?.quarantine !== undefined) await this.#database.deleteCollection(made.ingestion.quarantine)
    this.#collection = await this.#database.createCollection(this.name, made)
  }
}

function rejectedOf(error: unknown): RejectedRow | null {
  if (!(error instanceof VicinalError) || !OF_ROW.has(error.code)) return null
  const { field } = error.details
  const at = typeof field === 'string' ? PLACE.exec(field) : null
  if (!at) return null
  const rest = (field as string).slice(at[0].length)
  const reason = error.message.replace(PLACE, '')
  return { row: Number(at[1]), code: error.code, error: reason, ...(rest === '' ? {} : { field: rest }) }
}

/** The options of a collection like this one, as far as they decide which rows it accepts. */
function optionsOf(config: CollectionConfig): CollectionOptions {
  const { vectors, sparseVectors, hnswConfig, quantization, quantizationConfig, ...rest } = config
  const { optimizersConfig, walConfig, params, metadata, ids, strictModeConfig, ...others } = rest
  const named = vectors.map(({ name, size, distance, datatype, multivectorConfig }) => {
    const params: VectorParams = { size, distance }
    if (datatype) params.datatype = datatype
    if (multivectorConfig) params.multivectorConfig = multivectorConfig
    return [name, params] as const
  })
  const [first] = named
  const isUnnamed = named.length === 1 && first?.[0] === UNNAMED_VECTOR
  return {
    ...others,
    ...(named.length === 0
      ? {}
      : { vectors: isUnnamed ? (first as readonly [string, VectorParams])[1] : Object.fromEntries(named) }),
    ...(sparseVectors.length === 0
      ? {}
      : { sparseVectors: Object.fromEntries(sparseVectors.map(({ name }) => [name, {}])) }),
    ...(ids ? { ids } : {}),
    ...(strictModeConfig ? { strictModeConfig } : {}),
  }
}
