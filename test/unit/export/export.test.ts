import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { tableFromIPC } from 'apache-arrow'
import { expect, test } from 'vitest'
import { open } from '../../../src/index.js'
import { serve, vicinal } from '../cli/process.js'
import { temporaryFolder } from '../import/sample-files.js'
import { digestOf, makeOdd, ODD } from './odd-collection.js'

const COUNT = Number(process.env.VICINAL_EXPORT_POINTS ?? 1_500)
const SEED = Number(process.env.VICINAL_TEST_SEED ?? 38)
const MINUTES = 1_800_000

test('what is exported and imported again is the same collection, in every format', { timeout: MINUTES }, async () => {
  const folder = temporaryFolder()
  const database = await open(join(folder, 'data'))
  const expected = await digestOf(await makeOdd(database, 'odd', COUNT, SEED))
  for (const format of ['parquet', 'arrow', 'arrows', 'jsonl']) await database.createCollection(format, ODD)
  await database.close()
  for (const format of ['parquet', 'arrow', 'arrows', 'jsonl']) {
    expect(await vicinal(['export', `odd.${format}`, '--collection', 'odd'], folder)).toMatchObject({
      code: 0,
      stdout: '',
    })
    const back = await vicinal(['import', `odd.${format}`, '--collection', format, '--restart'], folder)
    expect(back).toMatchObject({ code: 0, stdout: `${format}: ${COUNT} points\n` })
  }
  // No temporary file is left.
  expect(readdirSync(folder).filter((name) => name.includes('.tmp'))).toEqual([])
  const again = await open(join(folder, 'data'))
  for (const format of ['parquet', 'arrow', 'arrows', 'jsonl']) {
    expect({ format, ...(await digestOf(await again.collection(format))) }).toEqual({ format, ...expected })
  }
  await again.close()
})

test('a running service is exported by a filter and a selection, also to standard output', async () => {
  const folder = temporaryFolder()
  const { child, url } = await serve([], folder)
  const { connect } = await import('../../../src/client/index.js')
  const database = await connect(url)
  const collection = await database.createCollection('rows', {
    vectors: { a: { size: 2, distance: 'Dot' }, b: { size: 3, distance: 'Dot' } },
  })
  const rows = Array.from({ length: 100 }, (_, id) => ({
    id,
    vector: { a: [id, 1], b: [id, 2, 3] },
    payload: { id, even: id % 2 === 0, more: 1 },
  }))
  await collection.upsert(rows)
  const filter = JSON.stringify({ must: [{ key: 'even', match: { value: true } }] })
  const args = ['export', '--collection', 'rows', '--filter', filter, '--vectors', 'a', '--payload', 'id']
  const told = await vicinal([...args, '-', '--format', 'jsonl', '--url', url], folder)
  expect(told).toMatchObject({ code: 0, stderr: expect.stringContaining('exporting: 50 points') })
  const lines = told.stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as object)
  expect(lines).toHaveLength(50)
  expect(lines[1]).toEqual({ id: 2, vector: { a: [2, 1] }, payload: { id: 2 } })
  // The folder, beside the service that writes it. Other readers of Arrow read it too.
  expect(await vicinal([...args, 'rows.arrow'], folder)).toMatchObject({ code: 0 })
  const table = tableFromIPC(readFileSync(join(folder, 'rows.arrow')))
  expect(table.numRows).toBe(50)
  expect(table.schema.fields.map(({ name, type }) => `${name} ${type}`)).toEqual([
    'id Uint64',
    'a FixedSizeList[2]<Float32>',
    'payload Utf8',
  ])
  expect(table.get(1)?.toJSON()).toMatchObject({ id: 2n, payload: '{"id":2}' })
  await database.close()
  child.kill('SIGTERM')
})

test.each([
  [['export'], 2, 'export: name one file'],
  [['export', 'a.parquet'], 2, '--collection NAME is required'],
  [['export', 'a.xyz', '--collection', 'c'], 2, 'a.xyz: set --format parquet|arrow|arrow-stream|jsonl'],
  [['export', 'a.jsonl', '--collection', 'c', '--filter', '{'], 2, '--filter: expected JSON'],
  [['export', 'a.jsonl', '--collection', 'c', '--data', 'none'], 1, 'NOT_FOUND'],
  [['export', 'a.jsonl', '--collection', 'other'], 1, 'NOT_FOUND'],
  [['export', 'a.jsonl', '--collection', 'c', '--vectors', 'x'], 1, 'vectors: expected some of'],
  [['export', 'a.jsonl', '--collection', 'c', '--filter', '{"must":[{"key":1}]}'], 1, 'INVALID_ARGUMENT'],
  [['export', 'none/a.jsonl', '--collection', 'c'], 1, 'IO_FAILED: none/a.jsonl'],
])('%j ends with code %i, says why, and leaves no file', async (args, code, message) => {
  const folder = temporaryFolder()
  const database = await open(join(folder, 'data'))
  await database.createCollection('c', { vectors: { size: 2, distance: 'Dot' } })
  await database.close()
  writeFileSync(join(folder, 'kept'), '')
  expect(await vicinal(args, folder)).toMatchObject({ code, stderr: expect.stringContaining(message) })
  expect(
    readdirSync(folder)
      .filter((name) => name !== 'state')
      .sort(),
  ).toEqual(['data', 'kept'])
})
