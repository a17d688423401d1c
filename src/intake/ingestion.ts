/**
 * A stream of points on its way into a collection. Rows are gathered into batches by their bytes. One batch is written
 * while the next one is gathered, and nothing more of the stream is read meanwhile: that is the back-pressure.
 */
import { rowsOf } from '../core/column-rows.js'
import type { ColumnarPoints } from '../core/columnar-points.js'
import { VicinalError } from '../core/errors.js'
import {
  checkStream,
  type IngestBytes,
  type IngestCounts,
  type IngestOptions,
  type IngestResult,
  type IngestStream,
  type IngestType,
  type RejectedRow,
} from '../core/ingest.js'
import { addCount } from '../core/ingestion-rules.js'
import { LIMITS } from '../core/limits.js'
import type { Point } from '../core/point.js'
import { nextTurn } from '../core/turn-budget.js'
import type { CleaningCounts } from '../ingest/cleaning.js'
import type { KeptRows } from '../ingest/recent-rows.js'
import { readArrowRows } from '../readers/arrow-rows.js'
import { readPoints } from '../readers/given-points.js'
import type { Hold } from '../readers/growing-bytes.js'
import { readJsonRows } from '../readers/json-rows.js'
import { readMsgpackRows } from '../readers/msgpack-rows.js'
import type { FrameBounds, ReadColumns, ReadRow, ReadRows } from '../readers/rows.js'
import { patiently } from './patience.js'

/** Rows of a source from `from` up to `to`. */
export interface IngestBatch {
  /** Rows that could not be read. */
  unread: readonly RejectedRow[]
  points: readonly Point<unknown>[] | ColumnarPoints
  /** For each point its row in the source. */
  rows: readonly number[]
  /** The name of the source; null: the stream cannot be resumed. */
  source: string | null
  from: number
  to: number
  /** Its latest rows before `from`, as the write of the batch before has told them. */
  recent: KeptRows | null
  /** Rows that an earlier stream of the source has put into the quarantine, with their verdicts. */
  verdicts: ReadonlyMap<number, RejectedRow>
}

/** The outcome of a batch. */
export interface WrittenBatch {
  accepted: number
  /** Rows that are not stored, in order. */
  refused: readonly RejectedRow[]
  /** null where the collection has no rules. */
  counts: CleaningCounts | null
  /** The latest rows before `to`, where rules look back. */
  recent: KeptRows | null
}

/** The facts of a collection that a stream is read and cut by. */
export interface IngestShape {
  /** Names of its vectors. */
  vectors: readonly string[]
  /** Dimensions of its dense vectors of one row a point, whose columns are taken as they are. */
  sizes?: ReadonlyMap<string, number>
  /** Most points of one write, if its owner bounds them. */
  mostPoints?: number | undefined
  /** Whether it has rules, so that results have their counts. */
  hasRules?: boolean
  /** Whether its ids are texts. */
  textIds?: boolean
}

/** The destination of a stream. */
export interface IngestSink {
  /** Rows of the source that are stored. */
  position(source: string): Promise<number>
  /** Rows of the source from this one on that are in the quarantine. */
  verdicts(source: string, from: number): Promise<ReadonlyMap<number, RejectedRow>>
  shape(): Promise<IngestShape>
  write(batch: IngestBatch): Promise<WrittenBatch>
}

/** Bounds that only a service sets. */
export type IngestBounds = Pick<FrameBounds, 'frameBytes' | 'hold'>

const READERS: Readonly<Record<IngestType, ReadRows>> = {
  'application/x-ndjson': readJsonRows,
  'application/msgpack': readMsgpackRows,
  'application/vnd.apache.arrow.stream': readArrowRows,
}
const DEFAULT_BOUNDS: IngestBounds = { frameBytes: LIMITS.bodyBytes, hold: () => {} }
/** How long decoding may hold the thread before others have their turn. */
const MOST_MS = 2
/** A piece of a stream is decoded in parts of this size, however large it is. */
const PIECE_BYTES = 64 * 1024

/**
 * Writes the rows of a stream. A row that is no point is refused and told; its batch is stored without it. An error that
 * ends the stream says in its details how far the stream came.
 */
export async function ingestStream(
  stream: IngestStream,
  options: IngestOptions,
  sink: IngestSink,
  bounds: IngestBounds = DEFAULT_BOUNDS,
): Promise<IngestResult> {
  checkStream(stream)
  const { type } = options
  const { mostPoints = LIMITS.ingestBatchRows, hasRules = false, ...shape } = await sink.shape()
  const batchRows = Math.min(mostPoints, LIMITS.ingestBatchRows)
  const ingestion = new Ingestion(options, sink, bounds, { batchRows, hasRules })
  if (type === undefined) return await ingestion.run(readPoints(stream as AsyncIterable<Point<unknown>>))
  return await ingestion.run(READERS[type](piecesOf(stream as IngestBytes), { ...bounds, ...shape }))
}

class Ingestion {
  readonly #options: IngestOptions
  readonly #sink: IngestSink
  readonly #hold: Hold
  readonly #batchRows: number
  readonly #result: IngestResult
  /** Rows before this one are stored already. */
  #stored = 0
  /** The row that comes next. */
  #row: number
  #batch: Gathering
  #writing: Promise<void> = Promise.resolve()
  #failure: unknown = null
  #recent: KeptRows | null = null
  #verdicts: IngestBatch['verdicts'] = new Map()

  constructor(
    options: IngestOptions,
    sink: IngestSink,
    { hold }: IngestBounds,
    { batchRows, hasRules }: { batchRows: number; hasRules: boolean },
  ) {
    this.#options = options
    this.#sink = sink
    this.#batchRows = batchRows
    this.#hold = hold
    this.#row = options.source?.position ?? 0
    this.#result = { accepted: 0, rejected: 0, position: this.#row, errors: [] }
    if (hasRules) this.#count({ fixed: 0, flagged: 0, byRule: {} }, 0)
    this.#batch = new Gathering(this.#row)
  }

  async run(parts: AsyncIterable<readonly ReadRow[] | ReadColumns>): Promise<IngestResult> {
    try {
      await this.#begin()
      let started = performance.now()
      for await (const some of parts) {
        if ('columns' in some) await this.#addColumns(some)
        else for (const row of some) if (this.#add(row)) await this.#write()
        if (performance.now() - started < MOST_MS) continue
        await nextTurn()
        started = performance.now()
      }
      if (this.#batch.from < this.#row) await this.#write()
      await this.#writing
      if (this.#failure !== null) throw this.#failure
      return this.#result
    } catch (error) {
      await this.#writing
      throw this.#told(this.#failure ?? error)
    }
  }

  async #begin(): Promise<void> {
    const { source } = this.#options
    if (!source) return
    this.#stored = await this.#sink.position(source.name)
    this.#result.position = this.#stored
    if (this.#row > this.#stored) throw gap(source.name, this.#row, this.#stored)
    this.#verdicts = await this.#sink.verdicts(source.name, this.#stored)
  }

  /** Whether the batch is full with this row. */
  #add(row: ReadRow): boolean {
    const at = this.#row++
    if (at < this.#stored) {
      this.#batch.from = this.#row
      return false
    }
    if ('error' in row) this.#batch.unread.push(rejectedRow(at, row.error))
    else this.#batch.add(row.point, at)
    this.#batch.bytes += row.bytes
    this.#hold(row.bytes)
    return this.#batch.bytes >= LIMITS.ingestBatchBytes || this.#batch.rowCount >= this.#batchRows
  }

  /** Columns are batches of their own. */
  async #addColumns({ columns, bytes }: ReadColumns): Promise<void> {
    if (this.#batch.rowCount > 0) await this.#write()
    const first = this.#row
    const { length } = columns.ids
    let start = Math.min(length, Math.max(0, this.#stored - first))
    this.#row = this.#batch.from = first + start
    while (start < length) {
      const end = Math.min(length, start + this.#batchRows)
      const held = (bytes / length) * (end - start)
      this.#batch.takeColumns(end - start === length ? columns : rowsOf(columns, start, end))
      this.#batch.bytes += held
      this.#hold(held)
      this.#row = first + end
      await this.#write()
      start = end
    }
  }

  /** Begins to write the batch, once the one before is written. */
  async #write(): Promise<void> {
    await this.#writing
    if (this.#failure !== null) throw this.#failure
    const batch = this.#batch
    const to = this.#row
    this.#batch = new Gathering(to)
    // Reported by the next wait for it.
    this.#writing = this.#writeBatch(batch, to)
      .catch((error: unknown) => {
        this.#failure = error
      })
      .finally(() => this.#hold(-batch.bytes))
  }

  async #writeBatch({ points, rows, unread, from }: Gathering, to: number): Promise<void> {
    const source = this.#options.source?.name ?? null
    const batch = { points, rows, unread, source, from, to, recent: this.#recent, verdicts: this.#verdicts }
    const { accepted, refused, counts, recent } = await patiently(() => this.#sink.write(batch), this.#options.signal)
    const aside = refused.reduce((count, { action }) => (action === 'quarantine' ? count + 1 : count), 0)
    const { errors } = this.#result
    const { mostErrors = LIMITS.ingestErrors } = this.#options
    errors.push(...refused.slice(0, Math.max(0, mostErrors - errors.length)))
    this.#result.accepted += accepted
    this.#result.rejected += refused.length - aside
    this.#result.position = to
    this.#recent = recent
    if (counts) this.#count(counts, aside)
    this.#options.onProgress?.(countsOf(this.#result))
  }

  /** Adds up the counts of the rules. */
  #count({ fixed, flagged, byRule }: CleaningCounts, aside: number): void {
    const result = this.#result
    result.quarantined = (result.quarantined ?? 0) + aside
    result.fixed = (result.fixed ?? 0) + fixed
    result.flagged = (result.flagged ?? 0) + flagged
    result.byRule ??= {}
    for (const [rule, count] of Object.entries(byRule)) addCount(result.byRule, rule, count)
  }

  #told(error: unknown): unknown {
    if (!(error instanceof VicinalError)) return error
    const { code, message, status, retryAfterMs } = error
    return new VicinalError(code, message, {
      details: { ...error.details, ...this.#result },
      cause: error,
      ...(status === 422 || status === 429 ? { status } : {}),
      ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    })
  }
}

/** A batch that is being gathered. */
class Gathering {
  readonly #points: Point<unknown>[] = []
  #columns: ColumnarPoints | null = null
  rows: number[] = []
  readonly unread: RejectedRow[] = []
  bytes = 0
  /** Its first row. */
  from: number

  constructor(from: number) {
    this.from = from
  }

  add(point: Point<unknown>, row: number): void {
    this.#points.push(point)
    this.rows.push(row)
  }

  /** All of its rows. */
  takeColumns(columns: ColumnarPoints): void {
    this.#columns = columns
    this.rows = Array.from({ length: columns.ids.length }, (_, at) => this.from + at)
  }

  get points(): IngestBatch['points'] {
    return this.#columns ?? this.#points
  }

  get rowCount(): number {
    return this.rows.length + this.unread.length
  }
}

export function rejectedRow(row: number, { code, message, details }: VicinalError): RejectedRow {
  const error = message.slice(0, LIMITS.ingestErrorLength)
  const { field } = details
  return { row, code, error, ...(typeof field === 'string' ? { field: field.slice(0, LIMITS.ingestErrorLength) } : {}) }
}

/** The result so far without its rows. */
function countsOf({ errors: _, byRule: __, ...counts }: IngestResult): IngestCounts {
  return counts
}

/** Rows are missing between the stored rows and the sent ones. */
export function gap(source: string, from: number, stored: number): VicinalError {
  return new VicinalError(
    'OUT_OF_ORDER',
    `source ${JSON.stringify(source)}: expected rows from ${stored} on, got rows from ${from} on`,
    { details: { field: 'source.position', stored, seen: from } },
  )
}

async function* piecesOf(stream: IngestBytes): AsyncGenerator<Buffer> {
  for await (const piece of stream) {
    const bytes = Buffer.from(piece.buffer, piece.byteOffset, piece.byteLength)
    for (let at = 0; at < bytes.length; at += PIECE_BYTES) yield bytes.subarray(at, at + PIECE_BYTES)
  }
}
