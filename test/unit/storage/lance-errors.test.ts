import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { VicinalError } from '../../../src/core/errors.js'
import { Disk } from '../../../src/disk/disk.js'
import { lanceError, ofForeignFiles } from '../../../src/storage/lance-errors.js'
import { LanceTable, type TableSpec } from '../../../src/storage/lance-table.js'
import { flushBatch } from './flush-batches.js'

const place = { path: 'c-1/table.lance', root: '/data', collection: 'photos' }

test.each([
  [
    'lance error: LanceError(IO): Generic LocalFileSystem error: Unable to open file: Too many open files (os error 24)',
  ],
  ['Panic in async function'],
  ['lance error: LanceError(IO): Execution error: Resources exhausted: Failed to allocate additional 8.0 MB'],
  ['Array buffer allocation failed'],
  ['something that no version before has said'],
])('%j does not say that the files are damaged', (text) => {
  expect(lanceError(new Error(text), 'read', place)).toMatchObject({ code: 'IO_FAILED', status: 500 })
})

// Messages of Lance 0.31 for files with single changed bytes, or cut files.
test.each([
  [
    'lance error: Encountered corrupt file c-1/table.lance/_versions/2.manifest: Invalid format: magic number does not match',
  ],
  ['lance error: LanceError(IO): failed to decode Protobuf message: Manifest.fields: invalid wire type value: 6'],
  ['lance error: Invalid user input: Invalid format: manifest length does not match. Expected 190, got 95'],
  ['lance error: Invalid user input: file does not appear to be a Lance file (invalid magic: [0, 0, 0, 0])'],
  ['lance error: LanceError(Arrow): Parser error: Arrow file does not contain correct footer'],
  ['lance error: LanceError(IO): Generic LocalFileSystem error: Requested range was invalid'],
  ['lance error: LanceError(IO): Generic LocalFileSystem error: failed to fill whole buffer'],
])('%j says that a file is damaged', (text) => {
  expect(lanceError(new Error(text), 'read', place)).toMatchObject({ code: 'CORRUPT', status: 500 })
})

test.each([
  ['called `Option::unwrap()` on a `None` value', 'CORRUPT'],
  ['Panic in async function', 'CORRUPT'],
  ['lance error: Object at location data/x.lance not found: No such file or directory (os error 2)', 'CORRUPT'],
  ['Generic LocalFileSystem error: Unable to open file: Too many open files (os error 24)', 'IO_FAILED'],
  ['LanceError(IO): Execution error: Resources exhausted: Failed to allocate additional 8.0 MB', 'IO_FAILED'],
  ['No space left on device (os error 28)', 'DISK_FULL'],
])('while a whole table from outside is read, %j becomes %s', (text, code) => {
  expect(ofForeignFiles(lanceError(new Error(text), 'read', place))).toMatchObject({ code })
})

test('in files from outside, unexpected errors mean damage, except lack of memory', () => {
  expect(ofForeignFiles(new TypeError('x is undefined'))).toMatchObject({ code: 'CORRUPT' })
  const short = new RangeError('Array buffer allocation failed')
  expect(ofForeignFiles(short)).toBe(short)
  const system = new VicinalError('IO_FAILED', 'cannot read x', { details: { errno: 'EIO' } })
  expect(ofForeignFiles(system)).toBe(system)
})

test('rows other than the table should have mean damage', async () => {
  const root = mkdtempSync(join(tmpdir(), 'vicinal-lance-'))
  onTestFinished(() => rmSync(root, { recursive: true }))
  const vectors = [{ name: 'a', size: 3 }]
  const spec: TableSpec = { disk: new Disk(root), folder: 'c-1', collection: 'photos', vectors }
  await spec.disk.makeFolder('c-1')
  const table = await LanceTable.open(spec, 0)
  await table.commit(flushBatch([{ id: '1', seq: 1, vectors: [[1, 2, 3]] }], [3]))
  await table.syncNewFiles()
  await table.close()
  for (const others of [[{ name: 'a', size: 4 }], [...vectors, { name: 'b', size: 2 }]]) {
    const opened = await LanceTable.open({ ...spec, vectors: others }, table.version)
    await expect(opened.scan(0).next()).rejects.toMatchObject({
      code: 'CORRUPT',
      message: expect.stringMatching(/^collection "photos"/),
    })
    await opened.close()
  }
})
