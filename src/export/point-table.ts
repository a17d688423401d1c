/** Pages of points as Arrow: columns of ids and vectors, and payloads as JSON texts. They are read back bit by bit. */
import {
  type Data,
  type DataType,
  Field,
  FixedSizeList,
  Float32,
  List,
  makeData,
  RecordBatch,
  Schema,
  Struct,
  Table,
  tableToIPC,
  Uint32,
  Uint64,
  Utf8,
} from 'apache-arrow'
import { invalid } from '../core/errors.js'
import { RawJson, type StoredSparseVector, type StoredVector, UNNAMED_VECTOR } from '../core/point.js'
import { jsonText } from '../wire/json-encoder.js'
import type { ExportedPoint, LaidVector, Layout } from './layout.js'

const ID_COLUMN = 'id'
const UNNAMED_COLUMN = 'vector'
const PAYLOAD_COLUMN = 'payload'
const encoder = new TextEncoder()

const floatItem = new Field('item', new Float32(), true)
const sparseFields = [
  new Field('indices', new List(new Field('item', new Uint32(), true)), true),
  new Field('values', new List(floatItem), true),
]

export function schemaOf({ ids, vectors, payload }: Layout): Schema {
  const fields = vectors.map((vector) => new Field(columnOf(vector.name), typeOf(vector), true))
  const id = new Field(ID_COLUMN, ids === 'number' ? new Uint64() : new Utf8(), false)
  const all = [id, ...fields, ...(payload ? [new Field(PAYLOAD_COLUMN, new Utf8(), true)] : [])]
  const twice = all.find(({ name }, at) => all.findIndex((other) => other.name === name) !== at)
  if (twice) throw invalid('vectors', `two columns would be named ${twice.name}; export JSON lines`, twice.name)
  return new Schema(all)
}

function columnOf(name: string): string {
  return name === UNNAMED_VECTOR ? UNNAMED_COLUMN : name
}

function typeOf({ kind, size }: LaidVector): DataType {
  if (kind === 'sparse') return new Struct(sparseFields)
  const list = new FixedSizeList(size, floatItem)
  return kind === 'dense' ? list : new List(new Field('item', list, true))
}

/** A stream of one record batch. */
export function streamOf(points: readonly ExportedPoint[], layout: Layout, schema: Schema): Uint8Array {
  const length = points.length
  const children: Data[] = [
    layout.ids === 'number' ? numbersOf(points) : textsOf(points.map(({ id }) => String(id))),
    ...layout.vectors.map((vector) =>
      vectorsOf(
        points.map((point) => vectorIn(point, vector.name)),
        vector,
      ),
    ),
    ...(layout.payload ? [textsOf(points.map(payloadIn))] : []),
  ]
  const data = makeData({ type: new Struct(schema.fields), length, nullCount: 0, children })
  return tableToIPC(new Table([new RecordBatch(schema, data)]), 'stream')
}

function vectorIn({ vector }: ExportedPoint, name: string): StoredVector | null {
  if (vector === undefined || vector === null) return null
  const isRecord = !ArrayBuffer.isView(vector) && !Array.isArray(vector)
  if (!isRecord) return name === UNNAMED_VECTOR ? (vector as StoredVector) : null
  const named = vector as Record<string, StoredVector>
  return Object.hasOwn(named, name) ? (named[name] as StoredVector) : null
}

function payloadIn({ payload }: ExportedPoint): string | null {
  if (payload === undefined || payload === null) return null
  return payload instanceof RawJson ? payload.text : jsonText(payload)
}

function numbersOf(points: readonly ExportedPoint[]): Data {
  const data = BigUint64Array.from(points, ({ id }) => BigInt(id))
  return makeData({ type: new Uint64(), length: data.length, nullCount: 0, data })
}

function textsOf(texts: readonly (string | null)[]): Data {
  const parts = texts.map((text) => encoder.encode(text ?? ''))
  const valueOffsets = offsetsOf(parts)
  const data = new Uint8Array(valueOffsets.at(-1) as number)
  for (const [row, part] of parts.entries()) data.set(part, valueOffsets[row])
  return makeData({ type: new Utf8(), length: texts.length, ...presence(texts), valueOffsets, data })
}

function vectorsOf(vectors: readonly (StoredVector | null)[], { kind, size }: LaidVector): Data {
  const nulls = { length: vectors.length, ...presence(vectors) }
  if (kind === 'sparse') {
    const sparse = vectors as readonly (StoredSparseVector | null)[]
    const children = [
      listOf(
        sparse.map((one) => one?.indices ?? new Uint32Array(0)),
        new Uint32(),
        Uint32Array,
      ),
      listOf(
        sparse.map((one) => one?.values ?? new Float32Array(0)),
        new Float32(),
        Float32Array,
      ),
    ]
    return makeData({ type: new Struct(sparseFields), ...nulls, children })
  }
  if (kind === 'dense') {
    const data = new Float32Array(vectors.length * size)
    for (const [row, vector] of vectors.entries()) if (vector) data.set(vector as Float32Array, row * size)
    return fixedLists(data, size, nulls)
  }
  const lists = vectors.map((vector) => (vector ?? []) as readonly Float32Array[])
  const valueOffsets = offsetsOf(lists)
  const data = new Float32Array((valueOffsets.at(-1) as number) * size)
  for (const [at, vector] of lists.flat().entries()) data.set(vector, at * size)
  const child = fixedLists(data, size, { length: data.length / size, nullCount: 0 })
  return makeData({ type: new List(new Field('item', child.type, true)), ...nulls, valueOffsets, child })
}

interface Rows {
  length: number
  nullCount: number
  nullBitmap?: Uint8Array
}

function fixedLists(data: Float32Array, size: number, rows: Rows): Data {
  const child = makeData({ type: new Float32(), length: data.length, nullCount: 0, data })
  return makeData({ type: new FixedSizeList(size, floatItem), ...rows, child })
}

function listOf<T extends Uint32Array | Float32Array>(
  rows: readonly T[],
  type: Uint32 | Float32,
  numbers: new (length: number) => T,
): Data {
  const valueOffsets = offsetsOf(rows)
  const data = new numbers(valueOffsets.at(-1) as number)
  for (const [row, values] of rows.entries()) data.set(values, valueOffsets[row])
  const child = makeData({ type, length: data.length, nullCount: 0, data } as never) as Data
  return makeData({
    type: new List(new Field<DataType>('item', type, true)),
    length: rows.length,
    nullCount: 0,
    valueOffsets,
    child,
  })
}

function offsetsOf(rows: readonly { length: number }[]): Int32Array {
  const offsets = new Int32Array(rows.length + 1)
  for (const [row, { length }] of rows.entries()) offsets[row + 1] = (offsets[row] as number) + length
  return offsets
}

/** A bit for each row that is not null. */
function presence(rows: readonly unknown[]): { nullCount: number; nullBitmap: Uint8Array } {
  const nullBitmap = new Uint8Array(Math.ceil(rows.length / 8))
  let nullCount = 0
  for (const [row, value] of rows.entries()) {
    if (value === null) nullCount++
    else nullBitmap[row >> 3] = (nullBitmap[row >> 3] as number) | (1 << (row & 7))
  }
  return { nullCount, nullBitmap }
}
