/** Reads files, one after the other, into a collection: maps their rows, writes them in batches, and tells wrong ones. */
import { VicinalError } from '../core/errors.js'
import type { RejectedRow } from '../core/ingest.js'
import { LIMITS } from '../core/limits.js'
import type { Point, PointId } from '../core/point.js'
import type { Distance, IngestionRule } from '../core/schema.js'
import type { ReadRow } from '../readers/rows.js'
import type { Progress } from '../terminal/progress.js'
import { UsageError } from '../terminal/usage-error.js'
import { type Format, openSource } from './formats.js'
import { choiceOf, type Mapping, mappingOf, pointIn, vectorParams } from './mapping.js'
import { columnOf, type OnError, type RefusedRow, type RefusedRows, stoppedBy } from './refused-rows.js'
import type { Progressed, ResumeState } from './resume-state.js'
import { type Cursor, type Model, type Source, type SourceRows, START } from './source.js'
import type { Target, Written } from './target.js'

const BATCH_ROWS = 8_192
/** The rules of a collection that is made with a quarantine. */
const DEFAULT_RULES: IngestionRule[] = (['finite', 'dimension', 'missing'] as const).map((check) => ({
  check,
  action: 'quarantine',
}))
/** Ids that a dry run compares with each other. */
const MOST_COMPARED_IDS = 5_000_000

export interface ImportOptions {
  files: readonly { path: string; format: Format }[]
  distance: Distance
  idColumn: string | undefined
  vectors: readonly string[]
  onError: OnError
  isDry: boolean
  /** Key of a service to read from. */
  sourceKey: string | undefined
}

/** Rows that are written together. */
interface Batch {
  points: Point<unknown>[]
  /** For each point its row in the file. */
  rows: number[]
  /** Rows that could not be read. */
  refused: RefusedRow[]
  bytes: number
  /** Rows of the file before the batch's end, refused ones too. */
  end: number
  /** Where the next batch begins; null inside a unit that can only be read as a whole. */
  next: Cursor | null
}

export class FileImport {
  readonly #target: Target
  readonly #options: ImportOptions
  readonly #refused: RefusedRows
  readonly #state: ResumeState | null
  readonly #signal: AbortSignal
  readonly #ids = new Set<PointId>()
  /** As of the last position from which a later run could go on. */
  #done: Progressed
  #accepted: number
  #repeated = 0
  #quarantined: number

  constructor(
    target: Target,
    options: ImportOptions,
    {
      refused,
      state,
      done,
      signal,
    }: { refused: RefusedRows; state: ResumeState | null; done: Progressed; signal: AbortSignal },
  ) {
    this.#target = target
    this.#options = options
    this.#refused = refused
    this.#state = state
    this.#signal = signal
    this.#done = done
    this.#accepted = done.accepted
    this.#quarantined = done.quarantined
  }

  /** Rows that were stored, by this run and by earlier ones of the same command. */
  get accepted(): number {
    return this.#accepted
  }

  /** Rows that are in the collection's quarantine instead. */
  get quarantined(): number {
    return this.#quarantined
  }

  /** Of a dry run: ids that came before. */
  get repeatedIds(): number {
    return this.#repeated
  }

  async run(progress: Progress): Promise<void> {
    for (let file = this.#done.filesDone; file < this.#options.files.length; file++)
      await this.#importFile(file, progress)
    progress.finish(this.#done.rowsBefore, this.#options.isDry ? 'rows' : 'points')
  }

  async #importFile(index: number, progress: Progress): Promise<void> {
    const { path, format } = this.#options.files[index] as { path: string; format: Format }
    const source = await openSource(path, format, this.#options.sourceKey)
    try {
      const mapping = await this.#mapping(source)
      const before = this.#done.rowsBefore
      const rows = await this.#store(source, mapping, (end) => {
        const share = (index + source.share({ ...this.#done.cursor, row: end })) / this.#options.files.length
        progress.update(share, before + end, 'rows')
      })
      this.#done = { ...this.#asOfNow, filesDone: index + 1, cursor: START, rowsBefore: before + rows }
      this.#state?.write(this.#done, true)
      if (this.#options.isDry) process.stdout.write(`${toldOf(path, rows, mapping)}\n`)
    } finally {
      await source.close()
    }
  }

  /** With the counts of all rows so far. */
  get #asOfNow(): Progressed {
    const counts = { accepted: this.#accepted, quarantined: this.#quarantined, refused: this.#refused.told() }
    return { ...this.#done, ...counts }
  }

  async #mapping(source: Source): Promise<Mapping> {
    const config = await this.#target.config()
    const existing = [...(config?.vectors ?? []), ...(config?.sparseVectors ?? [])].map(({ name }) => name)
    const isQuarantining = this.#options.onError === 'quarantine'
    if (isQuarantining && config && !config.ingestion?.quarantine) {
      throw new UsageError(
        `--on-error quarantine: the rules of ${this.#target.name} name no quarantine; see docs/ingest.md`,
      )
    }
    const shape = await source.shape()
    if (shape.rows === 0 && shape.vectors.size === 0) throw new UsageError(`${source.path}: has no rows`)
    const ids = config ? config.ids : (await source.model?.())?.options.ids
    const rules = config ? (config.ingestion?.rules ?? []) : isQuarantining ? DEFAULT_RULES : []
    const mayLackVectors = rules.some(({ check }) => check === 'missing')
    const asked = { ...this.#options, existing, textIds: ids === 'text', mayLackVectors }
    return mappingOf(shape, asked, source.path)
  }

  /** One write at a time, so that of two rows with one id the later wins. The next batch is read meanwhile. */
  async #store(source: Source, mapping: Mapping, onDone: (end: number) => void): Promise<number> {
    let write = Promise.resolve()
    let rows = this.#done.cursor.row
    try {
      for await (const batch of this.#batches(source, mapping)) {
        await write
        this.#signal.throwIfAborted()
        rows = batch.end
        write = this.#write(source, mapping, batch).then(() => onDone(batch.end))
        // Awaited above or below. An early rejection must not count as unhandled meanwhile.
        write.catch(() => {})
      }
    } finally {
      await write
    }
    return rows
  }

  async *#batches(source: Source, mapping: Mapping): AsyncGenerator<Batch> {
    const { cursor } = this.#done
    let batch = newBatch(cursor.row)
    for await (const some of source.rows(choiceOf(mapping), cursor)) {
      this.#gather(some, batch, source, mapping)
      if (!this.#isFull(batch)) continue
      yield batch
      batch = newBatch(batch.end)
    }
    yield batch
  }

  /** Rows that could not be read count too, so that no file of them is held in memory. */
  #isFull({ bytes, points, refused }: Batch): boolean {
    if (refused.length > 0 && this.#options.onError === 'stop') return true
    return bytes >= LIMITS.ingestBatchBytes || points.length + refused.length >= BATCH_ROWS
  }

  #gather({ rows, first, next }: SourceRows, batch: Batch, source: Source, mapping: Mapping): void {
    for (const [at, row] of rows.entries()) {
      if (row === null) continue
      batch.bytes += row.bytes
      const read = this.#pointOf(row, first + at, mapping)
      if (read instanceof VicinalError) {
        const { code, message, details } = read
        const record = 'point' in row ? row.point : (row.record ?? null)
        const rejected = { row: first + at, code, error: message, field: details.field as string }
        batch.refused.push(refusedOf(rejected, source, mapping, record))
      } else {
        batch.points.push(read)
        batch.rows.push(first + at)
      }
    }
    batch.end = first + rows.length
    batch.next = next
  }

  #pointOf(read: ReadRow, row: number, mapping: Mapping): Point<unknown> | VicinalError {
    if ('error' in read) return read.error
    try {
      return pointIn(read.point, this.#done.rowsBefore + row, mapping)
    } catch (error) {
      if (!(error instanceof VicinalError)) throw error
      return error
    }
  }

  async #write(source: Source, mapping: Mapping, batch: Batch): Promise<void> {
    const { points, rows, refused, end, next } = batch
    let { lastId } = this.#done
    if (this.#options.onError === 'stop') await this.#stopAtUnread(batch)
    if (points.length > 0) {
      if (!this.#target.collection) await this.#make(source, mapping)
      const { accepted, quarantined, rejected } = await this.#written(points)
      for (const one of rejected) {
        const row = rows[one.row] as number
        if (refused.some((known) => known.row === row)) continue
        refused.push(refusedOf({ ...one, row }, source, mapping, points[one.row]))
      }
      const wrong = refused.sort((a, b) => a.row - b.row)[0]
      if (wrong && this.#options.onError === 'stop') this.#stop(wrong)
      this.#accepted += accepted
      this.#quarantined += quarantined
      lastId = lastStored(points, rejected) ?? lastId
      if (this.#options.isDry) this.#compare(points)
    }
    for (const one of refused) this.#refused.add(one)
    if (next === null) return
    this.#done = { ...this.#asOfNow, cursor: { ...next, row: end }, lastId }
    this.#state?.write(this.#done)
  }

  /**
   * A batch with a row that could not be read is not stored. Without rules it is written up to that row, so that an
   * earlier row which the collection refuses is told instead. Rules would store the rows before it.
   */
  async #stopAtUnread(batch: Batch): Promise<void> {
    const [first] = batch.refused
    if (!first) return
    cutAtFirst(batch, first)
    const { ingestion } = (await this.#target.config()) ?? {}
    if (batch.points.length === 0 || (ingestion && !ingestion.wholeBatches)) this.#stop(first)
    batch.points.push(NO_POINT)
    batch.rows.push(first.row)
  }

  #stop(refused: RefusedRow): never {
    this.#refused.add(refused)
    throw stoppedBy(refused)
  }

  #written(points: readonly Point<unknown>[]): Promise<Written> {
    const isWhole = this.#options.onError === 'stop'
    return isWhole ? this.#target.writeWhole(points, this.#signal) : this.#target.writeRight(points, this.#signal)
  }

  /** Ids that came before; not beyond the first millions. */
  #compare(points: readonly Point<unknown>[]): void {
    for (const { id } of points) {
      if (this.#ids.has(id)) this.#repeated++
      else if (this.#ids.size < MOST_COMPARED_IDS) this.#ids.add(id)
    }
  }

  async #make(source: Source, mapping: Mapping): Promise<void> {
    const model: Model = (await source.model?.()) ?? {
      options: vectorParams(mapping, this.#options.distance),
      indexes: [],
    }
    if (this.#options.onError === 'quarantine')
      model.options.ingestion = { quarantine: `${this.#target.name}-quarantine`, rules: DEFAULT_RULES }
    if (!this.#options.isDry) say(`making collection ${this.#target.name}: ${JSON.stringify(model.options)}`)
    await this.#target.make(model)
  }
}

function refusedOf(
  { row, code, error, field }: RejectedRow,
  { path }: Source,
  mapping: Mapping,
  record: unknown,
): RefusedRow {
  return { file: path, row, column: columnOf(field, mapping), code, reason: error, record }
}

/** A value with an id of every collection that is a point of none, whatever its rules: the write fails at it. */
const NO_POINT: Point<unknown> = { id: '00000000-0000-0000-0000-000000000000', vector: 'none' as never }

/** Leaves the points before the first row that could not be read. */
function cutAtFirst({ points, rows }: Batch, first: RefusedRow): void {
  const at = rows.findIndex((row) => row > first.row)
  if (at >= 0) points.length = at
  rows.length = points.length
}

/** The id of the last point that is not among the refused ones. */
function lastStored(points: readonly Point<unknown>[], rejected: readonly RejectedRow[]): PointId | null {
  const out = new Set(rejected.map(({ row }) => row))
  return points.findLast((_, at) => !out.has(at))?.id ?? null
}

function newBatch(end: number): Batch {
  return { points: [], rows: [], refused: [], bytes: 0, end, next: null }
}

function toldOf(path: string, rows: number, { id, vectors }: Mapping): string {
  const told = vectors.map(({ name, column, shape: { kind, size } }) => {
    const form = kind === 'sparse' ? 'sparse' : `${size} dimensions${kind === 'multi' ? ', several a row' : ''}`
    return `${name || '(unnamed)'} = ${column || 'vector'}, ${form}`
  })
  return `${path}: ${rows} rows, ids ${id ?? '= row numbers'}, vectors: ${told.join('; ')}`
}

export function say(text: string): void {
  process.stderr.write(`vicinal: ${text}\n`)
}
