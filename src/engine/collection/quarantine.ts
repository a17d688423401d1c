/**
 * The quarantine of a collection: an ordinary collection without vectors. It has each row that a rule sends there, as
 * the row came. Its id is made of source and position, or else of the content. So a row sent again is there once.
 */
import type { Collection, Database, WriteOptions } from '../../core/database.js'
import { invalid, VicinalError } from '../../core/errors.js'
import type { RejectedRow } from '../../core/ingest.js'
import { INVALID } from '../../core/ingestion-rules.js'
import { type InnerCall, withInner } from '../../core/inner-call.js'
import { LIMITS } from '../../core/limits.js'
import type { Payload } from '../../core/point.js'
import { uuidOfText } from '../../core/text-ids.js'
import { parsePayload, writePayload } from '../../filter/payload-json.js'
import { errorOfRow, type RefusedRow } from '../../ingest/flaws.js'
import type { CollectionView } from './collection-view.js'

/** Payload keys by which records are looked for. */
const INDEXED = ['collection', 'source', 'rule'] as const
/** Rules of the quarantine itself do not hold for its records: they would lead from one quarantine to the next. */
const SCROLLED = 1_000
const GONE: ReadonlySet<string> = new Set(['CLOSED', 'NOT_FOUND'])
const MOST_DELETIONS = 3
/** The most by which the JSON of a record grows when it is parsed and written again. */
const MOST_GROWTH = 16
const ASIDE: InnerCall = { isAside: true }

export interface CameRecord {
  id: unknown
  vector: unknown
  payload?: unknown
}

/** A point that is too deep or too long for a payload: the beginning of its JSON. It cannot be repaired. */
export interface ShortenedRecord {
  id: unknown
  text: string
}

/** A record as the quarantine has it, besides its id. */
export interface QuarantinedRecord {
  /** The collection that it was sent to. */
  collection: string
  /** Its rule, and the check of it. */
  rule: string
  check: string
  reason: string
  /** The part of the record that is wrong. */
  field?: string
  /** null without a source. */
  source: string | null
  position: number | null
  /** The point as it came. */
  record: CameRecord | ShortenedRecord
  quarantined_at: string
}

/** The rows of one write, and where they come from. */
export interface RefusedRows {
  collection: string
  rows: readonly RefusedRow[]
  source: string | null
  /** The number of a row in its source. */
  numberOf(row: number): number
}

/** Throws where the quarantine of a collection is the collection itself, by an alias. */
export function checkOther(quarantine: Collection, name: string): Collection {
  if (quarantine.name !== name) return quarantine
  const expected = 'expected the name of another collection than that of the rules, also by its aliases'
  throw invalid('ingestion.quarantine', expected, name)
}

/** Resolves to the quarantine, which is made where it is not there. */
export async function quarantineIn(database: Database, name: string): Promise<Collection> {
  try {
    return await database.collection(name)
  } catch (error) {
    if (!(error instanceof VicinalError) || error.code !== 'NOT_FOUND') throw error
  }
  const made = await database.ensureCollection(name, { vectors: {} })
  for (const key of INDEXED) await made.createPayloadIndex(key, 'keyword')
  return made
}

/** Opens the quarantine, which is made anew where it was deleted. */
export type OpenQuarantine = () => Promise<Collection>

/** Stores the rows that have a record. They are on stable storage when it resolves. */
export async function putAside(open: OpenQuarantine, refused: RefusedRows): Promise<void> {
  const options: WriteOptions = { wait: true }
  await whilePresent(open, (quarantine) => quarantine.upsert(pointsOf(refused), withInner(options, ASIDE)))
}

/** The work again, if the quarantine is deleted while it is under way. */
async function whilePresent<T>(open: OpenQuarantine, work: (quarantine: Collection) => Promise<T>): Promise<T> {
  for (let again = MOST_DELETIONS; ; again--) {
    try {
      return await work(await open())
    } catch (error) {
      const isGone = error instanceof VicinalError && GONE.has(error.code)
      if (!isGone || again === 0) throw error
    }
  }
}

interface FromRow {
  source: string
  from: number
}

/**
 * The verdicts on rows of a source, from this one on, that are in the quarantine. Records older than the collection
 * belong to an earlier collection of its name.
 */
export async function verdictsIn(
  { name, createdAt = '', schema }: Pick<CollectionView, 'name' | 'createdAt' | 'schema'>,
  open: (quarantine: string) => Promise<Collection>,
  asked: FromRow,
): Promise<ReadonlyMap<number, RejectedRow>> {
  const quarantine = schema.ingestion?.quarantine
  if (quarantine === undefined) return new Map()
  return await whilePresent(
    () => open(quarantine),
    (records) => verdictsOf(records, { ...asked, collection: name, since: createdAt }),
  )
}

async function verdictsOf(
  quarantine: Collection,
  { collection, since, source, from }: FromRow & { collection: string; since: string },
): Promise<ReadonlyMap<number, RejectedRow>> {
  const filter = {
    must: [
      { key: 'collection', match: { value: collection } },
      { key: 'source', match: { value: source } },
      { key: 'position', range: { gte: from } },
    ],
  }
  const verdicts = new Map<number, RejectedRow>()
  const withPayload = ['position', 'rule', 'reason', 'field', 'quarantined_at']
  for await (const { payload } of quarantine.scroll({ filter, withPayload, limit: SCROLLED })) {
    const { position, rule, reason, field, quarantined_at: at = '' } = payload as Partial<QuarantinedRecord>
    if (typeof position !== 'number' || at < since) continue
    const row = { row: position, code: 'INVALID_ARGUMENT', error: reason ?? '', rule: rule ?? INVALID }
    verdicts.set(position, { ...row, ...(field === undefined ? {} : { field }), action: 'quarantine' })
  }
  return verdicts
}

function* pointsOf({ collection, rows, source, numberOf }: RefusedRows) {
  const now = new Date().toISOString()
  for (const { row, error: inBatch, rule, record } of rows) {
    if (record === undefined || !rule) continue
    const error = errorOfRow(inBatch)
    const position = source === null ? null : numberOf(row)
    const told = {
      collection,
      rule: rule.name as string,
      check: rule.check,
      reason: error.message,
      ...(typeof error.details.field === 'string' ? { field: error.details.field } : {}),
      source,
      position,
      record: parsePayload(record) as unknown as CameRecord,
      quarantined_at: now,
    } satisfies QuarantinedRecord
    const payload = isPayload(told, record.length) ? told : shortened(told, record)
    yield { id: recordId(collection, source, position ?? record), vector: {}, payload: payload as unknown as Payload }
  }
}

/** Whether the quarantine can have it as a payload. `length`: of the record as it came. */
function isPayload(told: QuarantinedRecord, length: number): boolean {
  if (isDeeperThan(LIMITS.jsonDepth, told)) return false
  // Numbers of a record may be longer in a payload. Far below the bound nothing has to be counted.
  return length < LIMITS.payloadBytes / MOST_GROWTH || writePayload({ ...told }).length <= LIMITS.payloadBytes
}

function isDeeperThan(levels: number, value: unknown): boolean {
  if (value === null || typeof value !== 'object') return false
  return levels === 0 || Object.values(value).some((child) => isDeeperThan(levels - 1, child))
}

function shortened(told: QuarantinedRecord, record: string): QuarantinedRecord {
  return { ...told, record: { id: told.record.id, text: record.slice(0, LIMITS.shortenedRecord) } }
}

function recordId(collection: string, source: string | null, what: number | string): string {
  return uuidOfText(JSON.stringify([collection, source, what]))
}
