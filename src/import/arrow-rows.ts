import { type Data, type DataType, type Field, type Schema, type Table, Type, type Vector } from 'apache-arrow'
import { VicinalError } from '../core/errors.js'
import type { Payload } from '../core/point.js'
import { halfToFloat } from '../intake/half-float.js'
import type { ColumnChoice, Cursor, RowBatch, VectorBatch } from './source.js'

// Converts rows of an Arrow table to the import's form; Parquet files become tables too. Lists of floats become one
// Float32Array a batch, without single JavaScript numbers in between. All other values become JSON values.

const HALF = 0
const SINGLE = 1

/** Columns that are lists of floats, with the size from their type; null if the size differs by row. */
export function listColumns(schema: Schema): Map<string, number | null> {
  const found = new Map<string, number | null>()
  for (const field of schema.fields) {
    const type = field.type as DataType & { listSize?: number; children?: Field[] }
    const isList = type.typeId === Type.List || type.typeId === Type.FixedSizeList
    if (!isList || type.children?.[0]?.type.typeId !== Type.Float) continue
    found.set(field.name, type.typeId === Type.FixedSizeList ? (type.listSize as number) : null)
  }
  return found
}

/** Dimensions of list columns, taken from the first row that is not empty. */
export function sizesOf(table: Table, lists: ReadonlyMap<string, number | null>): Map<string, number> {
  const sizes = new Map<string, number>()
  for (const [column, fixed] of lists) {
    if (fixed !== null) sizes.set(column, fixed)
    else {
      const first = firstLength(table.getChild(column))
      if (first > 0) sizes.set(column, first)
    }
  }
  return sizes
}

function firstLength(column: Vector | null): number {
  for (const chunk of (column?.data ?? []) as readonly Data[]) {
    for (let row = 0; row < chunk.length; row++) {
      const length = (chunk.valueOffsets[row + 1] as number) - (chunk.valueOffsets[row] as number)
      if (length > 0) return length
    }
  }
  return 0
}

export interface Placing {
  path: string
  firstRow: number
  next: Cursor | null
}

export function rowsOfTable(
  table: Table,
  choice: ColumnChoice,
  sizes: ReadonlyMap<string, number>,
  { path, firstRow, next }: Placing,
): RowBatch {
  const vectors = new Map<string, VectorBatch>()
  for (const column of choice.vectors) {
    const at = (row: number) => `${path}: row ${firstRow + row}: ${column}`
    vectors.set(column, vectorsOf(table.getChild(column) as Vector, table.numRows, sizes.get(column) as number, at))
  }
  return {
    count: table.numRows,
    firstRow,
    ids: choice.id === null ? null : Array.from(table.getChild(choice.id) as Iterable<unknown>),
    vectors,
    payloads: payloadsOf(table, new Set([...choice.vectors, ...(choice.id === null ? [] : [choice.id])])),
    next,
  }
}

function vectorsOf(column: Vector, rows: number, size: number, at: (row: number) => string): VectorBatch {
  const data = new Float32Array(rows * size)
  const present = new Uint8Array(rows)
  let row = 0
  for (const chunk of column.data as readonly Data[]) {
    const items = chunk.children[0] as Data
    const floats = floatsOf(items)
    const offsets = chunk.type.typeId === Type.FixedSizeList ? null : (chunk.valueOffsets as Int32Array)
    for (let i = 0; i < chunk.length; i++, row++) {
      if (chunk.nullCount > 0 && !chunk.getValid(i)) continue
      const start = offsets ? (offsets[i] as number) : i * size
      const length = offsets
        ? (offsets[i + 1] as number) - start
        : (chunk.type as unknown as { listSize: number }).listSize
      if (length !== size) throw refused(`${at(row)}: expected ${size} dimensions, got ${length}`)
      // Some writers store nulls in the items of null rows; these are ignored.
      if (items.nullCount > 0 && hasNull(items, start, size))
        throw refused(`${at(row)}: a vector has an empty (null) component`)
      data.set(floats.subarray(start, start + size), row * size)
      present[row] = 1
    }
  }
  return { size, data, present: present.includes(0) ? present : null }
}

function hasNull(items: Data, from: number, count: number): boolean {
  for (let at = from; at < from + count; at++) if (!items.getValid(at)) return true
  return false
}

function floatsOf(items: Data): Float32Array {
  switch ((items.type as unknown as { precision: number }).precision) {
    case HALF:
      return Float32Array.from(items.values as Uint16Array, halfToFloat)
    case SINGLE:
      return items.values as Float32Array
    default:
      return Float32Array.from(items.values as Float64Array)
  }
}

function refused(message: string): VicinalError {
  return new VicinalError('INVALID_ARGUMENT', message)
}

function payloadsOf(table: Table, taken: ReadonlySet<string>): (Payload | null)[] | null {
  const fields = table.schema.fields.filter((field) => !taken.has(field.name) && !isBinary(field.type))
  if (fields.length === 0) return null
  const columns = fields.map((field) => ({
    name: field.name,
    values: table.getChild(field.name) as Vector,
    json: converterOf(field.type),
  }))
  return Array.from({ length: table.numRows }, (_, row) => {
    const entries: [string, unknown][] = []
    for (const { name, values, json } of columns) {
      const value: unknown = values.get(row)
      if (value !== null && value !== undefined) entries.push([name, json(value)])
    }
    // Unlike assignment, this makes a plain key of a column called __proto__.
    return Object.fromEntries(entries)
  })
}

/** Whether a column holds bytes, mostly pictures. JSON payloads cannot hold bytes, so such columns are left out. */
export function isBinary(type: DataType): boolean {
  return type.typeId === Type.Binary || type.typeId === Type.LargeBinary || type.typeId === Type.FixedSizeBinary
}

const DATE_CHARS = 10

function converterOf(type: DataType): (value: unknown) => unknown {
  switch (type.typeId) {
    case Type.Date:
      return (value) => new Date(Number(value)).toISOString().slice(0, DATE_CHARS)
    case Type.Timestamp:
      return (value) => new Date(Number(value)).toISOString()
    case Type.Decimal:
      return (value) => decimal(value as Uint32Array, (type as DataType & { scale: number }).scale)
    default:
      return plain
  }
}

/** The value of a two's complement integer in little-endian 32-bit words, divided by 10 to the power of `scale`. */
function decimal(words: Uint32Array, scale: number): number {
  let value = 0n
  for (let i = words.length - 1; i >= 0; i--) value = (value << 32n) | BigInt(words[i] as number)
  return Number(BigInt.asIntN(words.length * 32, value)) / 10 ** scale
}

/** Arrow's values as JSON values: exact integers, no NaN, rows and lists as objects and arrays. */
function plain(value: unknown): unknown {
  switch (typeof value) {
    case 'bigint':
      return Number.isSafeInteger(Number(value)) ? Number(value) : value
    case 'number':
      return Number.isFinite(value) ? value : null
    case 'object':
      break
    default:
      return value
  }
  if (value === null) return null
  if (value instanceof Date) return value.toISOString()
  if (value instanceof Uint8Array) return null
  if (ArrayBuffer.isView(value)) return Array.from(value as unknown as ArrayLike<unknown>, plain)
  if (Array.isArray(value)) return value.map(plain)
  if ('toJSON' in value && typeof value.toJSON === 'function') return plain((value.toJSON as () => unknown)())
  return Object.fromEntries(Object.entries(value).map(([key, child]) => [key, plain(child)]))
}
