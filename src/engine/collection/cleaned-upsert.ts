/** An upsert into a collection with rules: rows that they refuse are left out and told, or put aside. */
import { VicinalError } from '../../core/errors.js'
import type { Cleaning, RejectedRow } from '../../core/ingest.js'
import type { IngestionConfig } from '../../core/ingestion-rules.js'
import { LIMITS } from '../../core/limits.js'
import type { PointColumns } from '../../core/point.js'
import type { Schema } from '../../core/schema.js'
import type { CleanedRows, CleaningCounts } from '../../ingest/cleaning.js'
import { errorOfRow, type RefusedRow } from '../../ingest/flaws.js'
import { RecentRows } from '../../ingest/recent-rows.js'
import { rejectedRow } from '../../intake/ingestion.js'
import type { PlanContext } from './collection-view.js'
import { GivenRows, toColumns } from './given-columns.js'
import { nearestIn } from './nearest-points.js'
import { putAside } from './quarantine.js'

export class CleanedUpsert {
  readonly #rows: GivenRows
  readonly #ingestion: IngestionConfig
  #cleaned: Promise<CleanedRows> | null = null
  /** Once the points are cleaned. */
  cleaning: Cleaning | undefined

  /** Rows that are not stored, once the points are cleaned. */
  refused: readonly RefusedRow[] = []
  /** Its points are in the quarantine already. Points that break a rule stay there. */
  readonly #isRepair: boolean

  constructor(points: unknown, schema: Schema, isRepair = false) {
    this.#isRepair = isRepair
    this.#rows = new GivenRows(points, schema, toColumns)
    this.#ingestion = schema.ingestion as IngestionConfig
  }

  async cleaned(context: PlanContext): Promise<PointColumns> {
    this.#cleaned ??= this.#clean(context)
    return (await this.#cleaned).columns
  }

  async #clean(context: PlanContext): Promise<CleanedRows> {
    const numberOf = (row: number) => row
    const looked = { numberOf, recent: new RecentRows(), nearest: nearestIn(context) }
    const cleaned = await this.#rows.cleaned(context, looked)
    const { refused, countsOf } = cleaned
    const [first] = refused
    this.refused = refused
    if (this.#isRepair) {
      // The records that stay were counted when they came.
      const stays = new Set(refused.map(({ row }) => row))
      this.#tell(
        cleaned.columns.count,
        [],
        0,
        countsOf((row) => !stays.has(row)),
      )
      return cleaned
    }
    if (first && this.#ingestion.wholeBatches) throw ofWrite(first)
    const aside = refused.filter(({ record }) => record !== undefined)
    if (aside.length > 0) {
      const quarantine = () => context.quarantine(this.#ingestion.quarantine as string)
      await putAside(quarantine, { collection: context.collection, rows: aside, source: null, numberOf })
    }
    this.#tell(
      cleaned.columns.count,
      refused,
      aside.length,
      countsOf(() => true),
    )
    return cleaned
  }

  #tell(accepted: number, refused: readonly RefusedRow[], quarantined: number, counts: CleaningCounts): void {
    const errors = refused.slice(0, LIMITS.ingestErrors).map((row) => toldRow(row, row.row))
    this.cleaning = { accepted, rejected: refused.length - quarantined, quarantined, ...counts, errors }
  }
}

/** A refused row as an answer tells it: with its number, and without the place that it had in the batch. */
export function toldRow({ error, rule, record }: RefusedRow, number: number): RejectedRow {
  const told = rejectedRow(number, errorOfRow(error))
  if (!rule) return told
  return { ...told, rule: rule.name as string, action: record === undefined ? 'reject' : 'quarantine' }
}

/** The error of a write that fails as a whole. */
function ofWrite({ row, error, rule }: RefusedRow): VicinalError {
  const at = `points[${row}]`
  const { field } = error.details
  const named = typeof field === 'string' && !field.startsWith(at) ? { field: `${at}.${field}` } : {}
  const message = error.message.startsWith(at) ? error.message : `${at}.${error.message}`
  const why = rule ? `${message} (rule ${JSON.stringify(rule.name)})` : message
  return new VicinalError(error.code, why, { details: { ...error.details, ...named }, cause: error })
}
