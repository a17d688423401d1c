import { truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import * as arrow from 'apache-arrow'
import { describe, expect, test } from 'vitest'
import { VicinalError } from '../../../src/core/errors.js'
import type { Point } from '../../../src/core/point.js'
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
  ['json lines', 'json', (path) => files.writeJsonLines(path, ROWS)],
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
    expect(shape.vectors).toEqual(new Map([['vector', { kind: 'dense', size: files.DIM }]]))
    expect([null, ROWS]).toContain(shape.rows)
    const batches = await files.readAll(file, format)
    expect(files.floatsOf(batches)).toEqual(expectedFloats)
    if (!shape.columns.includes('id')) return
    const points = files.pointsOf(batches) as Point[]
    expect(points.map(({ id }) => Number(id))).toEqual(files.rowsFrom(0, ROWS))
    expect(points.map(({ payload }) => payload)).toEqual(files.rowsFrom(0, ROWS).map((row) => ({ text: `row ${row}` })))
  })

  test('resumes from the cursor of any batch with exactly the following rows', async () => {
    const file = path()
    const batches = await files.readAll(file, format)
    for (const { next } of batches) {
      if (!next) continue
      const rest = await files.readAll(file, format, files.WHOLE, next)
      expect(files.floatsOf(rest)).toEqual(expectedFloats.slice(next.row * files.DIM))
      expect(rest[0]?.first ?? ROWS).toBe(next.row)
    }
    expect(batches.at(-1)?.next?.row).toBe(ROWS)
  })

  test('refuses a file that ends too early', async () => {
    const file = path()
    // Cut in the middle of a row, in every format.
    truncateSync(file, 301)
    const read = files.readAll(file, format).then((batches) => {
      for (const point of files.pointsOf(batches)) if (point instanceof VicinalError) throw point
    })
    await expect(read).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
  })
})

test.each(['json', 'csv'] as const)(
  '%s: gzip, a byte order mark, an array and lines are the same rows',
  async (format) => {
    const folder = files.temporaryFolder()
    const rows = files
      .rowsFrom(0, ROWS)
      .map((row) => ({ id: row, vector: files.vectorOf(row), text: `row ${row}, "quoted"\n` }))
    const csv = rows.map(({ id, vector, text }) => `${id},"${JSON.stringify(vector)}","${text.replaceAll('"', '""')}"`)
    const texts = {
      json: [
        rows.map((row) => JSON.stringify(row)).join('\n'),
        JSON.stringify(rows),
        `[\n${rows.map((row) => JSON.stringify(row, null, 2)).join(' ,')}]\n`,
      ],
      csv: [`id,vector,text\n${csv.join('\n')}`, `id,vector,text\r\n${csv.join('\r\n')}\r\n`],
    }
    for (const [at, text] of texts[format].entries()) {
      for (const [kind, bytes] of Object.entries({
        plain: Buffer.from(text),
        mark: Buffer.from(`\ufeff${text}`),
        gz: gzipSync(text),
      })) {
        const path = join(folder, `${at}-${kind}`)
        writeFileSync(path, bytes)
        const points = files.pointsOf(await files.readAll(path, format))
        const expected = rows.map(({ id, vector, text }) => ({ id, vector: { '': vector }, payload: { text } }))
        expect(points).toEqual(expected)
      }
    }
  },
)

test('points as the API has them are read as the API reads them', async () => {
  const path = join(files.temporaryFolder(), 'points.jsonl')
  const point = {
    id: 1,
    vector: {
      image: [1, 2],
      words: { indices: [3], values: [0.5] },
      tokens: [
        [1, 2],
        [3, 4],
      ],
    },
    payload: { __proto__: 1, a: 2n ** 60n },
  }
  writeFileSync(
    path,
    `${JSON.stringify({ ...point, payload: 0 }).replace('"payload":0', '"payload":{"__proto__":1,"a":1152921504606846977}')}\n{"id":2,"vector":[1,"x"]}\n`,
  )
  const source = await openSource(path, 'json')
  expect(await source.shape()).toMatchObject({
    isPoints: true,
    vectors: new Map([
      ['image', { kind: 'dense', size: 2 }],
      ['words', { kind: 'sparse', size: 0 }],
      ['tokens', { kind: 'multi', size: 2 }],
    ]),
  })
  await source.close()
  const [first, second] = files.pointsOf(await files.readAll(path, 'json', { ...files.WHOLE, isPoints: true }))
  expect(JSON.stringify(first, (_, value) => (typeof value === 'bigint' ? String(value) : value))).toBe(
    '{"id":1,"vector":{"image":[1,2],"words":{"indices":[3],"values":[0.5]},"tokens":[[1,2],[3,4]]},"payload":{"__proto__":1,"a":"1152921504606846977"}}',
  )
  expect(second).toMatchObject({ code: 'INVALID_ARGUMENT', details: { field: 'vector[1]' } })
})

test('an index of hnswlib gives its labels and vectors, without deleted ones', async () => {
  const { default: hnswlib } = await import('hnswlib-node')
  const index = new hnswlib.HierarchicalNSW('l2', files.DIM)
  index.initIndex(100)
  for (const row of files.rowsFrom(0, ROWS)) index.addPoint(files.vectorOf(row), 1000 + row)
  index.markDelete(1007)
  const path = join(files.temporaryFolder(), 'index.bin')
  index.writeIndexSync(path)
  const batches = await files.readAll(path, 'hnswlib')
  const rows = files.rowsFrom(0, ROWS).filter((row) => row !== 7)
  expect(files.floatsOf(batches)).toEqual(rows.flatMap(files.vectorOf))
  expect((files.pointsOf(batches) as Point[]).map(({ id }) => Number(id))).toEqual(rows.map((row) => 1000 + row))
  truncateSync(path, 1000)
  await expect(files.readAll(path, 'hnswlib')).rejects.toThrow(/index.bin: 1000 bytes, expected/)
  writeFileSync(path, Buffer.alloc(200, 7))
  await expect(files.readAll(path, 'hnswlib')).rejects.toThrow('index.bin: not an index of hnswlib')
})

test('a Lance table gives its rows', async () => {
  const lance = await import('@lancedb/lancedb')
  const folder = files.temporaryFolder()
  const database = await lance.connect(folder)
  const rows = files.rowsFrom(0, ROWS).map((row) => ({ id: row, vector: files.vectorOf(row), text: `row ${row}` }))
  await database.createTable('rows', rows)
  database.close()
  const path = join(folder, 'rows.lance')
  const batches = await files.readAll(path, 'lance')
  expect(files.floatsOf(batches)).toEqual(expectedFloats)
  expect((files.pointsOf(batches) as Point[])[3]).toMatchObject({ id: 3, payload: { text: 'row 3' } })
  const rest = await files.readAll(path, 'lance', files.WHOLE, { at: 0, row: 20 })
  expect(files.floatsOf(rest)).toEqual(expectedFloats.slice(20 * files.DIM))
  await expect(files.readAll(join(folder, 'none.lance'), 'lance')).rejects.toThrow('no such folder')
  await expect(files.readAll(folder, 'lance')).rejects.toThrow('expected the folder of a Lance table')
})

test('a row without a vector lacks it, and its neighbours keep theirs', async () => {
  const path = join(files.temporaryFolder(), 'holes.parquet')
  files.writeParquet(path, 3, 3, { vectors: [files.vectorOf(0), null, files.vectorOf(2)] })
  const points = files.pointsOf(await files.readAll(path, 'parquet')) as Point[]
  expect(points.map(({ vector }) => Object.keys(vector))).toEqual([[''], [], ['']])
  expect(files.floatsOf(await files.readAll(path, 'parquet'))).toEqual([...files.vectorOf(0), ...files.vectorOf(2)])
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
  const choice = { ...files.WHOLE, id: null }
  write(0b11110011)
  expect(files.floatsOf(await files.readAll(path, 'arrow', choice))).toEqual([1, 2, 5, 6, 7, 8])
  write(0b11010011)
  const points = files.pointsOf(await files.readAll(path, 'arrow', choice))
  expect(points[2]).toMatchObject({ message: 'vector[1]: expected a finite number, got null' })
})

test('json lines keep integers beyond 2^53, skip blank lines and name a bad line', async () => {
  const path = join(files.temporaryFolder(), 'rows.jsonl')
  writeFileSync(path, '{"id":18446744073709551615,"vector":[1,2]}\n\n{"id":2,"vector":[3,4]}')
  const points = files.pointsOf(await files.readAll(path, 'json')) as Point[]
  expect(points.map(({ id }) => id)).toEqual([18446744073709551615n, 2])
  writeFileSync(path, '{"id":1,"vector":[1,2]}\nnot json\n{"id":3,"vector":[1,2]}')
  const [, bad, last] = files.pointsOf(await files.readAll(path, 'json'))
  expect(bad).toMatchObject({ message: expect.stringContaining('row: expected JSON') })
  expect(last).toMatchObject({ id: 3 })
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
  const [point] = files.pointsOf(await files.readAll(path, 'arrow')) as Point[]
  expect(point?.payload).toEqual({
    big: 9007199254740993n,
    small: 7,
    when: '2024-05-06T07:08:09.000Z',
    day: '2024-05-06',
    nan: null,
    tags: ['a', 'b'],
    word: 'x',
  })
})
