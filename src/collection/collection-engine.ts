import { isDeepStrictEqual } from 'node:util'
import type { Clock } from '../core/clock.js'
import type { WriteOptions, WriteResult } from '../core/database.js'
import { VicinalError } from '../core/errors.js'
import { type CollectionConfig, type CollectionInfo, type SchemaVector, schemaOf } from '../core/schema.js'
import type { Disk } from '../disk/disk.js'
import type { Log } from '../log/log.js'
import type { VectorSpec } from '../native/addon.js'
import type { Shard } from '../native/shard.js'
import type { OutdatedSegments } from '../segment/outdated-segments.js'
import type { LanceTable } from '../storage/lance-table.js'
import type { CollectionPaths } from '../storage/layout.js'
import type { Manifest } from '../storage/manifest.js'
import { Checkpointer } from './checkpointer.js'
import { Flusher } from './flusher.js'
import { Maintenance } from './maintenance.js'
import type { ManifestFile } from './manifest-file.js'
import { memoryBudget, type Shrinkable } from './memory-budget.js'
import { type MeasuredCollection, memoryTables } from './memory-table.js'
import type { IndexedField } from './payload-index.js'
import { PayloadIndexes } from './payload-indexes.js'
import { RateLimit } from './rate-limit.js'
import { vectorSpecs } from './schema.js'
import { StrictMode, type StrictModeSubject } from './strict-mode.js'
import { Writer } from './writer.js'

const BYTES_PER_NUMBER = 4

/** A recovered collection: what `recovery.ts` hands over. */
export interface CollectionParts {
  shard: Shard
  log: Log
  manifest: ManifestFile
  /** null in memory, and for readers. */
  table: LanceTable | null
  /** The collection's folder; null in memory. */
  folder: { disk: Disk; paths: CollectionPaths } | null
  readOnly: boolean
  warnings: string[]
  /** Segments that wait for being rebuilt as the configuration says. */
  outdated: OutdatedSegments
  clock: Clock
}

/** What `holdFiles` holds: files named by the manifest, and the log's records up to this operation, all applied. */
export interface HeldFiles {
  manifest: Manifest
  paths: CollectionPaths
  seq: number
}

/** One open collection: its parts, their start and their end. The verbs are in EmbeddedCollection. */
export class CollectionEngine implements MeasuredCollection, Shrinkable {
  readonly writer: Writer
  readonly #parts: CollectionParts
  #shard: Shard
  readonly #flusher: Flusher | null
  readonly #checkpointer: Checkpointer | null
  readonly #maintenance: Maintenance
  readonly #indexes: PayloadIndexes
  readonly #reads: RateLimit
  readonly #writes: RateLimit
  #trouble: VicinalError | null = null
  #closed: Promise<void> | null = null

  constructor(parts: CollectionParts) {
    const { shard, log, manifest, table, folder, outdated, clock } = parts
    this.#parts = parts
    this.#shard = shard
    this.#indexes = new PayloadIndexes(() => this.#shard, manifest)
    this.#reads = new RateLimit(() => clock.monotonicMs())
    this.#writes = new RateLimit(() => clock.monotonicMs())
    this.#flusher = table ? new Flusher({ shard, log, table, manifest }) : null
    this.#checkpointer = folder
      ? new Checkpointer({
          shard,
          manifest,
          disk: folder.disk,
          folder: folder.paths.segments,
          clock,
          outdated,
          flush: () => this.flush(),
        })
      : null
    this.writer = new Writer({
      shard,
      log,
      schema: this.schema,
      onLogFull: () => void this.flush().catch(() => undefined),
    })
    this.#maintenance = new Maintenance({
      shard,
      clock,
      outdated,
      bounds: memoryBudget,
      flush: () => this.flush(),
      checkpoint: () => this.checkpoint(),
      housekeep: async (graceMs) => {
        await this.#checkpointer?.sweep(graceMs)
        await this.#flusher?.housekeep(graceMs)
      },
      onTrouble: (error) => {
        this.#trouble = error
      },
    })
    if (!parts.readOnly) this.#maintenance.start()
    memoryTables.add(this)
    memoryBudget.add(this)
  }

  get shard(): Shard {
    return this.#shard
  }

  /** Puts newer rows in the place of a reader's, and resolves when the older ones are let go. */
  async replaceShard(shard: Shard): Promise<void> {
    const older = this.#shard
    this.#shard = shard
    await older.close()
  }

  get log(): Log {
    return this.#parts.log
  }
  get name(): string {
    return this.#parts.manifest.current.name
  }
  get uuid(): string {
    return this.#parts.manifest.current.uuid
  }
  get config(): CollectionConfig {
    return this.#parts.manifest.current.config
  }
  get schema(): readonly SchemaVector[] {
    return schemaOf(this.config)
  }

  /** Null in memory. */
  get paths(): CollectionPaths | null {
    return this.#parts.folder?.paths ?? null
  }

  /** null where the collection's owner has not enabled it. */
  get strictMode(): StrictMode | null {
    const { strictModeConfig } = this.config
    return strictModeConfig?.enabled ? new StrictMode(strictModeConfig, this.#strictSubject()) : null
  }

  #strictSubject(): StrictModeSubject {
    const { schema } = this
    return {
      vectorNames: schema.map(({ name }) => name),
      payloadIndexes: this.#parts.manifest.current.payloadIndexes,
      points: () => this.shard.stats().points,
      vectorBytes: () => {
        const { vectors } = this.shard.stats()
        // Of a multivector, and of a sparse one, each point has its own number: what is held counts, the deleted ones too.
        return vectors.reduce((sum, { live, vectorBytes }, i) => {
          const { size, multivectorConfig } = schema[i] as SchemaVector
          return sum + (multivectorConfig || size === 0 ? vectorBytes : live * size * BYTES_PER_NUMBER)
        }, 0)
      },
      payloadBytes: async () => {
        const { payload, overlays } = (await memoryTables.of(this)).memory
        return payload.bytes + overlays.bytes
      },
      reads: this.#reads,
      writes: this.#writes,
    }
  }

  checkOpen(): void {
    if (this.#closed) throw new VicinalError('CLOSED', `collection ${JSON.stringify(this.name)} is closed`)
  }

  checkWritable(): void {
    this.checkOpen()
    if (this.#parts.readOnly) throw new VicinalError('READ_ONLY', 'the database was opened read-only')
  }

  async flush(): Promise<void> {
    await this.#flusher?.flush()
  }

  /** Runs work while the files stay that make up the collection as of one operation, with all that was acknowledged. */
  async holdFiles<T>(work: (held: HeldFiles) => Promise<T>): Promise<T> {
    this.checkOpen()
    const { log, manifest, folder } = this.#parts
    const flusher = this.#flusher
    if (!flusher || !folder) throw new VicinalError('INTERNAL', 'a collection without files has none to hold')
    // So that little of the log is to be copied.
    await this.flush()
    await this.writer.exclusively(async () => undefined)
    return await flusher.hold(() => work({ manifest: manifest.current, paths: folder.paths, seq: log.durableSeq }))
  }

  /** Gives back memory that files stand behind; with `everything`, of graphs and codes too. */
  async shed(everything: boolean): Promise<void> {
    await this.#shard.shed(everything)
  }

  async spill(): Promise<void> {
    if (this.#checkpointer) await this.#maintenance.spill()
  }

  async checkpoint(): Promise<void> {
    await this.#checkpointer?.checkpoint()
  }

  /** Does at once what background work would do in time, and cleans the folder. */
  async tidy({ graceMs }: { graceMs: number }): Promise<void> {
    await this.#maintenance.settle(graceMs)
  }

  /**
   * Has the segments there are rebuilt, where the change is one of theirs. From the moment the manifest says so, they
   * are marked in it too, so that a rebuild that a crash cut short goes on after it.
   */
  async updateConfig(change: (config: CollectionConfig) => CollectionConfig): Promise<void> {
    this.checkWritable()
    const { manifest, outdated } = this.#parts
    const replaced: VectorSpec[][] = []
    try {
      await manifest.update((current) => {
        const config = change(current.config)
        const specs = vectorSpecs(config.vectors)
        const before = vectorSpecs(current.config.vectors)
        if (isDeepStrictEqual(specs, before)) return { config }
        replaced.push(before)
        outdated.mark(this.#shard.configure(specs))
        return { config, segments: current.segments.map((segment) => ({ ...segment, outdated: true })) }
      })
    } catch (error) {
      for (const specs of replaced) this.#shard.configure(specs)
      throw error
    }
    this.#maintenance.hurry()
  }

  /** All that is there now is in graphs built as the configuration says. */
  async waitForIndex(): Promise<void> {
    await this.#maintenance.rebuilt()
    await this.#shard.waitForIndex()
  }

  async createPayloadIndex(index: IndexedField, { wait = true }: WriteOptions): Promise<WriteResult> {
    const { built } = await this.#indexes.create(index)
    if (!wait) return { ...this.#completed(), status: 'acknowledged' }
    await built
    return this.#completed()
  }

  async deletePayloadIndex(field: string): Promise<WriteResult> {
    await this.#indexes.delete(field)
    return this.#completed()
  }

  #completed(): WriteResult {
    return { operationId: this.#parts.log.lastSeq, status: 'completed' }
  }

  async info(): Promise<CollectionInfo> {
    this.checkOpen()
    const { memory, warnings } = await memoryTables.of(this)
    const stats = this.shard.stats()
    const indexed = stats.vectors.reduce((sum, vector) => sum + vector.indexed, 0)
    const live = stats.vectors.reduce((sum, vector) => sum + vector.live, 0)
    // Of sparse vectors answers are exact.
    const recall = stats.vectors
      .slice(0, this.config.vectors.length)
      .map(({ recall: { queries, measured, asked, settling, samples } }, vector) => {
        return [this.schema[vector]?.name ?? '', { queries, measured, asked, settling, samples }] as const
      })
    const isBehind =
      this.#indexes.isBuilding ||
      this.shard.tailBytes() > 0 ||
      stats.segments.some(({ segment }) => this.#parts.outdated.has(segment))
    const schema = this.#parts.manifest.current.payloadIndexes.map(({ field, kind, params }) => {
      const points = stats.payloadIndexes.find((index) => index.field === field)?.points ?? 0
      return [field, params ? { kind, points, params } : { kind, points }] as const
    })
    return {
      name: this.name,
      status: this.#trouble || this.#parts.log.failure ? 'red' : isBehind ? 'yellow' : 'green',
      pointsCount: stats.points,
      optimizerStatus: this.#trouble ? { error: this.#trouble.message } : 'ok',
      // Graphs also hold vectors that were deleted since.
      indexedVectorsCount: Math.min(indexed, live),
      vectorsCount: live,
      segmentsCount: stats.segments.length,
      config: this.config,
      payloadSchema: Object.fromEntries(schema),
      logBytes: this.#parts.log.bytes,
      tailBytes: this.shard.tailBytes(),
      updateQueue: { length: this.writer.waiting },
      memory,
      recall: Object.fromEntries(recall),
      warnings: [
        ...this.#parts.warnings,
        ...warnings,
        ...[this.#trouble, this.#parts.log.failure].flatMap((error) => (error ? [error.message] : [])),
      ],
    }
  }

  /**
   * Finishes what was begun and leaves the folder ready for a quick open: changes in the table, the graph in
   * its file. With `discard`, for a collection that is being deleted, nothing more is written.
   */
  async close({ discard = false }: { discard?: boolean } = {}): Promise<void> {
    this.#closed ??= this.#close(discard)
    await this.#closed
  }

  async #close(discard: boolean): Promise<void> {
    const { log, table, manifest, readOnly } = this.#parts
    memoryTables.remove(this)
    memoryBudget.remove(this)
    await this.#maintenance.stop()
    await this.#indexes.idle()
    await this.writer.drain()
    try {
      if (!discard && !readOnly) {
        await this.#flusher?.flush()
        await this.#checkpointer?.checkpointIfWorthIt()
        await manifest.update({ cleanEnd: await log.close() })
      }
    } finally {
      await log.close()
      await table?.close()
      await this.#shard.close()
    }
  }
}
