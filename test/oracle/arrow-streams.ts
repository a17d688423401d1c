/** Arrow streams with columns of every kind that a stream of points may have. */
import {
  Bool,
  type DataType,
  DateDay,
  Decimal,
  Dictionary,
  Field,
  FixedSizeList,
  Float16,
  Float32,
  Float64,
  Int32,
  Int64,
  List,
  Struct,
  Table,
  TimestampMicrosecond,
  TimestampMillisecond,
  tableToIPC,
  Uint32,
  Utf8,
  vectorFromArray,
} from 'apache-arrow'

const listOf = (type: DataType) => new List(new Field('item', type))

/** Rows that all have a vector `image` of 4 numbers, and a payload. */
export function plainStream(rows: number): Buffer {
  const column = (type: DataType, valueAt: (row: number) => unknown) =>
    vectorFromArray(
      Array.from({ length: rows }, (_, row) => valueAt(row)),
      type,
    )
  const table = new Table({
    id: column(new Int64(), (row) => BigInt(row)),
    image: column(new FixedSizeList(4, new Field('item', new Float32(), false)), (row) => [row, 1, 2, 3]),
    text: column(new Utf8(), (row) => (row % 7 === 0 ? null : `tëxt ${row}`)),
    price: column(new Float64(), (row) => row / 2),
  } as never)
  return Buffer.from(tableToIPC(table, 'stream'))
}

/** Vectors of a collection: `image` of 4 numbers, the multivector `tokens` of 2, and the sparse `words`. */
export function streamOfKinds(rows: number, batches = 1): Buffer {
  const column = (type: DataType, valueAt: (row: number) => unknown, first: number) =>
    vectorFromArray(
      Array.from({ length: rows }, (_, i) => valueAt(first + i)),
      type,
    )
  const sparse = new Struct([new Field('indices', listOf(new Uint32())), new Field('values', listOf(new Float32()))])
  const deep = new Struct([new Field('a', listOf(new Struct([new Field('b', new Int32())])))])
  // One type is one dictionary.
  const kinds = new Dictionary(new Utf8(), new Int32())
  const tables = Array.from({ length: batches }, (_, batch) => {
    const of = (type: DataType, valueAt: (row: number) => unknown) => column(type, valueAt, batch * rows)
    return new Table({
      id: of(new Int64(), (row) => BigInt(row)),
      image: of(new FixedSizeList(4, new Field('item', new Float32())), (row) =>
        row % 10 === 3 ? null : [row, 1, 2, 3],
      ),
      tokens: of(listOf(listOf(new Float64())), (row) => Array.from({ length: 1 + (row % 3) }, () => [row, 1])),
      words: of(sparse, (row) => ({ indices: [1, row + 2], values: [0.5, 2] })),
      text: of(new Utf8(), (row) => (row % 7 === 0 ? null : `tëxt ${row}`)),
      kind: of(kinds, (row) => `kind ${row % 5}`),
      big: of(new Int64(), (row) => 9_007_199_254_740_993n + BigInt(row)),
      half: of(new Float16(), (row) => row + 0.5),
      flag: of(new Bool(), (row) => row % 3 === 0),
      when: of(new TimestampMillisecond(), (row) => new Date(1e12 + row)),
      micro: of(new TimestampMicrosecond(), (row) => 1e12 + row),
      day: of(new DateDay(), () => new Date('2026-12-01')),
      price: of(new Decimal(2, 10, 128), () => Uint32Array.of(1999, 0, 0, 0)),
      tags: of(listOf(new Utf8()), (row) => ['a', `b${row}`]),
      deep: of(deep, (row) => ({ a: [{ b: row }] })),
    } as never)
  })
  const [first, ...others] = tables as [Table, ...Table[]]
  return Buffer.from(tableToIPC(first.concat(...others), 'stream'))
}
