/** Plans the write of a batch of a stream, in which some rows may be no points of the collection. */
import { renameField } from '../../core/error-field.js'
import { VicinalError } from '../../core/errors.js'
import type { RejectedRow } from '../../core/ingest.js'
import type { PointColumns } from '../../core/point.js'
import type { Schema } from '../../core/schema.js'
import { keepLast, takeRows } from '../../ingest/point-columns.js'
import { gap, type IngestBatch, rejectedRow, type WrittenBatch } from '../../intake/ingestion.js'
import type { LogRecord } from '../../log/record.js'
import { Turns } from '../../query/turns.js'
import type { PlanContext } from './collection-view.js'
import { cleanedPoints, type WritePlan } from './plans.js'
import type { Sources } from './sources.js'
import { hasUnnamed, withKeptNames, withSharedNames } from './text-names.js'

/** Codes of errors that one row alone can have. */
const OF_ROW: ReadonlySet<string> = new Set(['INVALID_ARGUMENT', 'TOO_LARGE', 'NOT_IMPLEMENTED'])

/** The rows of a batch that the collection takes. */
interface Taken {
  schema: Schema
  columns: PointColumns
  /** For each of them its row in the source. */
  rows: readonly number[]
  rejected: readonly RejectedRow[]
}

export class IngestPlan {
  readonly #batch: IngestBatch
  readonly #sources: Sources
  #taken: Taken | null = null
  #accepted = 0

  constructor(batch: IngestBatch, sources: Sources) {
    this.#batch = batch
    this.#sources = sources
  }

  /** Once it is written. */
  get written(): WrittenBatch {
    return { accepted: this.#accepted, rejected: this.#taken?.rejected ?? [] }
  }

  /** Again if vectors were added or dropped before its turn came. */
  readonly plan = async (context: PlanContext): Promise<WritePlan> => {
    const { schema, shard } = context
    if (this.#taken?.schema !== schema) this.#taken = await takenOf(this.#batch, context)
    const { columns, rows } = this.#taken
    const whole = this.#distinct(columns, schema)
    const isNamed = schema.textIds === true && hasUnnamed(columns)
    const resolve = async (): Promise<LogRecord | null> => {
      const behind = this.#rowsBehind(rows)
      if (behind === null) return null
      this.#accepted = rows.length - behind
      const kept = behind === 0 ? whole : this.#distinct(withoutFirst(columns, behind), schema)
      return this.#recordOf(isNamed ? await withKeptNames(kept, shard) : kept)
    }
    return { needsState: isNamed, resolve }
  }

  #distinct(columns: PointColumns, { textIds }: Schema): PointColumns {
    return keepLast(textIds ? withSharedNames(columns) : columns)
  }

  /**
   * How many rows another stream of the same source has stored since this one began; null: all. It is asked in the
   * write's turn, so that two streams of one source store each row once.
   */
  #rowsBehind(rows: readonly number[]): number | null {
    const { source, from, to } = this.#batch
    if (source === null) return 0
    const stored = this.#sources.given(source)
    if (from > stored) throw gap(source, from, stored)
    if (to <= stored) return null
    const first = rows.findIndex((row) => row >= stored)
    return first < 0 ? rows.length : first
  }

  #recordOf(columns: PointColumns): LogRecord | null {
    const { source, to } = this.#batch
    if (source !== null) return { op: 'upsert', columns, source: { name: source, position: to } }
    return columns.count === 0 ? null : { op: 'upsert', columns }
  }
}

async function takenOf({ points, rows }: IngestBatch, context: PlanContext): Promise<Taken> {
  const { schema } = context
  try {
    return { schema, columns: await cleanedPoints(points, context), rows, rejected: [] }
  } catch (error) {
    if (!isOfRow(error)) throw error
    const rejected: RejectedRow[] = []
    const kept: number[] = []
    const turns = new Turns()
    for (const [at, point] of points.entries()) {
      const wrong = await errorOf(point, context)
      if (wrong === null) kept.push(at)
      else rejected.push(rejectedRow(rows[at] as number, wrong))
      await turns.pause()
    }
    // Then the batch as a whole is wrong.
    if (rejected.length === 0) throw error
    const columns = await cleanedPoints(
      kept.map((at) => points[at]),
      context,
    )
    return { schema, columns, rows: kept.map((at) => rows[at] as number), rejected }
  }
}

async function errorOf(point: unknown, context: PlanContext): Promise<VicinalError | null> {
  try {
    await cleanedPoints([point], context)
    return null
  } catch (error) {
    if (!isOfRow(error)) throw error
    return renameField(error, (field) => field.replace(/^points\[0\]\.?/, '') || 'row') as VicinalError
  }
}

function isOfRow(error: unknown): error is VicinalError {
  return error instanceof VicinalError && OF_ROW.has(error.code)
}

function withoutFirst(columns: PointColumns, count: number): PointColumns {
  return takeRows(
    columns,
    Uint32Array.from({ length: columns.count - count }, (_, row) => row + count),
  )
}
