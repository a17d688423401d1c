import { invalid, VicinalError } from '../core/errors.js'
import { type Point, type PointId, RawJson, UNNAMED_VECTOR } from '../core/point.js'
import type { SparseVectorParams, VectorParams } from '../core/schema.js'
import { uuidOfText } from '../core/text-ids.js'
import type { VectorShape } from '../readers/rows.js'
import { UsageError } from '../terminal/usage-error.js'
import type { RowChoice, SourceShape } from './source.js'

/** Maps the columns of a file to ids, vectors and payload. */
export interface Mapping {
  id: string | null
  /** Whether ids of the collection are texts. */
  textIds: boolean
  isPoints: boolean
  /** Whether the collection judges rows without any vector; else they are refused here. */
  mayLackVectors?: boolean
  vectors: { name: string; column: string; shape: VectorShape }[]
}

export interface Asked {
  idColumn: string | undefined
  vectors: readonly string[]
  /** Names of the collection's vectors; of a new one none. */
  existing: readonly string[]
  textIds?: boolean
  mayLackVectors?: boolean
}

const DEFAULT_ID_COLUMN = 'id'
/** The column of the unnamed vector, in tables of points. */
const UNNAMED_COLUMN = 'vector'
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i
const INTEGER = /^(?:0|[1-9]\d{0,19})$/
const MAX_U64 = 0xffff_ffff_ffff_ffffn

/**
 * Takes the vectors that the caller named. Without names it takes those of points, or columns named like the collection's
 * vectors, if the collection exists. Otherwise it takes the only column that holds vectors.
 */
export function mappingOf(shape: SourceShape, asked: Asked, path: string): Mapping {
  const id = asked.idColumn ?? (shape.columns.includes(DEFAULT_ID_COLUMN) ? DEFAULT_ID_COLUMN : null)
  if (id !== null && !shape.columns.includes(id)) throw noColumn(path, id, shape.columns)
  const isOne = asked.vectors.length === 1
  const pairs =
    asked.vectors.length > 0 ? asked.vectors.map((text) => parsePair(text, isOne)) : guess(shape, asked.existing, path)
  const vectors = pairs.map(({ name, column }) => {
    const found = shape.vectors.get(column)
    if (found !== undefined) return { name, column, shape: found }
    if (shape.columns.includes(column))
      throw new UsageError(`${path}: column ${column} holds no vectors: no lists of floats`)
    throw noColumn(path, column, shape.columns)
  })
  const isPoints = shape.isPoints && asked.vectors.length === 0
  const { textIds = false, mayLackVectors = isPoints } = asked
  return { id, vectors, isPoints, textIds, mayLackVectors: mayLackVectors || isPoints }
}

/** A column without a name is the unnamed vector; of several each has the name of its column. */
function parsePair(text: string, isOne: boolean): { name: string; column: string } {
  const at = text.indexOf('=')
  return at < 0
    ? { name: isOne ? UNNAMED_VECTOR : text, column: text }
    : { name: text.slice(0, at), column: text.slice(at + 1) }
}

function guess(shape: SourceShape, existing: readonly string[], path: string): { name: string; column: string }[] {
  const columns = [...shape.vectors.keys()]
  if (shape.isPoints) {
    const dense = [...shape.vectors.values()].filter(({ kind }) => kind !== 'sparse')
    // An unnamed vector has no other dense one beside it.
    const isUnnamed = !existing.includes(UNNAMED_COLUMN) && (dense.length === 1 || existing.includes(UNNAMED_VECTOR))
    return columns.map((column) => ({
      name: column === UNNAMED_COLUMN && isUnnamed ? UNNAMED_VECTOR : column,
      column,
    }))
  }
  const named = existing.filter((name) => name !== UNNAMED_VECTOR && shape.vectors.has(name))
  if (named.length > 0) return named.map((name) => ({ name, column: name }))
  if (columns.length === 1) {
    const only = existing.length === 1 ? (existing[0] as string) : UNNAMED_VECTOR
    return [{ name: only, column: columns[0] as string }]
  }
  if (columns.length === 0)
    throw new UsageError(`${path}: no column holds lists of floats; it has ${listed(shape.columns)}`)
  throw new UsageError(`${path}: several columns hold vectors (${listed(columns)}); set --vector NAME=COLUMN for each`)
}

function noColumn(path: string, column: string, columns: readonly string[]): UsageError {
  return new UsageError(`${path}: no column ${column}; it has ${listed(columns)}`)
}

const MOST_LISTED = 50
function listed(columns: readonly string[]): string {
  const more = columns.length - MOST_LISTED
  return columns.slice(0, MOST_LISTED).join(', ') + (more > 0 ? ` and ${more} more` : '')
}

export function choiceOf({ id, vectors, isPoints }: Mapping): RowChoice {
  return { id, vectors: vectors.map(({ name, column }) => [name, column]), isPoints }
}

/** Parameters for creating a missing collection. */
export function vectorParams(
  { vectors }: Pick<Mapping, 'vectors'>,
  distance: VectorParams['distance'],
): { vectors: VectorParams | Record<string, VectorParams>; sparseVectors?: Record<string, SparseVectorParams> } {
  const dense = vectors.filter(({ shape }) => shape.kind !== 'sparse')
  const sparse = vectors.filter(({ shape }) => shape.kind === 'sparse')
  const paramsOf = ({ kind, size }: VectorShape): VectorParams => ({
    size,
    distance,
    ...(kind === 'multi' ? { multivectorConfig: { comparator: 'max_sim' as const } } : {}),
  })
  const [first] = dense
  const isUnnamed = dense.length === 1 && first?.name === UNNAMED_VECTOR
  const params = isUnnamed
    ? paramsOf(first.shape)
    : Object.fromEntries(dense.map(({ name, shape }) => [name, paramsOf(shape)]))
  if (sparse.length === 0) return { vectors: params }
  return { vectors: params, sparseVectors: Object.fromEntries(sparse.map(({ name }) => [name, {}])) }
}

/**
 * The point with the id that the collection takes. `row` is its id where the file has no ids. A vector of the unnamed name
 * alone stands by itself, as the API has it.
 */
export function pointIn(point: Point<unknown>, row: number, mapping: Mapping): Point<unknown> {
  const { id: column, textIds, mayLackVectors } = mapping
  const { vector } = point
  // Points of the API may have no vector; a row of a table without one is an accident.
  if (!mayLackVectors && Object.keys(vector).length === 0) throw invalid('row', 'expected one of the vectors at least')
  const only = vector !== null && typeof vector === 'object' && Object.hasOwn(vector, UNNAMED_VECTOR)
  const mapped = only ? { ...point, vector: (vector as Record<string, never>)[UNNAMED_VECTOR] as never } : point
  if (column === null) return { ...mapped, id: textIds ? String(row) : row }
  const { id, original } = pointId(point.id, column, textIds)
  if (original === null) return { ...mapped, id }
  const payload =
    point.payload instanceof RawJson ? (point.payload.toJSON() as object) : (point.payload as object | null)
  return { ...mapped, id, payload: { ...payload, [column]: original } }
}

/**
 * The id of a row. A text of digits is that integer. If the id was made from another text, `original` is that text, which
 * goes into the payload. In a collection whose ids are texts, every id is the text itself.
 */
export function pointId(value: unknown, column: string, isText = false): { id: PointId; original: string | null } {
  if (isText && typeof value === 'string') return { id: value, original: null }
  const read = numberOrUuid(value, column)
  return isText ? { ...read, id: String(read.id) } : read
}

function numberOrUuid(value: unknown, column: string): { id: PointId; original: string | null } {
  switch (typeof value) {
    case 'number':
      if (Number.isSafeInteger(value) && value >= 0) return { id: value, original: null }
      break
    case 'bigint':
      if (value >= 0n && value <= MAX_U64) return { id: plainInteger(value), original: null }
      break
    case 'string':
      if (INTEGER.test(value) && BigInt(value) <= MAX_U64) return { id: plainInteger(BigInt(value)), original: null }
      if (UUID.test(value)) return { id: value.toLowerCase(), original: null }
      return { id: uuidOfText(value), original: value }
  }
  throw new VicinalError(
    'INVALID_ARGUMENT',
    `${column}: expected an unsigned integer or a text as id, got ${String(value)}`,
    { details: { field: 'id' } },
  )
}

function plainInteger(value: bigint): PointId {
  return value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : value
}
