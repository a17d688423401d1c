import type { Data, Table } from 'apache-arrow'
import type { ArrowTable } from '../core/database.js'
import { invalid } from '../core/errors.js'
import {
  encodeId,
  ID_WORDS,
  type Payload,
  type PointColumns,
  UNNAMED_VECTOR,
  type VectorColumn,
} from '../core/point.js'
import { isSparse, type Schema, type SchemaVector } from '../core/schema.js'
import { eachRow, type Flaws } from './flaws.js'
import { payloadColumn } from './payload-text.js'
import { addVector, checkBatchSize } from './point-columns.js'
import { SparseColumnBuilder } from './sparse-column.js'

const ID_COLUMN = 'id'
/** Name of the column for a collection's unnamed vector. */
const UNNAMED_COLUMN = 'vector'
// Arrow's type numbers, from Schema.fbs and apache-arrow's Type enum. With them, tables made by another instance or
// version of that library can be read too.
const TYPE_FLOAT = 3
const TYPE_FIXED_SIZE_LIST = 16
const PRECISION_SINGLE = 1

export function isArrowTable(value: object): value is ArrowTable {
  return 'batches' in value && 'schema' in value && 'numRows' in value
}

/**
 * Converts a table: column `id`, one fixed-size list of float32 for each present vector, all other columns as payload.
 */
export function columnsOfArrow(arrow: ArrowTable, schema: Schema, flaws: Flaws | null = null): PointColumns {
  const table = arrow as unknown as Table
  checkBatchSize(table.numRows)
  const idColumn = table.getChild(ID_COLUMN)
  if (!idColumn) throw invalid('table', `expected a column named ${ID_COLUMN}`)
  const ids = new Uint32Array(table.numRows * ID_WORDS)
  const given = [...idColumn]
  eachRow(table.numRows, flaws, (row) => encodeId(given[row], ids, row * ID_WORDS, `table.id[${row}]`, schema.textIds))
  const names: readonly unknown[] | null = schema.textIds ? given : null
  const columnNames = schema.map((vector) => (vector.name === UNNAMED_VECTOR ? UNNAMED_COLUMN : vector.name))
  const vectors = schema.flatMap((vector, i) => vectorColumn(table, columnNames[i] as string, vector, flaws))
  const payloadNames = table.schema.fields
    .map((field) => field.name)
    .filter((name) => name !== ID_COLUMN && !columnNames.includes(name))
  return {
    count: table.numRows,
    ids,
    vectors,
    payloads: payloadColumn(payloadRows(table, payloadNames), (at) => `payloads[${at}]`, names, flaws),
  }
}

function vectorColumn(table: Table, column: string, vector: SchemaVector, flaws: Flaws | null): VectorColumn[] {
  const child = table.getChild(column)
  if (!child) return []
  if (isSparse(vector)) return sparseColumn(child, column, vector.name, table.numRows, flaws)
  const data = new Float32Array(table.numRows * vector.size)
  const rows: number[] = []
  let first = 0
  for (const chunk of child.data as readonly Data[]) {
    const floats = floatsOf(chunk, column, vector.size)
    const nullAt = nullComponents(chunk, vector.size)
    for (let i = 0; i < chunk.length; i++) {
      if (chunk.nullCount > 0 && !chunk.getValid(i)) continue
      const empty = nullAt(i)
      if (empty >= 0) {
        const error = invalid(`table.${column}[${first + i}][${empty}]`, 'expected a finite number', null)
        if (flaws === null) throw error
        if (!flaws.refused.has(first + i)) flaws.refused.set(first + i, error)
        continue
      }
      data.set(floats.subarray(i * vector.size, (i + 1) * vector.size), rows.length * vector.size)
      rows.push(first + i)
    }
    first += chunk.length
  }
  if (rows.length === 0) return []
  const all = rows.length === table.numRows
  // In such a column a row of a multivector has exactly one vector.
  const counts = vector.multivectorConfig ? { counts: new Uint32Array(rows.length).fill(1) } : {}
  const having = all ? null : Uint32Array.from(rows)
  return [{ name: vector.name, data: data.subarray(0, rows.length * vector.size), rows: having, ...counts }]
}

/** A column of structs { indices, values }. */
function sparseColumn(
  child: Iterable<unknown>,
  column: string,
  name: string,
  count: number,
  flaws: Flaws | null,
): VectorColumn[] {
  const builder = new SparseColumnBuilder(name)
  const given = [...child]
  eachRow(count, flaws, (row) => {
    const value = given[row] as { indices?: unknown; values?: unknown } | null
    if (value === null) return
    const vector = { indices: plain(value.indices), values: plain(value.values) }
    addVector(builder, vector, row, `table.${column}[${row}]`, flaws)
  })
  return builder.count === 0 ? [] : [builder.finish(count)]
}

/** The floats below a fixed-size list, from its first row on, without boxing. */
function floatsOf(chunk: Data, column: string, dim: number): Float32Array {
  const type = chunk.type as {
    typeId: number
    listSize?: number
    children?: { type: { typeId: number; precision?: number } }[]
  }
  const item = type.children?.[0]?.type
  if (type.typeId !== TYPE_FIXED_SIZE_LIST || item?.typeId !== TYPE_FLOAT || item.precision !== PRECISION_SINGLE) {
    throw invalid(`table.${column}`, 'expected a FixedSizeList<Float32> column')
  }
  if (type.listSize !== dim)
    throw invalid(`table.${column}`, `Vector dimension error: expected dim: ${dim}`, type.listSize)
  const items = chunk.children[0] as Data
  // apache-arrow slices the child too; other writers may only set the offset.
  const first = items.offset === 0 ? chunk.offset * dim : 0
  const floats = (items.values as Float32Array).subarray(first)
  if (floats.length < chunk.length * dim)
    throw invalid(`table.${column}`, `expected ${chunk.length} × ${dim} numbers`, floats.length)
  return floats
}

/**
 * Returns the index of a row's first null component, or -1. Nulls under a null row are ignored, since some writers
 * store them.
 */
function nullComponents(chunk: Data, dim: number): (row: number) => number {
  const items = chunk.children[0] as Data
  if (items.nullCount === 0) return () => -1
  const first = items.offset === 0 ? chunk.offset * dim : 0
  return (row) => {
    for (let i = 0; i < dim; i++) if (!items.getValid(first + row * dim + i)) return i
    return -1
  }
}

function payloadRows(table: Table, names: readonly string[]): (Payload | null)[] {
  const columns = names.map((name) => table.getChild(name))
  return Array.from({ length: table.numRows }, (_, row) => {
    if (names.length === 0) return null
    const payload: Payload = {}
    for (let i = 0; i < names.length; i++) {
      const value: unknown = columns[i]?.get(row)
      if (value !== null && value !== undefined) setOwn(payload, names[i] as string, plain(value))
    }
    return payload
  })
}

// Defines the key as an own property, since a column may be called __proto__.
function setOwn(payload: Payload, key: string, value: unknown): void {
  Object.defineProperty(payload, key, { value, enumerable: true, configurable: true, writable: true })
}

/** Arrow's rows and vectors as plain JSON values. */
function plain(value: unknown): unknown {
  if (ArrayBuffer.isView(value)) return Array.from(value as Float64Array)
  if (value instanceof Date || value === null || typeof value !== 'object') return value
  if ('toJSON' in value && typeof value.toJSON === 'function') return plain((value.toJSON as () => unknown)())
  if (Array.isArray(value)) return value.map(plain)
  return Object.fromEntries(Object.entries(value).map(([key, child]) => [key, plain(child)]))
}
