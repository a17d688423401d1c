import type { WriteOptions, WriteResult } from '../../core/database.js'
import { readOnly, VicinalError } from '../../core/errors.js'
import type { MaybePromise } from '../../core/maybe-promise.js'
import { Mutex } from '../../core/mutex.js'
import type { CollectionConfig, CollectionCounts, CollectionInfo, SchemaVector } from '../../core/schema.js'
import type { Log } from '../../log/log.js'
import { giveBackFreed } from '../../native/process.js'
import type { Shard } from '../../native/shard.js'
import type { LanceTable } from '../../storage/lance-table.js'
import type { CollectionPaths } from '../../storage/layout.js'
import type { Manifest } from '../../storage/manifest.js'
import type { VectorIdentity } from '../../storage/table-layout.js'
import { configWarnings } from '../config/config-warnings.js'
import type { IndexedField } from '../config/payload-index.js'
import { queuedChange } from '../limits/overloaded.js'
import type { StrictMode } from '../limits/strict-mode.js'
import { memoryBudget, type Shrinkable } from '../memory/memory-budget.js'
import { type MeasuredCollection, memoryTables } from '../memory/memory-table.js'
import { Checkpointer, type CheckpointerParts } from './checkpointer.js'
import { closeAll } from './close-all.js'
import { ColdLookup } from './cold-lookup.js'
import { countsOf, infoOfStats, isBehind, pointsOfIndexes } from './collection-info.js'
import { CollectionQuality } from './collection-quality.js'
import { type CollectionParts, type CollectionView, viewOf, withLiveRows } from './collection-view.js'
import { Flusher, type FlusherParts } from './flusher.js'
import { Issues } from './issues.js'
import { Maintenance, type MaintenanceParts } from './maintenance.js'
import { OwnersBounds } from './owners-bounds.js'
import { PayloadIndexes } from './payload-indexes.js'
import type { Sources } from './sources.js'
import { type EditVectors, reconfigure, VectorChanges } from './vector-changes.js'
import { Writer, type WriterParts } from './writer.js'

/** A segment that a change of the vectors ended with fewer rows than this is merged into the next one. */
const LEAST_SEGMENT_ROWS = 10_000

/** The files that `holdFiles` holds: the manifest's, and the log with records up to `seq`, all of them applied. */
export interface HeldFiles {
  manifest: Manifest
  table: LanceTable
  paths: CollectionPaths
  seq: number
}

/** One open collection: its parts, their start and their end. EmbeddedCollection has its methods. */
export class CollectionEngine implements MeasuredCollection, Shrinkable {
  readonly writer: Writer
  readonly #parts: CollectionParts
  #shard: Shard
  #view: CollectionView
  readonly #vectors: VectorChanges
  /** Changes of the configuration take turns. */
  readonly #changes = new Mutex()
  #isReshaping = false
  #shed: Promise<void> = Promise.resolve()
  readonly #flusher: Flusher | null
  readonly #checkpointer: Checkpointer | null
  readonly #maintenance: Maintenance
  readonly #indexes: PayloadIndexes
  readonly bounds: OwnersBounds
  readonly quality: CollectionQuality
  readonly #issues = new Issues()
  #trouble: VicinalError | null = null
  #closed: Promise<void> | null = null

  constructor(parts: CollectionParts) {
    const { log, manifest, table, home, outdated, clock, sources } = parts
    this.#parts = parts
    this.#shard = parts.shard
    this.#view = viewOf(this.#shard, manifest.current)
    const rows = <P>(own: Omit<P, 'shard' | 'vectors'>): P => withLiveRows(() => this.view, own)
    this.#indexes = new PayloadIndexes(() => this.#shard, manifest, this.#issues)
    this.bounds = new OwnersBounds(this, manifest, clock)
    this.quality = new CollectionQuality({ engine: this, manifest, home })
    this.#flusher = table ? new Flusher(rows<FlusherParts>({ log, table, manifest, sources, home })) : null
    this.#checkpointer = home
      ? new Checkpointer(rows<CheckpointerParts>({ manifest, home, clock, outdated, flush: () => this.flush() }))
      : null
    this.writer = new Writer(
      rows<WriterParts>({
        log,
        sources,
        onLogFull: () => this.flush(),
        onLost: () => this.#issues.set('writes', this.#brokenBy),
      }),
    )
    this.#maintenance = new Maintenance(
      rows<MaintenanceParts>({
        name: () => manifest.current.name,
        clock,
        outdated,
        bounds: memoryBudget,
        flushing: parts,
        flush: () => this.flush(),
        checkpoint: () => this.checkpoint(),
        files: this.#checkpointer,
        housekeep: async (graceMs) => {
          await this.#flusher?.housekeep(graceMs)
          await giveBackFreed()
        },
        onTrouble: (error) => {
          this.#trouble = error
          this.#issues.set('background work', error)
        },
      }),
    )
    this.#vectors = new VectorChanges({
      shard: () => this.#shard,
      manifest,
      table,
      writer: this.writer,
      maintenance: this.#maintenance,
      indexes: this.#indexes,
      flusher: this.#flusher,
      checkpointer: this.#checkpointer,
      lastSeq: () => log.lastSeq,
      undisturbed: (work) => this.#undisturbed(work),
      replace: (next) => this.#replace(next),
    })
    if (!parts.readOnly) this.#maintenance.start()
    memoryTables.add(this)
    memoryBudget.add(this)
  }

  get shard(): Shard {
    return this.#shard
  }

  /** The rows and the vectors that belong to them. */
  get view(): CollectionView {
    if (this.#view.config !== this.config || this.#view.shard !== this.#shard)
      this.#view = viewOf(this.#shard, this.#parts.manifest.current)
    return this.#view
  }

  /**
   * Answers from one view. If another shard replaced it meanwhile, the work runs again: the older shard may be closed,
   * and lacks everything that was written since. So it does if it looked points up in a closed collection, which is open
   * then.
   */
  read<T>(work: (view: CollectionView) => MaybePromise<T>): MaybePromise<T> {
    const { view } = this
    let answer: MaybePromise<T>
    try {
      answer = work(view)
    } catch (error) {
      return this.#afterLookup(error, work)
    }
    if (!(answer instanceof Promise)) return answer
    const isOutdated = () => this.#shard !== view.shard && !this.#closed
    const ifPresent = (give: () => MaybePromise<T>) => (isOutdated() ? this.read(work) : give())
    return answer.then(
      (found) => ifPresent(() => found),
      (error: unknown) => ifPresent(() => this.#afterLookup(error, work)),
    )
  }

  /** Runs work again that could not look points up in a closed collection; throws every other error. */
  #afterLookup<T>(error: unknown, work: (view: CollectionView) => MaybePromise<T>): Promise<T> {
    if (!(error instanceof ColdLookup)) throw error
    return error.whileOpen(async () => await this.read(work))
  }

  /** Replaces the rows of a reader by newer ones. Resolves when the older ones are closed. */
  async replaceShard(shard: Shard, manifest: Manifest): Promise<void> {
    const older = this.#shard
    await this.#parts.manifest.update(manifest, () => {
      this.#shard = shard
    })
    memoryTables.forget(this)
    await older.close()
  }

  #replace(shard: Shard): void {
    const older = this.#shard
    this.#shard = shard
    memoryTables.forget(this)
    // A small segment would stay small. Its rows are soon moved to another segment that takes more.
    for (const { segment, rows } of shard.stats().segments.slice(-1))
      if (rows < LEAST_SEGMENT_ROWS) this.#parts.outdated.markOne(segment)
    void older.close().catch(() => undefined)
  }

  /** The reason why the collection takes no more writes; null while it takes them. */
  get #brokenBy(): VicinalError | null {
    return this.#parts.log.failure ?? this.writer.broken
  }

  /** The listener gets the problems survived at the open, new problems of background work, and their end. */
  watchIssues(listener: Parameters<Issues['watch']>[0]): void {
    for (const reason of this.#parts.warnings) listener({ about: 'opening', code: null, reason, isOver: false })
    this.#issues.watch(listener)
  }

  get sources(): Sources {
    return this.#parts.sources
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
    return this.view.schema
  }
  get vectors(): readonly VectorIdentity[] {
    return this.view.vectors
  }

  /** null in memory. */
  get paths(): CollectionPaths | null {
    return this.#parts.home?.paths ?? null
  }

  /** null if the collection's owner has not enabled it. */
  get strictMode(): StrictMode | null {
    return this.bounds.strictMode
  }

  /** Whether closing now would end work under way, hide a problem, or have the next opening build graphs again. */
  get isBusy(): boolean {
    return (
      this.#parts.isFollowing?.() === true ||
      this.#trouble !== null ||
      this.#brokenBy !== null ||
      this.#issues.messages.length > 0 ||
      this.#indexes.isBuilding ||
      this.writer.waiting > 0 ||
      isBehind(this.#shard.stats(), this.#shard, this.#parts.outdated)
    )
  }

  /** How many points and vectors it has. */
  get counts(): CollectionCounts {
    return countsOf(this.#shard.stats(), this.config)
  }

  get isClosed(): boolean {
    return this.#closed !== null
  }

  checkOpen(): void {
    if (this.#closed) throw new VicinalError('CLOSED', `collection ${JSON.stringify(this.name)} is closed`)
  }

  checkWritable(): void {
    this.checkOpen()
    if (this.#parts.readOnly) throw readOnly()
  }

  async flush(): Promise<void> {
    await this.#flusher?.flush()
  }

  /** Runs work while the files stay that make up the collection as of one operation, with every acknowledged write. */
  async holdFiles<T>(work: (held: HeldFiles) => Promise<T>): Promise<T> {
    this.checkOpen()
    const { log, manifest, home, table } = this.#parts
    const flusher = this.#flusher
    if (!flusher || !home || !table) throw new VicinalError('INTERNAL', 'a collection without files has none to hold')
    // Flushes first, so that little of the log has to be copied.
    await this.flush()
    await this.writer.exclusively(async () => undefined)
    return await flusher.hold(() => work({ manifest: manifest.current, table, paths: home.paths, seq: log.durableSeq }))
  }

  /** Gives back memory that files back; with `everything`, memory of graphs and codes too. */
  async shed(everything: boolean): Promise<void> {
    // Two shards of the same rows must not shed at once. It is asked for again while memory is short.
    if (this.#isReshaping) return
    const shed = this.#shard.shed(everything)
    this.#shed = shed.catch(() => undefined)
    await shed
  }

  async spill(): Promise<void> {
    if (this.#checkpointer) await this.#maintenance.spill()
  }

  async checkpoint(): Promise<void> {
    await this.#checkpointer?.checkpoint()
  }

  /** Does due and future background work at once, and cleans the folder. */
  async tidy({ graceMs }: { graceMs: number }): Promise<void> {
    await this.#maintenance.settle(graceMs)
  }

  /** Changes the configuration and has segments rebuilt if the change concerns them. */
  async updateConfig(change: (config: CollectionConfig) => CollectionConfig): Promise<void> {
    this.checkWritable()
    const { manifest, outdated } = this.#parts
    await queuedChange(this.#changes, 'changes', () => reconfigure(change, { shard: this.#shard, manifest, outdated }))
    this.#maintenance.hurry()
  }

  /** Adds vectors that only the new configuration has. Drops those that it lacks, with all their data. */
  async changeVectors(edit: EditVectors): Promise<WriteResult> {
    this.checkWritable()
    if (await queuedChange(this.#changes, 'changes', () => this.#vectors.make(edit))) this.#maintenance.hurry()
    return await this.#completed()
  }

  async #undisturbed<T>(work: () => Promise<T>): Promise<T> {
    this.#isReshaping = true
    try {
      await this.#shed
      return await work()
    } finally {
      this.#isReshaping = false
    }
  }

  /** Resolves when every present vector is in a graph that is built as the configuration says. */
  async waitForIndex(): Promise<void> {
    await this.#maintenance.rebuilt()
    await this.read(({ shard }) => shard.waitForIndex())
  }

  async createPayloadIndex(index: IndexedField, { wait = true }: WriteOptions): Promise<WriteResult> {
    const { built } = await this.#indexes.create(index)
    if (!wait) return { ...(await this.#completed()), status: 'acknowledged' }
    await built
    return await this.#completed()
  }

  async deletePayloadIndex(field: string): Promise<WriteResult> {
    await this.#indexes.delete(field)
    return await this.#completed()
  }

  async #completed(): Promise<WriteResult> {
    await this.#parts.log.confirm?.()
    const { lastSeq, watermark } = this.#parts.log
    return { operationId: lastSeq, status: 'completed', ...(watermark === undefined ? {} : { watermark }) }
  }

  async info(): Promise<CollectionInfo> {
    this.checkOpen()
    const { memory, warnings } = await this.read(() => memoryTables.of(this))
    const { log, manifest, outdated, exhausted } = this.#parts
    const trouble = this.#trouble ?? exhausted?.()
    const stats = this.shard.stats()
    const indexPoints = await this.read(({ shard }) => pointsOfIndexes(shard, stats))
    return {
      ...infoOfStats(stats, this.view, manifest.current, indexPoints),
      status:
        trouble || this.#brokenBy
          ? 'red'
          : this.#indexes.isBuilding || isBehind(stats, this.shard, outdated)
            ? 'yellow'
            : 'green',
      optimizerStatus: trouble ? { error: trouble.message } : 'ok',
      logBytes: log.bytes,
      updateQueue: { length: this.writer.waiting },
      memory,
      warnings: [...configWarnings(this.config), ...this.#parts.warnings, ...warnings, ...this.#issues.messages],
    }
  }

  /**
   * Finishes work under way and leaves the folder ready for a quick open: changes are in the table, graphs in their
   * files. With `discard`, for a collection that is being deleted, nothing more is written.
   */
  async close({ discard = false }: { discard?: boolean } = {}): Promise<void> {
    this.#closed ??= this.#close(discard)
    await this.#closed
  }

  async #close(discard: boolean): Promise<void> {
    const { log, table, manifest, readOnly } = this.#parts
    await this.quality.stop()
    await this.#changes.idle()
    memoryTables.remove(this)
    memoryBudget.remove(this)
    await this.#maintenance.stop()
    await this.#indexes.idle()
    await this.writer.drain()
    try {
      if (!discard && !readOnly) {
        await this.#flusher?.flush()
        await this.#checkpointer?.checkpointIfWorthIt()
        await this.#checkpointer?.keepQueries()
        await this.#flusher?.close()
        await manifest.update({ cleanEnd: await log.close(), ...this.sources.counts })
      }
    } finally {
      await this.#flusher?.close()
      await closeAll(log, table, this.#shard)
      this.#parts.onClosed?.()
    }
  }
}
