import type { ColumnarPoints } from '../core/database.js'
import { VicinalError } from '../core/errors.js'
import { type Payload, type Point, type PointId, UNNAMED_VECTOR } from '../core/point.js'
import type { VectorParams } from '../core/schema.js'
import { uuidOfText } from '../core/text-ids.js'
import { UsageError } from '../terminal/usage-error.js'
import type { ColumnChoice, RowBatch, SourceShape } from './source.js'

/** Maps the columns of a file to ids, vectors and payload. */
export interface Mapping {
  id: string | null
  /** Whether ids of the collection are texts. */
  textIds?: boolean
  vectors: { name: string; column: string; size: number }[]
}

const DEFAULT_ID_COLUMN = 'id'
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i
const MAX_U64 = 0xffff_ffff_ffff_ffffn

/**
 * Takes the vectors that the caller named. Without names it takes columns named like the collection's vectors, if the
 * collection exists. Otherwise it takes the only column that holds vectors.
 */
export function mappingOf(
  shape: SourceShape,
  asked: {
    idColumn: string | undefined
    vectors: readonly string[]
    existing: readonly string[]
    textIds?: boolean
  },
  path: string,
): Mapping {
  const id = asked.idColumn ?? (shape.columns.includes(DEFAULT_ID_COLUMN) ? DEFAULT_ID_COLUMN : null)
  if (id !== null && !shape.columns.includes(id)) throw noColumn(path, id, shape.columns)
  const pairs = asked.vectors.length > 0 ? asked.vectors.map(parsePair) : guess(shape, asked.existing, path)
  const vectors = pairs.map(({ name, column }) => {
    const size = shape.vectors.get(column)
    if (size !== undefined) return { name, column, size }
    if (shape.columns.includes(column)) throw new UsageError(`${path}: column ${column} holds no lists of floats`)
    throw noColumn(path, column, shape.columns)
  })
  return { id, vectors, textIds: asked.textIds ?? false }
}

function parsePair(text: string): { name: string; column: string } {
  const at = text.indexOf('=')
  return at < 0 ? { name: UNNAMED_VECTOR, column: text } : { name: text.slice(0, at), column: text.slice(at + 1) }
}

function guess(shape: SourceShape, existing: readonly string[], path: string): { name: string; column: string }[] {
  const named = existing.filter((name) => name !== UNNAMED_VECTOR && shape.vectors.has(name))
  if (named.length > 0) return named.map((name) => ({ name, column: name }))
  const columns = [...shape.vectors.keys()]
  if (columns.length === 1) {
    const only = existing.length === 1 ? (existing[0] as string) : UNNAMED_VECTOR
    return [{ name: only, column: columns[0] as string }]
  }
  if (columns.length === 0)
    throw new UsageError(`${path}: no column holds lists of floats; it has ${shape.columns.join(', ')}`)
  throw new UsageError(
    `${path}: several columns hold vectors (${columns.join(', ')}); set --vector NAME=COLUMN for each`,
  )
}

function noColumn(path: string, column: string, columns: readonly string[]): UsageError {
  return new UsageError(`${path}: no column ${column}; it has ${columns.join(', ')}`)
}

export function choiceOf(mapping: Mapping): ColumnChoice {
  return { id: mapping.id, vectors: mapping.vectors.map((vector) => vector.column) }
}

/** Vector parameters for creating a missing collection. */
export function vectorParams(
  mapping: Mapping,
  distance: VectorParams['distance'],
): VectorParams | Record<string, VectorParams> {
  const [first] = mapping.vectors
  if (mapping.vectors.length === 1 && first?.name === UNNAMED_VECTOR) return { size: first.size, distance }
  return Object.fromEntries(mapping.vectors.map(({ name, size }) => [name, { size, distance }]))
}

export type MappedPoints = { ids: PointId[]; points: ColumnarPoints | Point[] }

/** `rowOffset` is added to row numbers that serve as ids, because earlier files have used the lower ones. */
export function pointsOf(batch: RowBatch, mapping: Mapping, rowOffset: number, path: string): MappedPoints {
  const ids: PointId[] = new Array(batch.count)
  let payloads = batch.payloads
  for (let i = 0; i < batch.count; i++) {
    if (batch.ids === null) {
      const row = rowOffset + batch.firstRow + i
      ids[i] = mapping.textIds ? String(row) : row
      continue
    }
    const { id, original } = pointId(batch.ids[i], `${path}: row ${batch.firstRow + i}: ${mapping.id}`, mapping.textIds)
    ids[i] = id
    if (original === null) continue
    payloads ??= new Array(batch.count).fill(null)
    payloads[i] = { ...payloads[i], [mapping.id as string]: original }
  }
  const isWhole = mapping.vectors.every(({ column }) => batch.vectors.get(column)?.present === null)
  return {
    ids,
    points: isWhole ? columnar(batch, mapping, ids, payloads) : onePerRow(batch, mapping, ids, payloads, path),
  }
}

function columnar(
  batch: RowBatch,
  mapping: Mapping,
  ids: PointId[],
  payloads: (Payload | null)[] | null,
): ColumnarPoints {
  const data = (column: string) => batch.vectors.get(column)?.data as Float32Array
  const [first] = mapping.vectors
  const vectors =
    mapping.vectors.length === 1 && first?.name === UNNAMED_VECTOR
      ? data(first.column)
      : Object.fromEntries(mapping.vectors.map(({ name, column }) => [name, data(column)]))
  return payloads ? { ids, vectors, payloads } : { ids, vectors }
}

/** For batches in which some rows lack a vector. Numbers are still not copied: each vector is a view. */
function onePerRow(
  batch: RowBatch,
  mapping: Mapping,
  ids: PointId[],
  payloads: (Payload | null)[] | null,
  path: string,
): Point[] {
  return ids.map((id, row) => {
    const vectors: [string, Float32Array][] = []
    for (const { name, column, size } of mapping.vectors) {
      const { data, present } = batch.vectors.get(column) as { data: Float32Array; present: Uint8Array | null }
      if (present === null || present[row] === 1) vectors.push([name, data.subarray(row * size, (row + 1) * size)])
    }
    const [first] = vectors
    if (!first) {
      throw new VicinalError('INVALID_ARGUMENT', `${path}: row ${batch.firstRow + row}: has none of the vectors`)
    }
    const vector = first[0] === UNNAMED_VECTOR ? first[1] : Object.fromEntries(vectors)
    return { id, vector, payload: payloads?.[row] ?? null }
  })
}

/**
 * The id of a row. If it was made from a text, `original` is that text, which goes into the payload. In a collection whose
 * ids are texts, every id is the text itself.
 */
export function pointId(value: unknown, where: string, isText = false): { id: PointId; original: string | null } {
  if (isText && typeof value === 'string') return { id: value, original: null }
  const read = numberOrUuid(value, where)
  return isText ? { ...read, id: String(read.id) } : read
}

function numberOrUuid(value: unknown, where: string): { id: PointId; original: string | null } {
  switch (typeof value) {
    case 'number':
      if (Number.isSafeInteger(value) && value >= 0) return { id: value, original: null }
      break
    case 'bigint':
      if (value >= 0n && value <= MAX_U64) {
        return { id: value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : value, original: null }
      }
      break
    case 'string':
      if (UUID.test(value)) return { id: value.toLowerCase(), original: null }
      return { id: uuidOfText(value), original: value }
  }
  throw new VicinalError(
    'INVALID_ARGUMENT',
    `${where}: expected an unsigned integer or a text as id, got ${String(value)}`,
  )
}
