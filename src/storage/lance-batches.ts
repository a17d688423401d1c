import {
  Bool,
  type Data,
  Field,
  FixedSizeList,
  type Float,
  Float32,
  Int64,
  List,
  makeData,
  RecordBatch,
  Schema,
  Struct,
  Table,
  tableFromIPC,
  tableToIPC,
  Uint32,
  Utf8,
} from 'apache-arrow'
import { UNNAMED_VECTOR } from '../core/point.js'
import { isSparse, type TableVector } from '../core/schema.js'
import type { FlushBatch, VectorRows } from '../native/addon.js'

// Rows of the table as Arrow. Only `arrow-worker.ts` may import this file: loading apache-arrow takes an eighth of a
// second, and some functions loop over rows.

const UNNAMED_COLUMN = 'vector'
const NAMED_PREFIX = 'vector_'
const SPARSE_PREFIXES = ['sparse_indices_', 'sparse_values_'] as const
const ESCAPED = /[^A-Za-z0-9_]/gu

/**
 * Column of a named vector. A character other than an ASCII letter, a digit or an underscore becomes its code point in
 * hex between dollar signs: `a.b` is `vector_a$2e$b`. Names therefore never collide, and mean nothing in Lance's paths
 * and filters.
 */
export function vectorColumn({ name, columnSuffix }: Pick<TableVector, 'name' | 'columnSuffix'>): string {
  const column = name === UNNAMED_VECTOR ? UNNAMED_COLUMN : NAMED_PREFIX + escaped(name)
  return column + suffix(columnSuffix)
}

/** Cannot collide with an escaped name, because that has an even number of dollar signs. */
function suffix(columnSuffix: number | undefined): string {
  return columnSuffix === undefined ? '' : `$${columnSuffix}`
}

/** Columns of a sparse vector: lists of ascending indices, and lists of as many values. */
function sparseColumns({ name, columnSuffix }: TableVector): [indices: string, values: string] {
  const [indices, values] = SPARSE_PREFIXES
  const ending = escaped(name) + suffix(columnSuffix)
  return [indices + ending, values + ending]
}

function escaped(name: string): string {
  return name.replace(ESCAPED, (char) => `$${(char.codePointAt(0) as number).toString(16)}$`)
}

export function tableSchema(vectors: readonly TableVector[]): Schema {
  return new Schema([
    new Field('id', new Utf8(), false),
    new Field('seq', new Int64(), false),
    new Field('deleted', new Bool(), false),
    new Field('crc', new Uint32(), false),
    new Field('payload', new Utf8(), true),
    ...vectorFields(vectors),
  ])
}

function vectorFields(vectors: readonly TableVector[]): Field[] {
  return vectors.flatMap((vector) => {
    if (isSparse(vector)) return sparseFields(vector)
    const list = new FixedSizeList(vector.size, new Field('item', new Float32(), true))
    const type = vector.multivectorConfig ? new List(new Field('item', list, true)) : list
    return [new Field(vectorColumn(vector), type, true)]
  })
}

/** The schema of columns to add to a table. */
export function columnsSchema(vectors: readonly TableVector[]): Schema {
  return new Schema(vectorFields(vectors))
}

function sparseFields(vector: TableVector): Field[] {
  const [indices, values] = sparseColumns(vector)
  return [
    new Field(indices, new List(new Field('item', new Uint32(), true)), true),
    new Field(values, new List(new Field('item', new Float32(), true)), true),
  ]
}

/** The batch as an Arrow table over the same buffers; only flags are packed into bits. */
export function toArrow(batch: FlushBatch, schema: Schema): Table {
  const length = batch.count
  const type = (i: number) => schema.fields[i]?.type as never
  const payloads = presenceOfTexts(batch.payloads.offsets, length)
  const columns: Data[] = [
    makeData({ type: type(0), length, nullCount: 0, data: batch.ids.bytes, valueOffsets: batch.ids.offsets } as never),
    makeData({ type: type(1), length, nullCount: 0, data: batch.seqs } as never),
    makeData({ type: type(2), length, nullCount: 0, data: packBits(batch.deleted, length).bits } as never),
    makeData({ type: type(3), length, nullCount: 0, data: batch.crcs } as never),
    makeData({
      type: type(4),
      length,
      nullCount: payloads.zeros,
      nullBitmap: payloads.bits,
      data: batch.payloads.bytes,
      valueOffsets: batch.payloads.offsets,
    } as never),
    ...batch.vectors.flatMap(({ data, counts, sparse }, i): Data[] => {
      const { bits, zeros } = packBits(counts, length)
      const floats = makeData({ type: new Float32(), length: data.length, nullCount: 0, data })
      const nulls = { nullCount: zeros, nullBitmap: bits }
      if (sparse) {
        const indices = makeData({ type: new Uint32(), length: data.length, nullCount: 0, data: sparse.indices })
        const list = { length, ...nulls, valueOffsets: sparse.offsets }
        return [
          makeData({ type: new List(new Field('item', new Uint32(), true)), ...list, child: indices } as never),
          makeData({ type: new List(new Field('item', new Float32(), true)), ...list, child: floats } as never),
        ]
      }
      // Sparse vectors come last, so the index of a dense vector is the index of its column.
      const column = schema.fields[5 + i]?.type as FixedSizeList<Float32> | List<FixedSizeList<Float32>>
      const isMulti = column instanceof List
      const list = isMulti ? column.children[0]?.type : column
      const vectors = isMulti ? data.length / (list as FixedSizeList).listSize : length
      const child = makeData({
        type: list,
        length: vectors,
        nullCount: 0,
        ...(isMulti ? {} : nulls),
        child: floats,
      } as never)
      if (!isMulti) return [child as Data]
      return [makeData({ type: column, length, ...nulls, valueOffsets: offsetsOf(counts), child } as never) as Data]
    }),
  ]
  const rows = makeData({ type: new Struct(schema.fields), length, nullCount: 0, children: columns })
  return new Table(schema, [new RecordBatch(schema, rows as never)])
}

/** An Arrow file with these rows, or without rows. */
export function toFile(schema: Schema, rows: Table | null): Uint8Array<ArrayBuffer> {
  return tableToIPC(rows ?? new Table(schema), 'file') as Uint8Array<ArrayBuffer>
}

/** The one record batch of such a file, over the same bytes. */
export function fromFile(file: Uint8Array): RecordBatch {
  const { batches } = tableFromIPC(file)
  const [rows] = batches
  if (!rows || batches.length !== 1) throw new Error(`expected one record batch, got ${batches.length}`)
  return rows
}

export function highestSeq({ seqs }: FlushBatch): number {
  let most = 0n
  for (let i = 0; i < seqs.length; i++) if ((seqs[i] as bigint) > most) most = seqs[i] as bigint
  return Number(most)
}

/** A copy of the checksums in a record batch that has no other column. */
export function checksumsIn(rows: RecordBatch): Uint32Array {
  return (valuesOf(rows.data.children[0] as Data) as Uint32Array).slice()
}

/** Converts a record batch of the table, with the columns of `tableSchema`, to the kernel's form. */
export function fromArrow(rows: RecordBatch, vectors: readonly TableVector[]): FlushBatch {
  const count = rows.numRows
  const column = (name: string): Data => {
    const at = rows.schema.fields.findIndex((field) => field.name === name)
    const data = rows.data.children[at]
    if (!data || data.length !== count) throw new Error(`the table has no column ${name}`)
    return data
  }
  return {
    count,
    throughSeq: 0,
    ids: textsOf(column('id')),
    seqs: valuesOf(column('seq')) as BigInt64Array,
    deleted: unpackBits(column('deleted')),
    crcs: valuesOf(column('crc')) as Uint32Array,
    payloads: textsOf(column('payload')),
    vectors: vectors.map((vector) => {
      if (isSparse(vector)) {
        const [indices, values] = sparseColumns(vector)
        return sparseVectorsOf(column(indices), column(values))
      }
      const data = column(vectorColumn(vector))
      return vector.multivectorConfig ? multivectorsOf(data, vector.size) : vectorsOf(data, vector.size)
    }),
  }
}

/** 1 if a text is not empty. An empty text means a point without payload, which is null in the table. */
function presenceOfTexts(offsets: Int32Array, length: number): { bits: Uint8Array; zeros: number } {
  const present = new Uint8Array(length)
  for (let row = 0; row < length; row++) present[row] = offsets[row] === offsets[row + 1] ? 0 : 1
  return packBits(present, length)
}

function packBits(flags: Uint8Array | Uint32Array, length: number): { bits: Uint8Array; zeros: number } {
  const bits = new Uint8Array(Math.ceil(length / 64) * 8)
  let ones = 0
  for (let row = 0; row < length; row++) {
    if (flags[row] === 0) continue
    bits[row >> 3] = (bits[row >> 3] as number) | (1 << (row & 7))
    ones++
  }
  return { bits, zeros: length - ones }
}

function bitOf(bits: Uint8Array, at: number): number {
  return ((bits[at >> 3] as number) >> (at & 7)) & 1
}

function unpackBits(data: Data): Uint8Array {
  const flags = new Uint8Array(data.length)
  const bits = data.values as Uint8Array
  for (let row = 0; row < data.length; row++) flags[row] = bitOf(bits, data.offset + row)
  return flags
}

/** Presence of each row, from the null bitmap; all present without one. */
function presentRows(data: Data): Uint32Array {
  const present = new Uint32Array(data.length)
  if (data.nullCount === 0) return present.fill(1)
  for (let row = 0; row < data.length; row++) present[row] = bitOf(data.nullBitmap as Uint8Array, data.offset + row)
  return present
}

/** The plain values. apache-arrow moves their view when it slices, so they begin with the first row. */
function valuesOf(data: Data): BigInt64Array | Uint32Array {
  return (data.values as BigInt64Array | Uint32Array).subarray(0, data.length) as BigInt64Array | Uint32Array
}

/** Texts with offsets that begin at 0; a null is an empty text. */
function textsOf(data: Data): { bytes: Uint8Array; offsets: Int32Array } {
  const given = (data.valueOffsets as Int32Array).subarray(0, data.length + 1)
  const first = given[0] ?? 0
  const last = given[data.length] ?? first
  const bytes = (data.values as Uint8Array).subarray(first, last)
  if (first === 0) return { bytes, offsets: given }
  return { bytes, offsets: given.map((offset) => offset - first) }
}

/** Vectors from two columns of lists of equal lengths. */
function sparseVectorsOf(indices: Data, values: Data): VectorRows {
  const counts = presentRows(indices)
  const { items: ofIndices, offsets } = listsOf(indices)
  const { items: ofValues, offsets: others } = listsOf(values)
  if (offsets.some((offset, row) => offset !== others[row])) throw new Error('indices and values of unequal lengths')
  const sparse = { indices: ofIndices as Uint32Array, offsets }
  return { data: ofValues as Float32Array, counts, sparse }
}

/** Items, and offsets that begin at 0. */
function listsOf(data: Data): { items: Uint32Array | Float32Array; offsets: Int32Array } {
  const given = (data.valueOffsets as Int32Array).subarray(0, data.length + 1)
  const first = given[0] ?? 0
  const last = given[data.length] ?? first
  const items = ((data.children[0] as Data).values as Uint32Array | Float32Array).subarray(first, last)
  return { items, offsets: first === 0 ? given : given.map((offset) => offset - first) }
}

/** Floats of a fixed-size list. Values under a null are undefined and are set to zero. */
function vectorsOf(data: Data, size: number): VectorRows {
  const items = data.children[0] as Data<Float>
  const counts = presentRows(data)
  const floats = (items.values as Float32Array).subarray(0, data.length * size)
  if (floats.length !== data.length * size)
    throw new Error(`a vector column of ${floats.length} floats for ${data.length} rows`)
  if (data.nullCount === 0) return { data: floats, counts }
  const clean = Float32Array.from(floats)
  for (let row = 0; row < data.length; row++) {
    if (counts[row] === 0) clean.fill(0, row * size, (row + 1) * size)
  }
  return { data: clean, counts }
}

function offsetsOf(counts: Uint32Array): Int32Array {
  const offsets = new Int32Array(counts.length + 1)
  for (let row = 0; row < counts.length; row++) offsets[row + 1] = (offsets[row] as number) + (counts[row] as number)
  return offsets
}

/** Floats of lists of fixed-size lists; a null has none. */
function multivectorsOf(data: Data, size: number): VectorRows {
  const present = presentRows(data)
  const offsets = (data.valueOffsets as Int32Array).subarray(0, data.length + 1)
  const counts = present.map((one, row) => (one === 0 ? 0 : (offsets[row + 1] as number) - (offsets[row] as number)))
  const lists = data.children[0] as Data
  const floats = (lists.children[0] as Data<Float>).values as Float32Array
  const [first, last] = [(offsets[0] as number) * size, (offsets[data.length] as number) * size]
  if (floats.length < last) throw new Error(`a vector column of ${floats.length} floats for ${last}`)
  const spanned = floats.subarray(first, last)
  const kept = counts.reduce((sum, count) => sum + count, 0) * size
  if (kept === spanned.length) return { data: spanned, counts }
  const clean = new Float32Array(kept)
  let at = 0
  for (let row = 0; row < data.length; row++) {
    const from = (offsets[row] as number) * size
    const length = (counts[row] as number) * size
    clean.set(floats.subarray(from, from + length), at)
    at += length
  }
  return { data: clean, counts }
}
