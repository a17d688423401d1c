import { mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { TableVector } from '../../../src/core/schema.js'
import { Disk } from '../../../src/disk/disk.js'
import { LanceTable, type TableSpec } from '../../../src/storage/lance-table.js'
import { flushBatch, type Row, rowsMatchCrcs, rowsOf } from './flush-batches.js'

const DIMS = [3, 2]
const vectors: TableVector[] = [
  { name: 'a.b Größe', size: 3 },
  { name: 'Image', size: 2 },
]

let root: string
let spec: TableSpec

beforeEach(async () => {
  // A name that would mean something else as a URL.
  root = mkdtempSync(join(tmpdir(), 'vicinal lance %20#'))
  spec = { disk: new Disk(root), folder: 'c-1', collection: 'photos', vectors }
  await spec.disk.makeFolder('c-1')
})

afterEach(() => rmSync(root, { recursive: true, force: true }))

const row = (id: number | string, seq: number, more: Partial<Row> = {}): Row => ({
  id: String(id),
  seq,
  deleted: false,
  payload: `{"n":${seq}}`,
  vectors: [[Number(seq), 0.5, -1], null],
  ...more,
})
const rows = (from: number, to: number, seq: number) => Array.from({ length: to - from }, (_, i) => row(from + i, seq))
const batch = (of: Row[]) => flushBatch(of, DIMS)

async function allRows(table: LanceTable, afterSeq = 0): Promise<Row[]> {
  const found: Row[] = []
  for await (const part of table.scan(afterSeq)) {
    expect(rowsMatchCrcs(part)).toBe(true)
    found.push(...rowsOf(part))
  }
  return found.sort((a, b) => (a.id < b.id ? -1 : 1))
}

async function committed(table: LanceTable, of: Row[]): Promise<number> {
  const version = await table.commit(batch(of))
  await table.syncNewFiles()
  return version
}

const files = () =>
  readdirSync(join(root, 'c-1'), { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
const sizeOfFolder = () =>
  files().reduce((sum, entry) => sum + readFileSync(join(entry.parentPath, entry.name)).length, 0)

test('rows are read as written: absent vectors, no payload, deletes, any text', async () => {
  const given = [
    row(1, 1),
    row(2, 2, { payload: '', vectors: [null, [1, 2]] }),
    row('6f9619ff-8b86-d011-b42d-00cf4fc964ff', 3, {
      payload: '{"name":"Zoë 🎈\\u0000"}',
      vectors: [
        [1e-45, 3.4e38, -0],
        [5, 6],
      ],
    }),
    row('18446744073709551615', 4, { deleted: true, payload: '', vectors: [null, null] }),
  ]
  const table = await LanceTable.open(spec, 0)
  const version = await committed(table, given)
  const expected = rowsOf(batch(given)).sort((a, b) => (a.id < b.id ? -1 : 1))
  expect(await allRows(table)).toEqual(expected)
  expect(await allRows(table, 2)).toEqual(expected.filter((found) => found.seq > 2))
  expect(await table.countRows()).toBe(3)
  await table.close()
  const reopened = await LanceTable.open(spec, version)
  expect(await allRows(reopened)).toEqual(expected)
  await reopened.close()
})

test('any Arrow tool can read the table: one column for each vector under its escaped name', async () => {
  const table = await LanceTable.open(spec, 0)
  await committed(table, [
    row(7, 1, {
      vectors: [
        [1, 2, 3],
        [4, 5],
      ],
    }),
  ])
  await table.close()
  const lancedb: typeof import('@lancedb/lancedb') = createRequire(import.meta.url)('@lancedb/lancedb')
  const other = await (await lancedb.connect(join(root, 'c-1'))).openTable('table')
  expect((await other.schema()).fields.map((field) => `${field.name}: ${field.type}`)).toEqual([
    'id: Utf8',
    'seq: Int64',
    'deleted: Bool',
    'crc: Uint32',
    'payload: Utf8',
    'vector_a$2e$b$20$Gr$f6$$df$e: FixedSizeList[3]<Float32>',
    'vector_Image: FixedSizeList[2]<Float32>',
  ])
  const [found] = (await other.query().toArray()) as { id: string; payload: string; vector_Image: Iterable<number> }[]
  expect([found?.id, found?.payload, [...(found?.vector_Image ?? [])]]).toEqual(['7', '{"n":1}', [4, 5]])
})

test('committing twice equals committing once, and a stale commit changes nothing', async () => {
  const table = await LanceTable.open(spec, 0)
  await committed(table, rows(0, 50, 10))
  await committed(table, rows(0, 50, 10))
  await committed(table, [row(3, 9), row(4, 11), row(99, 12)])
  await committed(table, [
    row(4, 8, { deleted: true }),
    row(5, 13, { deleted: true, payload: '', vectors: [null, null] }),
  ])
  const found = await allRows(table)
  expect(found).toHaveLength(51)
  expect(Object.fromEntries(found.map(({ id, seq }) => [id, seq]))).toMatchObject({ 3: 10, 4: 11, 5: 13, 99: 12 })
  expect(await table.countRows()).toBe(50)
  await table.close()
})

test('opening at an older version drops the newer ones, torn or not', async () => {
  const table = await LanceTable.open(spec, 0)
  const first = await committed(table, rows(0, 20, 1))
  const second = await committed(table, rows(0, 20, 2))
  await table.commit(batch(rows(0, 20, 3)))
  await table.close()
  const versions = join(root, 'c-1/table.lance/_versions')
  truncateSync(join(versions, readdirSync(versions).sort()[0] as string), 40)
  writeFileSync(join(root, 'c-1/table.lance/data/.tmpA1b2'), 'left by a killed writer')

  const again = await LanceTable.open(spec, second)
  expect((await allRows(again)).map(({ seq }) => seq)).toEqual(new Array(20).fill(2))
  expect(files().map(({ name }) => name)).not.toContain('.tmpA1b2')
  await again.close()

  const older = await LanceTable.open(spec, first)
  expect((await allRows(older)).map(({ seq }) => seq)).toEqual(new Array(20).fill(1))
  const next = await committed(older, rows(10, 30, 4))
  await older.close()
  const last = await LanceTable.open(spec, next)
  expect(await last.countRows()).toBe(30)
  await last.close()

  const none = await LanceTable.open(spec, 0)
  expect(files().map(({ name }) => name)).toEqual([])
  expect(await allRows(none)).toEqual([])
  await committed(none, rows(0, 5, 1))
  expect(await none.countRows()).toBe(5)
  await none.close()
})

test('an unsynced version is dropped by the next commit', async () => {
  const table = await LanceTable.open(spec, 0)
  await committed(table, rows(0, 5, 1))
  await table.commit(batch(rows(0, 5, 2)))
  await committed(table, rows(5, 9, 3))
  expect((await allRows(table)).map(({ seq }) => seq)).toEqual([1, 1, 1, 1, 1, 3, 3, 3, 3])
  await table.close()
})

test('a reader keeps its version while the writer goes on', async () => {
  const table = await LanceTable.open(spec, 0)
  const version = await committed(table, rows(0, 10, 1))
  const reader = await LanceTable.open(spec, version, { readOnly: true })
  await committed(table, rows(0, 10, 2))
  expect((await allRows(reader)).map(({ seq }) => seq)).toEqual(new Array(10).fill(1))
  await reader.close()
  await table.close()
})

test('after a hundred upserts of the same ids the folder is below twice the live data', async () => {
  const plain: TableVector[] = [{ name: '', size: 64 }]
  const wide = { ...spec, vectors: plain }
  const wideRows = (seq: number) =>
    Array.from(
      { length: 1000 },
      (_, id): Row => ({
        id: String(id),
        seq,
        payload: '{"a":"0123456789"}',
        vectors: [Array.from({ length: 64 }, (_, i) => Math.sin(id * 64 + i + seq))],
      }),
    )
  const table = await LanceTable.open(wide, 0)
  let version = 0
  for (let seq = 1; seq <= 100; seq++) {
    version = await table.commit(flushBatch(wideRows(seq), [64]))
    await table.syncNewFiles()
    if (seq % 10 === 0) {
      if (await table.needsMaintenance()) version = await table.compact({ checkpointSeq: 0 })
      await table.removeOldVersions(version, 0)
    }
  }
  const alone = await LanceTable.open({ ...wide, folder: 'c-2' }, 0)
  await spec.disk.makeFolder('c-2')
  await alone.commit(flushBatch(wideRows(100), [64]))
  await alone.syncNewFiles()
  expect(await table.bytes()).toBeLessThan(2 * (await alone.bytes()))
  expect(sizeOfFolder()).toBeLessThanOrEqual((await table.bytes()) + 4096)
  await table.close()
  const reopened = await LanceTable.open(wide, version)
  expect(await reopened.countRows()).toBe(1000)
  await reopened.close()
  await alone.close()
})

test('old versions are removed with the files that only they use, except within the grace period', async () => {
  const table = await LanceTable.open(spec, 0)
  for (let seq = 1; seq <= 12; seq++) await committed(table, rows(0, 300, seq))
  for (let seq = 13; seq <= 40; seq++) await committed(table, rows((seq % 10) * 30, (seq % 10) * 30 + 25, seq))
  const expected = await allRows(table)
  const before = files().length
  await table.removeOldVersions(table.version, 60_000)
  expect(files().length).toBe(before)
  await table.removeOldVersions(table.version - 1, 0)
  expect(files().length).toBe(before)
  await table.removeOldVersions(table.version, 0)
  const dataFiles = files().filter(({ name }) => name.endsWith('.lance')).length
  expect(files().length).toBeLessThan(dataFiles * 2 + 5)
  expect(files().filter(({ name }) => name.endsWith('.manifest'))).toHaveLength(1)
  expect(await allRows(table)).toEqual(expected)

  const version = await table.compact({ checkpointSeq: 0 })
  await table.removeOldVersions(version, 0)
  expect(
    files()
      .map(({ parentPath, name }) =>
        join(parentPath.slice(root.length), name).replace(/[-\w]+(?=\.(?:lance|txn)$)/, '*'),
      )
      .sort(),
  ).toEqual([
    `/c-1/sums/${version}.sums`,
    expect.stringMatching(/^\/c-1\/table.lance\/_transactions/),
    expect.stringMatching(/^\/c-1\/table.lance\/_versions\/\d+\.manifest/),
    '/c-1/table.lance/_versions/latest_version_hint.json',
    '/c-1/table.lance/data/*.lance',
  ])
  expect(await allRows(table)).toEqual(expected)
  await committed(table, rows(100, 110, 50))
  await table.close()
  const reopened = await LanceTable.open(spec, table.version)
  expect((await allRows(reopened)).filter(({ seq }) => seq === 50)).toHaveLength(10)
  await reopened.close()
})

test('a table whose rows are all purged keeps none of them', async () => {
  const table = await LanceTable.open(spec, 0)
  await committed(table, rows(0, 300, 1))
  await committed(
    table,
    rows(0, 300, 2).map((dead) => ({ ...dead, deleted: true, payload: '', vectors: [null, null] })),
  )
  const version = await table.compact({ checkpointSeq: 2 })
  await table.removeOldVersions(version, 0)
  expect(files().filter(({ name }) => name.endsWith('.lance'))).toEqual([])
  expect(await allRows(table)).toEqual([])
  await committed(table, rows(0, 3, 3))
  expect(await table.countRows()).toBe(3)
  await table.close()
})

test('deletes are purged once no segment needs them', async () => {
  const table = await LanceTable.open(spec, 0)
  await committed(table, rows(0, 100, 1))
  await committed(
    table,
    rows(0, 60, 2).map((dead) => ({ ...dead, deleted: true, payload: '', vectors: [null, null] })),
  )
  await committed(
    table,
    rows(60, 80, 3).map((dead) => ({ ...dead, deleted: true, payload: '', vectors: [null, null] })),
  )
  expect(await table.needsMaintenance(2)).toBe(true)
  const version = await table.compact({ checkpointSeq: 2 })
  await table.removeOldVersions(version, 0)
  expect(await table.needsMaintenance(2)).toBe(false)
  expect(await table.countRows()).toBe(20)
  expect(await allRows(table)).toHaveLength(40)
  await table.close()
})

test('rows that are all covered by segments are not read, and Lance is not loaded', async () => {
  const table = await LanceTable.open(spec, 0)
  const version = await committed(table, rows(0, 10, 7))
  await table.close()
  const data = join(root, 'c-1/table.lance/data')
  for (const name of readdirSync(data)) truncateSync(join(data, name), 1)
  const reopened = await LanceTable.open(spec, version)
  expect(await allRows(reopened, 7)).toEqual([])
  await expect(allRows(reopened, 6)).rejects.toMatchObject({
    code: 'CORRUPT',
    message: expect.stringMatching(/"photos".*table\.lance.data/),
  })
})

test('one flipped bit in any block of any file is reported with the name, or changes nothing', async () => {
  const table = await LanceTable.open(spec, 0)
  await committed(table, rows(0, 400, 1))
  await committed(table, rows(0, 40, 2))
  const version = await committed(table, rows(390, 500, 3))
  const expected = await allRows(table)
  await table.close()
  let reported = 0
  for (const entry of files()) {
    const path = join(entry.parentPath, entry.name)
    const whole = readFileSync(path)
    for (let block = 0; block < whole.length; block += 4096) {
      const damaged = Buffer.from(whole)
      const at = Math.min(whole.length - 1, block + ((block * 7 + 13) % 4096))
      damaged[at] = (damaged[at] as number) ^ (1 << ((block / 4096) % 8))
      writeFileSync(path, damaged)
      try {
        const opened = await LanceTable.open(spec, version)
        expect(await allRows(opened), `${entry.name} byte ${at}`).toEqual(expected)
        await opened.close()
      } catch (error) {
        expect(error, `${entry.name} byte ${at}`).toMatchObject({
          code: 'CORRUPT',
          message: expect.stringContaining(entry.name),
        })
        reported++
      }
      writeFileSync(path, whole)
    }
  }
  expect(reported).toBeGreaterThan(10)
})

test('a scan of wide rows comes in batches of some megabytes', async () => {
  const wide: TableSpec = {
    ...spec,
    vectors: [{ name: '', size: 8192 }],
  }
  const table = await LanceTable.open(wide, 0)
  const count = 2_000
  const valueAt = (id: number, at: number) => ((id * 31 + at) % 1000) / 8
  const data = new Float32Array(count * 8192)
  for (let at = 0; at < data.length; at++) data[at] = valueAt(Math.floor(at / 8192), at % 8192)
  const narrow = flushBatch(
    Array.from({ length: count }, (_, id) => ({ id: String(id), seq: 1, vectors: [[0]] })),
    [1],
  )
  await table.commit({ ...narrow, vectors: [{ data, counts: new Uint32Array(count).fill(1) }] })
  await table.syncNewFiles()
  const found = new Set<number>()
  let wrong = 0
  for await (const part of table.scan(0)) {
    const floats = part.vectors[0]?.data as Float32Array
    expect(floats.byteLength).toBeLessThanOrEqual(17 * 1024 * 1024)
    for (const [row, { id }] of rowsOf({ ...part, vectors: [] }).entries()) {
      found.add(Number(id))
      for (let at = 0; at < 8192; at += 13) if (floats[row * 8192 + at] !== valueAt(Number(id), at)) wrong++
    }
  }
  expect([found.size, wrong]).toEqual([count, 0])
  await table.close()
})

test('a scan may end early: its started reads are released, and the table can be closed', async () => {
  const narrow: TableSpec = {
    ...spec,
    vectors: [{ name: '', size: 1 }],
  }
  const count = 40_000
  const table = await LanceTable.open(narrow, 0)
  await table.commit(
    flushBatch(
      Array.from({ length: count }, (_, id) => ({ id: String(id), seq: 1 + id, vectors: [[id]] })),
      [1],
    ),
  )
  await table.syncNewFiles()
  for (let round = 0; round < 5; round++) {
    const reader = await LanceTable.open(narrow, table.version, { readOnly: true })
    for await (const part of reader.scan(0)) {
      expect(part.count).toBeLessThan(count)
      break
    }
    await reader.close()
  }
  let seen = 0
  for await (const part of table.scan(0)) seen += part.count
  expect(seen).toBe(count)
  await table.close()
})
