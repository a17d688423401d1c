/** Answers of the service as the values of the Database interface. */

import type { IncomingHttpHeaders } from 'node:http'
import { type AliasAction, AliasChanges, type AliasDescription } from '../core/aliases.js'
import type { Hit, PointGroup, ReadOptions, ScrollPage, StoredPoint } from '../core/database.js'
import { ERROR_CATALOGUE, type ErrorCode, VicinalError } from '../core/errors.js'
import { type Payload, type PointId, RawJson, type StoredVector } from '../core/point.js'
import { QueryGroupsOptions, type SearchMatrix } from '../core/query.js'
import type { QueryPlan } from '../core/query-plan.js'
import { CollectionOptions, StrictModeConfig } from '../core/schema.js'
import { ScrollOptions } from '../core/scroll.js'
import { read } from '../core/vocabulary/reader.js'
import { camelCase, respelled, snakeCase } from '../core/vocabulary/spelling.js'
import { tell } from '../core/vocabulary/teller.js'
import { WriteResult } from '../core/write-result.js'
import { UNBOUNDED } from '../wire/body-bounds.js'
import { parseJson } from '../wire/json.js'

export interface Envelope {
  result?: unknown
  status?: { error?: string; code?: string; details?: Record<string, unknown> } | 'ok'
}

const MS_PER_SECOND = 1000
/** Before a sentence about one field of a request, or of a kind of refusal. */
const CATEGORY =
  /^(?:Wrong input|Format error in JSON body|Forbidden|Timeout|Rate limiting exceeded|Payload too large|Unsupported media type|Not implemented): /

/** The error that the service tells. An answer of another program (a proxy's 502) gives the nearest error to its status. */
export function errorOfAnswer(status: number, headers: IncomingHttpHeaders, envelope: Envelope | null): VicinalError {
  const told = typeof envelope?.status === 'object' ? envelope.status : {}
  const code = isCode(told.code) ? told.code : codeOfStatus(status)
  const details = detailsOf(told.details)
  // A rate limit is of the collection, not of a field that the caller wrote.
  const hasField = HAS_FIELD.has(code) && status !== 429
  const message = sentenceOf(told.error, hasField ? details.field : undefined)
  const retryAfterSeconds = Number(headers['retry-after'] ?? Number.NaN)
  return new VicinalError(code, message ?? `The answer has status ${status} and is not from Vicinal`, {
    details,
    ...(status === 422 || status === 429 ? { status } : {}),
    ...(Number.isFinite(retryAfterSeconds) ? { retryAfterMs: retryAfterSeconds * MS_PER_SECOND } : {}),
  })
}

/** Options of reads, of a configuration and of strict mode, by the spelling of the wire. */
const DECLARED = new Map(
  [
    ...[CollectionOptions, QueryGroupsOptions, ScrollOptions].flatMap(({ properties }) => Object.keys(properties)),
    ...Object.keys(StrictModeConfig.properties).map((name) => `strictModeConfig.${name}`),
    'fieldName',
    'vectorName',
  ].map((name) => [snakeCase(name), name]),
)
DECLARED.set('field_schema', 'schema')

/** The names inside a query or a filter: none of them is the caller's own. */
const OF_QUERY = /^(?:query|prefetch|lookup_from|with_lookup|filter|update_filter|params|actions)\b.*/

/** A field in the library's spelling, as the caller most likely wrote it. */
function detailsOf(told: Record<string, unknown> = {}): Record<string, unknown> {
  const { field } = told
  if (typeof field !== 'string') return told
  const [, search, option = field] = OF_BATCH.exec(field) ?? []
  return { ...told, field: search === undefined ? libraryField(option) : `queries${search}${libraryField(option)}` }
}

/** The place of a query in the body of a batch. */
const OF_BATCH = /^searches(\[\d+\]\.)(.*)$/s

function libraryField(field: string): string {
  const whole = DECLARED.get(field)
  return whole ?? field.replace(OF_QUERY, camelCase).replace(/^\w+/, (name) => DECLARED.get(name) ?? name)
}

const HAS_FIELD: ReadonlySet<ErrorCode> = new Set(['INVALID_ARGUMENT', 'FORBIDDEN', 'TOO_LARGE'])

/** Of several violations the first one has the field. */
const FIRST_VIOLATION = /^Validation error in JSON body: \[[^:]*: (?:Validation error: )?(.*?)(?:; | \[\{|\]).*$/s

/** In the library a sentence has no category, and begins with the field. */
function sentenceOf(error: string | undefined, field: unknown): string | undefined {
  const sentence = error?.replace(CATEGORY, '').replace(FIRST_VIOLATION, '$1')
  return sentence === error || typeof field !== 'string' ? sentence : `${field}: ${sentence}`
}

function isCode(code: unknown): code is ErrorCode {
  return typeof code === 'string' && Object.hasOwn(ERROR_CATALOGUE, code)
}

function codeOfStatus(status: number): ErrorCode {
  if (status === 502 || status === 504) return 'UNAVAILABLE'
  const found = Object.entries(ERROR_CATALOGUE).find(([, entry]) => entry.status === status)
  if (found) return found[0] as ErrorCode
  return status >= 400 && status < 500 ? 'INVALID_ARGUMENT' : 'INTERNAL'
}

export function writeResultOf(result: unknown): WriteResult {
  return read(WriteResult, result, 'wire', 'result')
}

type WireVector = Buffer | Buffer[] | { indices: number[] | Buffer; values: number[] | Buffer }

interface WirePoint {
  id: PointId
  text_id?: string
  version?: number
  score?: number
  payload?: Buffer | null
  vector?: WireVector | Record<string, WireVector> | null
  order_value?: number | bigint | null
}

export function pointsOf<P>(points: unknown, options: ReadOptions): StoredPoint<P>[] {
  return (points as WirePoint[]).map((point) => pointOf<P>(point, options))
}

export function hitsOf<P>(result: unknown, options: ReadOptions): Hit<P>[] {
  return scoredOf<P>((result as { points: WirePoint[] }).points, options)
}

/** How the service says that it found an answer. */
export function planOf(result: unknown): QueryPlan {
  return respelled((result as { explain: unknown }).explain, camelCase) as QueryPlan
}

export function groupsOf<P>(result: unknown, options: ReadOptions): PointGroup<P>[] {
  const { groups } = result as { groups: { id: PointGroup['id']; hits: WirePoint[]; lookup?: WirePoint | null }[] }
  return groups.map(({ id, hits, lookup }) => ({
    id,
    hits: scoredOf<P>(hits, options),
    ...(lookup === undefined ? {} : { lookup: lookup && pointOf<Payload>(lookup, options) }),
  }))
}

function scoredOf<P>(points: readonly WirePoint[], options: ReadOptions): Hit<P>[] {
  return points.map((wire) => {
    const hit = pointOf<P>(wire, options) as Hit<P>
    hit.version = wire.version ?? 0
    hit.score = wire.score ?? 0
    return hit
  })
}

export function matrixOfOffsets(result: unknown): SearchMatrix {
  const {
    text_ids: texts,
    ids: stored,
    offsets_row: rows,
    offsets_col: columns,
    scores,
  } = result as {
    ids: PointId[]
    text_ids?: (string | null)[]
    offsets_row: number[]
    offsets_col: number[]
    scores: Buffer
  }
  const ids = stored.map((id, at) => texts?.[at] ?? id)
  const distances = floatsOf(scores)
  const pairs = rows.map((row, i) => ({
    a: ids[row] as PointId,
    b: ids[columns[i] as number] as PointId,
    score: distances[i] as number,
  }))
  return { ids, pairs }
}

export function pageOf<P>(result: unknown, options: ReadOptions): ScrollPage<P> {
  const { points, ...next } = result as {
    points: unknown
    next_page_offset: PointId | null
    next_page_text_id?: string
  }
  return { points: pointsOf<P>(points, options), nextOffset: next.next_page_text_id ?? next.next_page_offset ?? null }
}

function pointOf<P>(wire: WirePoint, options: ReadOptions): StoredPoint<P> {
  const point: StoredPoint<P> = { id: wire.text_id ?? wire.id }
  if (wire.payload) {
    point.payload = (
      options.rawPayload
        ? new RawJson(wire.payload.toString('utf8'))
        : parseJson(wire.payload, 'answer payload', UNBOUNDED)
    ) as P
  }
  if (wire.vector) point.vector = vectorOf(wire.vector)
  if (wire.order_value !== undefined && wire.order_value !== null) point.orderValue = wire.order_value
  return point
}

function vectorOf(vector: WireVector | Record<string, WireVector>): StoredVector | Record<string, StoredVector> {
  if (Buffer.isBuffer(vector) || Array.isArray(vector)) return storedOf(vector)
  return Object.fromEntries(Object.entries(vector).map(([name, one]) => [name, storedOf(one as WireVector)]))
}

function storedOf(vector: WireVector): StoredVector {
  if (Array.isArray(vector)) return vector.map(floatsOf)
  if (Buffer.isBuffer(vector)) return floatsOf(vector)
  const { indices, values } = vector
  return {
    indices: Buffer.isBuffer(indices) ? new Uint32Array(floatsOf(indices).buffer) : Uint32Array.from(indices),
    values: Buffer.isBuffer(values) ? floatsOf(values) : Float32Array.from(values),
  }
}

/** Copies: the bin lies anywhere in the answer, and should not keep all of it alive. */
function floatsOf(bin: Buffer): Float32Array {
  return new Float32Array(Uint8Array.from(bin).buffer)
}

/** Invalid actions are sent unchanged: the service reports the error. */
export function aliasActionsBody(actions: readonly AliasAction[]): unknown {
  return tell(AliasChanges, { actions })
}

export function aliasesOf(result: unknown): AliasDescription[] {
  const { aliases } = result as { aliases: { alias_name: string; collection_name: string }[] }
  return aliases.map(({ alias_name: aliasName, collection_name: collectionName }) => ({ aliasName, collectionName }))
}
