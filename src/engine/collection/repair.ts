/**
 * Repairs records of a quarantine: stores them as points, with the fixes that the caller asks for, and then removes
 * them. A crash in between leaves a record in both places. The same repair, run again, writes the same point and
 * removes the record.
 */

import { copied } from '../../core/copied.js'
import type { Collection, WriteOptions, WriteResult } from '../../core/database.js'
import { invalid } from '../../core/errors.js'
import { FIXES_OF, type Fix, type IngestionConfig, type IngestionRule } from '../../core/ingestion-rules.js'
import { innerOf } from '../../core/inner-call.js'
import { LIMITS } from '../../core/limits.js'
import type { Point, PointId, PointVector } from '../../core/point.js'
import { Repair, type RepairResult, type Replacement } from '../../core/repair.js'
import { type Schema, withRules } from '../../core/schema.js'
import { isPlain, read } from '../../core/vocabulary/reader.js'
import type { RefusedRow } from '../../ingest/flaws.js'
import { CleanedUpsert, toldRow } from './cleaned-upsert.js'
import type { CollectionView } from './collection-view.js'
import { type PlanWrite, planUpsert } from './plans.js'
import type { CameRecord, QuarantinedRecord } from './quarantine.js'

/** The collection that the records were sent to. */
export interface RepairedCollection {
  view: CollectionView
  quarantine(name: string): Promise<Collection>
  write(points: readonly unknown[], plan: PlanWrite): Promise<WriteResult>
}

/** Records that pass are stored first, and then removed. */
export async function repairRecords(
  asked: Repair,
  told: WriteOptions,
  { view, quarantine, write }: RepairedCollection,
): Promise<RepairResult> {
  const repair = innerOf(told)?.isRead ? asked : read(Repair, copied(asked), 'library', 'repair')
  const name = quarantineOf(view.schema.ingestion)
  const schema = repairSchema(view.schema, repair)
  const records = await quarantine(name)
  const found = await findRecords(records, view.name, repair)
  if (found.ids.length === 0) return repairResult(found, [])
  const upsert = new CleanedUpsert(found.points, schema, true)
  const { watermark } = await write(found.points, (context) => planUpsert(upsert, schema, {}, context))
  const stays = new Set(upsert.refused.map(({ row }) => row))
  await records.delete({ ids: found.ids.filter((_, at) => !stays.has(at)) }, told)
  return { ...repairResult(found, upsert.refused), ...(watermark === undefined ? {} : { watermark }) }
}

/** The records that a repair finds, as points. */
interface FoundRecords {
  ids: PointId[]
  points: Point<unknown>[]
  absent: number
}

function quarantineOf(ingestion: IngestionConfig | undefined): string {
  if (ingestion?.quarantine !== undefined) return ingestion.quarantine
  throw invalid(
    'ingestion.quarantine',
    'expected the name of a collection among the rules, to repair its records',
    null,
  )
}

/** The schema with the fix as the action of each rule that can apply it. */
function repairSchema(schema: Schema, { fix, vector }: Repair): Schema {
  const ingestion = schema.ingestion as IngestionConfig
  if (vector !== undefined && fix === undefined) throw invalid('fix', 'expected a fix beside vector', null)
  const fixed = (rule: IngestionRule): IngestionRule[] => {
    if (fix === undefined || !keepsBack(rule) || !canFix(rule, fix)) return [rule]
    const mended: IngestionRule = { ...rule, action: 'fix', fix }
    if (vector === undefined) return [mended]
    if (rule.check === 'payload' || (rule.vector ?? vector) !== vector) return [rule]
    // A rule for all vectors still holds for the others.
    return rule.vector === undefined ? [{ ...mended, vector }, rule] : [mended]
  }
  return withRules(schema, { ...ingestion, rules: ingestion.rules.flatMap(fixed) })
}

/** Whether the rule keeps rows out of the collection. Rules that flag or fix act at a repair as at any write. */
function keepsBack({ action }: IngestionRule): boolean {
  return action === 'quarantine' || action === 'reject'
}

/** As for the fixes of rules: it must lead to a point that the rule holds for. */
function canFix({ check, min, max }: IngestionRule, fix: Fix): boolean {
  if (!FIXES_OF[check].includes(fix)) return false
  if (check === 'payload') return min !== undefined || max !== undefined
  return fix !== 'normalise' || isWithin(UNIT, min, max)
}

const UNIT = 1

function isWithin(value: number, min = value, max = value): boolean {
  return value >= min && value <= max
}

async function findRecords(
  quarantine: Collection,
  collection: string,
  { ids = [], replace = [] }: Repair,
): Promise<FoundRecords> {
  if (ids.length + replace.length === 0) throw invalid('ids', 'expected at least one id, in ids or in replace', 0)
  const replacements = new Map(replace.map((one) => [one.id, one]))
  const asked = [...new Set([...ids, ...replacements.keys()])]
  const found: FoundRecords = { ids: [], points: [], absent: asked.length }
  for (const { id, payload } of await quarantine.retrieve(asked)) {
    const { collection: of, record } = payload as Partial<QuarantinedRecord>
    if (of !== collection || !isPlain(record) || 'text' in record) continue
    found.ids.push(id)
    found.points.push(pointOf(record as unknown as CameRecord, replacements.get(id)))
    found.absent--
  }
  return found
}

function pointOf(record: CameRecord, replacement: Partial<Replacement> = {}): Point<unknown> {
  const vector = vectorOf(record.vector) as PointVector
  const { payload = record.payload } = replacement
  return {
    id: record.id as PointId,
    vector: replacement.vector === undefined ? vector : replaced(vector, replacement.vector),
    ...(payload === undefined ? {} : { payload }),
  }
}

/** Named vectors replace the vectors of the same names. */
function replaced(vector: PointVector, by: PointVector): PointVector {
  return isPlain(vector) && isPlain(by) ? ({ ...vector, ...by } as PointVector) : by
}

/** The vectors of a record. Vectors that JSON cannot hold stand as base64. */
function vectorOf(told: unknown): unknown {
  if (Array.isArray(told)) return told.some((part) => typeof part === 'object') ? told.map(vectorOf) : told
  if (!isPlain(told)) return told
  const { base64 } = told
  if (typeof base64 === 'string' && Object.keys(told).length === 1) {
    const bytes = Buffer.from(base64, 'base64')
    const floats = new Float32Array(Math.floor(bytes.length / Float32Array.BYTES_PER_ELEMENT))
    new Uint8Array(floats.buffer).set(bytes.subarray(0, floats.byteLength))
    return floats
  }
  return Object.fromEntries(Object.entries(told).map(([name, part]) => [name, vectorOf(part)]))
}

function repairResult({ ids, absent }: FoundRecords, refused: readonly RefusedRow[]): RepairResult {
  return {
    repaired: ids.length - refused.length,
    kept: refused.length,
    absent,
    errors: refused.slice(0, LIMITS.ingestErrors).map((row) => {
      const { error, field, rule } = toldRow(row, row.row)
      const told = { ...(field === undefined ? {} : { field }), ...(rule === undefined ? {} : { rule }) }
      return { id: String(ids[row.row]), error, ...told }
    }),
  }
}
