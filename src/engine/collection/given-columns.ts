/** The points of a write as columns. */
import { isDeepStrictEqual } from 'node:util'
import type { ColumnarPoints } from '../../core/database.js'
import { invalid, noSuchVector, type VicinalError } from '../../core/errors.js'
import { addCount, INVALID } from '../../core/ingestion-rules.js'
import { andThen, type MaybePromise } from '../../core/maybe-promise.js'
import type { PointColumns } from '../../core/point.js'
import type { Schema, SchemaVector } from '../../core/schema.js'
import { columnsOfArrow, isArrowTable } from '../../ingest/arrow-columns.js'
import { cleanVectors } from '../../ingest/clean.js'
import { type CleanedRows, type CleaningContext, cleanRows } from '../../ingest/cleaning.js'
import { Flaws, isOfRow } from '../../ingest/flaws.js'
import { inferEach, inferVectors } from '../../ingest/infer.js'
import { takeRows } from '../../ingest/kept-rows.js'
import { columnsOfColumnar, columnsOfPoints } from '../../ingest/point-columns.js'
import type { PlanContext } from './collection-view.js'

type Make = (points: unknown, schema: Schema, flaws: Flaws | null) => PointColumns

/** Settings of a vector that its columns depend on. */
const FACTS = ['size', 'multivectorConfig', 'distance', 'datatype', 'modifier'] as const

/** Columns made at once; where points have texts, once these have become vectors. */
export class GivenColumns {
  readonly #schema: Schema
  readonly #made: MaybePromise<PointColumns>
  #cleaned: Promise<PointColumns> | null = null

  constructor(points: unknown, schema: Schema, make: Make) {
    this.#schema = schema
    this.#made = andThen(inferVectors(points, schema), (inferred) => make(inferred, schema, null))
    // Reported where it is awaited, which may be never.
    if (this.#made instanceof Promise) this.#made.catch(() => undefined)
  }

  /** Cleaned once: they are changed in place. */
  async cleaned(context: PlanContext): Promise<PointColumns> {
    this.#cleaned ??= this.#clean(context)
    const columns = await this.#cleaned
    checkVectors(columns, this.#schema, context.schema)
    return columns
  }

  async #clean({ strictMode }: PlanContext): Promise<PointColumns> {
    const columns = await this.#made
    strictMode?.columns(columns)
    await cleanVectors(columns, this.#schema)
    return columns
  }
}

/** The same, for rows that may be no points: such rows are left out and told. */
export class GivenRows {
  readonly #schema: Schema
  readonly #made: MaybePromise<PointColumns>
  readonly #flaws = new Flaws()

  constructor(points: unknown, schema: Schema, make: Make) {
    this.#schema = schema
    const columnsOf = (inferred: unknown) => make(inferred, schema, this.#flaws)
    this.#made = andThen(inferEach(points, schema, this.#flaws), columnsOf)
    if (this.#made instanceof Promise) this.#made.catch(() => undefined)
  }

  /** Called once: they are changed in place. */
  async cleaned({ schema, strictMode }: PlanContext, context: CleaningContext): Promise<CleanedRows> {
    const columns = await this.#made
    const cleaned = await this.#clean(columns, context)
    checkVectors(cleaned.columns, this.#schema, schema)
    return strictMode ? withinBounds(cleaned, strictMode) : cleaned
  }

  async #clean(columns: PointColumns, context: CleaningContext): Promise<CleanedRows> {
    const { refused, leftOut, bare } = this.#flaws
    if (!this.#schema.ingestion && refused.size + leftOut.length + bare.size === 0) {
      try {
        await cleanVectors(columns, this.#schema)
        return { columns, kept: null, refused: [], countsOf: () => ({ fixed: 0, flagged: 0, byRule: {} }) }
      } catch (error) {
        if (!isOfRow(error)) throw error
      }
    }
    const cleaned = await cleanRows(columns, this.#flaws, this.#schema, context)
    await cleanVectors(cleaned.columns, this.#schema)
    return cleaned
  }
}

/** Columns of an upsert's points, of any form. `flaws` takes the rows that are no points. */
export function toColumns(points: unknown, schema: Schema, flaws: Flaws | null): PointColumns {
  if (Array.isArray(points)) return columnsOfPoints(points, schema, { vectorsRequired: true, flaws })
  if (points !== null && typeof points === 'object') {
    if (isArrowTable(points)) return columnsOfArrow(points, schema, flaws)
    if ('ids' in points && 'vectors' in points) return columnsOfColumnar(points as ColumnarPoints, schema, flaws)
  }
  throw invalid('points', 'expected an array of points, columns { ids, vectors }, or an Arrow table', points)
}

/** Rows beyond the bounds of the collection's owner are refused too, as rows that are no points. */
function withinBounds(cleaned: CleanedRows, bounds: NonNullable<PlanContext['strictMode']>): CleanedRows {
  const { columns, kept } = cleaned
  const beyond = new Map<number, VicinalError>()
  for (const { row, error } of bounds.rowsBeyond(columns)) beyond.set(row, error)
  if (beyond.size === 0) return cleaned
  const rowOf = (at: number) => (kept ? (kept[at] as number) : at)
  const refused = new Map(Array.from(beyond, ([at, error]) => [rowOf(at), { row: rowOf(at), error }]))
  const stay = Uint32Array.from({ length: columns.count }, (_, at) => at).filter((at) => !beyond.has(at))
  return {
    columns: takeRows(columns, stay),
    kept: stay.map(rowOf),
    refused: [...cleaned.refused, ...refused.values()].sort((a, b) => a.row - b.row),
    countsOf(isCounted) {
      const counts = cleaned.countsOf((row) => !refused.has(row) && isCounted(row))
      addCount(counts.byRule, INVALID, [...refused.keys()].filter(isCounted).length)
      return counts
    },
  }
}

/** Refuses vectors that were dropped since the points were read, even if there are others of their names now. */
function checkVectors({ vectors }: PointColumns, read: Schema, present: Schema): void {
  if (read === present) return
  for (const { name } of vectors) {
    const [before, now] = [read, present].map((schema) => schema.find((vector) => vector.name === name))
    if (now === undefined || !isSameVector(before as SchemaVector, now)) throw noSuchVector('points', name)
  }
}

function isSameVector(a: SchemaVector, b: SchemaVector): boolean {
  return FACTS.every((fact) => isDeepStrictEqual(a[fact as never], b[fact as never]))
}
