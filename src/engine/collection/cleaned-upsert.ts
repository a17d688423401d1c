/** An upsert into a collection with rules: rows that they refuse are left out and told, or put aside. */
import { renameField } from '../../core/error-field.js'
import { VicinalError } from '../../core/errors.js'
import type { Cleaning, RejectedRow } from '../../core/ingest.js'
import type { IngestionConfig } from '../../core/ingestion-rules.js'
import { LIMITS } from '../../core/limits.js'
import type { PointColumns } from '../../core/point.js'
import type { Schema } from '../../core/schema.js'
import type { CleanedRows } from '../../ingest/cleaning.js'
import type { RefusedRow } from '../../ingest/flaws.js'
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
  /** Its points are in the quarantine already: those that break a rule stay there. */
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
    const { refused, fixed, flagged, byRule } = cleaned
    const [first] = refused
    this.refused = refused
    if (this.#isRepair) return cleaned
    if (first && this.#ingestion.wholeBatches) throw ofWrite(first)
    const aside = refused.filter(({ record }) => record !== undefined)
    if (aside.length > 0) {
      const quarantine = await context.quarantine(this.#ingestion.quarantine as string)
      await putAside(quarantine, { collection: context.collection, rows: aside, source: null, numberOf })
    }
    this.cleaning = {
      accepted: cleaned.columns.count,
      rejected: refused.length - aside.length,
      quarantined: aside.length,
      fixed,
      flagged,
      byRule,
      errors: refused.slice(0, LIMITS.ingestErrors).map((row) => toldRow(row, row.row)),
    }
    return cleaned
  }
}

/** A refused row as an answer tells it: with its number, and without the place that it had in the batch. */
export function toldRow({ error, rule, record }: RefusedRow, number: number): RejectedRow {
  const rename = (field: string) => field.replace(/^(points|ids|payloads)\[\d+\]\.?/, '') || 'row'
  const told = rejectedRow(number, renameField(error, rename) as VicinalError)
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
