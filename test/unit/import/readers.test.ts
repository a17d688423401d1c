import { truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import * as arrow from 'apache-arrow'
import { describe, expect, test } from 'vitest'
import { type Format, openSource } from '../../../src/import/formats.js'
import * as files from './sample-files.js'

const ROWS = 25
const expectedFloats = files.rowsFrom(0, ROWS).flatMap(files.vectorOf)

const WRITERS: [string, Format, (path: string) => void][] = [
  ['parquet, list of float32', 'parquet', (path) => files.writeParquet(path, ROWS, 10)],
  ['parquet, list of float64', 'parquet', (path) => files.writeParquet(path, ROWS, 10, { kind: 'float64' })],
  ['parquet, list of float16', 'parquet', (path) => files.writeParquet(path, ROWS, 10, { kind: 'float16' })],
  ['arrow file', 'arrow', (path) => writeFileSync(path, arrow.tableToIPC(files.arrowTable(ROWS, 10), 'file'))],
  ['arrow stream', 'arrow', (path) => writeFileSync(path, arrow.tableToIPC(files.arrowTable(ROWS, 10), 'stream'))],
  [
    'arrow float16',
    'arrow',
    (path) => writeFileSync(path, arrow.tableToIPC(files.arrowTable(ROWS, 10, new arrow.Float16()))),
  ],
  [
    'arrow float64',
    'arrow',
    (path) => writeFileSync(path, arrow.tableToIPC(files.arrowTable(ROWS, 10, new arrow.Float64()))),
  ],
  ['json lines', 'jsonl', (path) => files.writeJsonLines(path, ROWS)],
  ['npy float32', 'npy', (path) => files.writeNpy(path, ROWS)],
  ['npy float64', 'npy', (path) => files.writeNpy(path, ROWS, '<f8')],
  ['fbin', 'fbin', (path) => files.writeFbin(path, ROWS)],
  ['fvecs', 'fvecs', (path) => files.writeFvecs(path, ROWS)],
]

describe.each(WRITERS)('%s', (_name, format, write) => {
  const path = () => {
    const at = join(files.temporaryFolder(), 'rows')
    write(at)
    return at
  }

  test('returns every row once, in order, with ids and payload if the format has them', async () => {
    const file = path()
    const source = await openSource(file, format)
    const shape = await source.shape()
    await source.close()
    expect(shape.vectors).toEqual(new Map([['vector', files.DIM]]))
    expect([null, ROWS]).toContain(shape.rows)
    const batches = await files.readAll(file, format)
    expect(files.floatsOf(batches)).toEqual(expectedFloats)
    expect(batches.reduce((sum, batch) => sum + batch.count, 0)).toBe(ROWS)
    if (!shape.columns.includes('id')) return
    expect(batches.flatMap((batch) => batch.ids ?? []).map(Number)).toEqual(files.rowsFrom(0, ROWS))
    expect(batches.flatMap((batch) => batch.payloads ?? [])).toEqual(
      files.rowsFrom(0, ROWS).map((row) => ({ text: `row ${row}` })),
    )
  })

  test('resumes from the cursor of any batch with exactly the following rows', async () => {
    const file = path()
    const batches = await files.readAll(file, format)
    for (const { next } of batches) {
      if (!next) continue
      const rest = await files.readAll(file, format, files.WHOLE, next)
      expect(files.floatsOf(rest)).toEqual(expectedFloats.slice(next.row * files.DIM))
      expect(rest[0]?.firstRow ?? ROWS).toBe(next.row)
    }
    expect(batches.at(-1)?.next?.row).toBe(ROWS)
  })

  test('refuses a file that ends too early', async () => {
    const file = path()
    // Cut in the middle of a row, in every format.
    truncateSync(file, 301)
    await expect(files.readAll(file, format)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
  })
})

test('a row without a vector is marked, and its neighbours keep theirs', async () => {
  const path = join(files.temporaryFolder(), 'holes.parquet')
  files.writeParquet(path, 3, 3, { vectors: [files.vectorOf(0), null, files.vectorOf(2)] })
  const [batch] = await files.readAll(path, 'parquet')
  const vectors = batch?.vectors.get('vector')
  expect(vectors?.present).toEqual(Uint8Array.of(1, 0, 1))
  expect(Array.from(vectors?.data ?? [])).toEqual([...files.vectorOf(0), 0, 0, 0, 0, ...files.vectorOf(2)])
})

test('nulls below a row without a vector are ignored, as some writers make them; other nulls are refused', async () => {
  const path = join(files.temporaryFolder(), 'holes.arrow')
  const write = (bits: number) => {
    const type = new arrow.FixedSizeList(2, new arrow.Field('item', new arrow.Float32(), true))
    const data = Float32Array.of(1, 2, 3, 4, 5, 6, 7, 8)
    const nullBitmap = Uint8Array.of(bits)
    const child = arrow.makeData({ type: new arrow.Float32(), length: 8, nullCount: -1, nullBitmap, data })
    const list = arrow.makeData({ type, length: 4, nullCount: 1, nullBitmap: Uint8Array.of(0b1101), child })
    const table = new arrow.Table({ vector: new arrow.Vector([list]) })
    writeFileSync(path, arrow.tableToIPC(table, 'file'))
  }
  const choice = { id: null, vectors: ['vector'] }
  write(0b11110011)
  const [batch] = await files.readAll(path, 'arrow', choice)
  expect(batch?.vectors.get('vector')?.present).toEqual(Uint8Array.of(1, 0, 1, 1))
  expect(Array.from(batch?.vectors.get('vector')?.data ?? [])).toEqual([1, 2, 0, 0, 5, 6, 7, 8])
  write(0b11010011)
  await expect(files.readAll(path, 'arrow', choice)).rejects.toThrow('row 2: vector: a vector has an empty (null)')
})

test('a vector of another dimension is refused with its row', async () => {
  const path = join(files.temporaryFolder(), 'ragged.parquet')
  files.writeParquet(path, 3, 3, { vectors: [files.vectorOf(0), [1, 2], files.vectorOf(2)] })
  await expect(files.readAll(path, 'parquet')).rejects.toThrow('row 1: vector: expected 4 dimensions, got 2')
})

test('json lines keep integers beyond 2^53, skip blank lines and name a bad line', async () => {
  const path = join(files.temporaryFolder(), 'rows.jsonl')
  writeFileSync(path, '{"id":18446744073709551615,"vector":[1,2]}\n\n{"id":2,"vector":[3,4]}')
  const [batch] = await files.readAll(path, 'jsonl')
  expect(batch?.ids).toEqual([18446744073709551615n, 2])
  writeFileSync(path, '{"id":1,"vector":[1,2]}\nnot json\n')
  await expect(files.readAll(path, 'jsonl')).rejects.toThrow('line 2:')
})

test('arrow values become JSON values', async () => {
  const table = new arrow.Table({
    id: arrow.vectorFromArray([1], new arrow.Int32()),
    vector: arrow.vectorFromArray([[1, 2]], new arrow.FixedSizeList(2, new arrow.Field('item', new arrow.Float32()))),
    big: arrow.vectorFromArray([9007199254740993n], new arrow.Int64()),
    small: arrow.vectorFromArray([7n], new arrow.Int64()),
    when: arrow.vectorFromArray([new Date('2024-05-06T07:08:09.000Z')], new arrow.TimestampMillisecond()),
    day: arrow.vectorFromArray([new Date('2024-05-06')], new arrow.DateDay()),
    nan: arrow.vectorFromArray([Number.NaN], new arrow.Float64()),
    tags: arrow.vectorFromArray([['a', 'b']], new arrow.List(new arrow.Field('item', new arrow.Utf8()))),
    word: arrow.vectorFromArray(['x'], new arrow.Dictionary(new arrow.Utf8(), new arrow.Int32())),
    bytes: arrow.vectorFromArray([Uint8Array.of(1)], new arrow.Binary()),
  })
  const path = join(files.temporaryFolder(), 'types.arrow')
  writeFileSync(path, arrow.tableToIPC(table, 'file'))
  const [batch] = await files.readAll(path, 'arrow')
  expect(batch?.payloads).toEqual([
    {
      big: 9007199254740993n,
      small: 7,
      when: '2024-05-06T07:08:09.000Z',
      day: '2024-05-06',
      nan: null,
      tags: ['a', 'b'],
      word: 'x',
    },
  ])
})
