import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { Disk } from '../../../src/disk/disk.js'
import { ioError, isMissing } from '../../../src/disk/io-errors.js'

let root: string
let disk: Disk

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'vicinal-disk-'))
  disk = new Disk(root)
})

afterEach(() => rmSync(root, { recursive: true, force: true }))

test('folders and files are private to their owner', async () => {
  await disk.makeFolder('a/b')
  await disk.replaceFile('a/b/file', Buffer.from('x'))
  expect([statSync(join(root, 'a')).mode & 0o777, statSync(join(root, 'a/b')).mode & 0o777]).toEqual([0o700, 0o700])
  expect(statSync(join(root, 'a/b/file')).mode & 0o777).toBe(0o600)
})

test('replacing a file leaves the new content and no other file', async () => {
  await disk.replaceFile('file', Buffer.from('old and longer'))
  await disk.replaceFile('file', Buffer.from('new'))
  expect((await disk.readFile('file', 100)).toString()).toBe('new')
  expect((await disk.list('.')).map(({ name }) => name)).toEqual(['file'])
})

test('many buffers, empty ones among them, are appended in order', async () => {
  const file = await disk.openAppend('log')
  const parts = Array.from({ length: 5_000 }, (_, i) => Buffer.from(i % 7 === 0 ? '' : `${i};`))
  await file.append(parts)
  await file.append([Buffer.alloc(0)])
  await file.append([Buffer.alloc(3_000_000, 'x')])
  await file.sync()
  const expected = Buffer.concat([...parts, Buffer.alloc(3_000_000, 'x')])
  expect(file.size).toBe(expected.length)
  await file.truncate(10)
  await file.append([Buffer.from('end')])
  await file.close()
  expect(readFileSync(join(root, 'log'), 'latin1')).toBe(`${expected.toString('latin1', 0, 10)}end`)
  const again = await disk.openAppend('log')
  expect(again.size).toBe(13)
  await again.close()
})

test('a file longer than its bound is CORRUPT and not read', async () => {
  writeFileSync(join(root, 'file'), Buffer.alloc(101))
  await expect(disk.readFile('file', 100)).rejects.toMatchObject({
    code: 'CORRUPT',
    message: 'file: expected at most 100 bytes, got 101',
  })
})

test('reading past the end returns the bytes that exist', async () => {
  writeFileSync(join(root, 'file'), 'abcdef')
  const file = await disk.openRead('file')
  expect((await file.read(4, 100)).toString()).toBe('ef')
  expect(await file.read(6, 1)).toHaveLength(0)
  await file.close()
})

test('a full device is DISK_FULL and retryable, everything else IO_FAILED, and messages contain no path', async () => {
  const device = await new Disk('/dev').openAppend('full')
  await expect(device.append([Buffer.from('x')])).rejects.toMatchObject({
    code: 'DISK_FULL',
    retryable: true,
    details: { path: 'full', action: 'write', errno: 'ENOSPC' },
  })
  expect(device.size).toBe(0)
  await device.close()
  const missing = await disk.openRead('a/b').catch((error: unknown) => error)
  expect(missing).toMatchObject({ code: 'IO_FAILED', message: 'cannot open a/b: ENOENT', details: { errno: 'ENOENT' } })
  expect(isMissing(missing)).toBe(true)
  expect(ioError(Object.assign(new Error(), { code: 'EDQUOT' }), 'write', 'x').code).toBe('DISK_FULL')
})

test('lists, sizes and free space; a missing folder is empty', async () => {
  await disk.makeFolder('a/b')
  writeFileSync(join(root, 'a/b/two'), 'xx')
  writeFileSync(join(root, 'a/one'), 'x')
  expect(await disk.list('a')).toEqual([
    { name: 'b', isFolder: true },
    { name: 'one', isFolder: false },
  ])
  expect((await disk.files('a')).sort()).toEqual(['b/two', 'one'])
  expect(await disk.treeBytes('a')).toBe(3)
  expect(await disk.facts('a/one')).toMatchObject({ bytes: 1 })
  expect([
    await disk.list('none'),
    await disk.facts('none'),
    await disk.exists('none'),
    await disk.exists('a'),
  ]).toEqual([[], null, false, true])
  await disk.removeTree('a')
  await disk.removeTree('a')
  await disk.removeFile('a')
  expect(await disk.exists('a')).toBe(false)
  expect(await disk.freeBytes()).toBeGreaterThan(0)
})

test('an existing folder may be made again, but not over a file of the same name', async () => {
  await disk.makeFolder('a/b')
  await disk.makeFolder('a/b')
  writeFileSync(join(root, 'a/file'), '')
  await expect(disk.makeFolder('a/file')).rejects.toMatchObject({ code: 'IO_FAILED' })
  await expect(disk.makeFolder('a/file/below')).rejects.toMatchObject({ code: 'IO_FAILED' })
})
