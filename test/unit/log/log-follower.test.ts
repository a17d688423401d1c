import {
  appendFileSync,
  copyFileSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { Disk } from '../../../src/disk/disk.js'
import { FileLog, type FileLogOptions } from '../../../src/log/file-log.js'
import { LogFollower } from '../../../src/log/log-follower.js'
import type { LogRecord } from '../../../src/log/record.js'
import { sizedRecord } from './records.js'

let root: string
let options: FileLogOptions
let log: FileLog
let follower: LogFollower

beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), 'vicinal-follower-'))
  options = {
    disk: new Disk(root),
    folder: 'log',
    uuid: '0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9',
    cleanEnd: null,
    flushedSeq: 0,
    create: true,
    fileBytes: 8_000,
  }
  await options.disk.makeFolder('log')
  log = await FileLog.open(options)
  follower = new LogFollower(options, 0)
})

afterEach(async () => {
  await follower.close()
  await log.close()
  rmSync(root, { recursive: true, force: true })
})

async function append(count: number, bytes: number): Promise<void> {
  for (let i = 0; i < count; i++) {
    const seq = log.lastSeq + 1
    await log.append(seq, sizedRecord(seq, bytes)).written
  }
}

async function polled(): Promise<number[] | 'reload'> {
  const followed = await follower.poll()
  if (followed.state === 'reload') return 'reload'
  for (const { seq, record } of followed.entries) expect(JSON.parse((record as { text: string }).text).seq).toBe(seq)
  return followed.entries.map(({ seq }) => seq)
}

test('a follower sees every record once, across files', async () => {
  expect(await polled()).toEqual([])
  await append(2, 100)
  expect(await polled()).toEqual([1, 2])
  expect(await polled()).toEqual([])
  await append(10, 3_000)
  expect(await polled()).toEqual([3, 4, 5, 6, 7, 8, 9, 10, 11, 12])
  await append(1, 100)
  expect(await polled()).toEqual([13])
  expect(follower.seq).toBe(13)
})

test('a follower that begins in the middle gets the later records', async () => {
  await append(12, 3_000)
  follower = new LogFollower(options, 10)
  expect(await polled()).toEqual([11, 12])
})

test('a follower does not wait in a deleted file, even if another has its name', async () => {
  await append(2, 100)
  expect(await polled()).toEqual([1, 2])
  const [name = ''] = readdirSync(join(root, 'log'))
  const path = join(root, 'log', name)
  copyFileSync(path, `${path}.copy`)
  renameSync(`${path}.copy`, path)
  expect(await polled()).toBe('reload')
})

test('a follower of trimmed records is told to load the table again', async () => {
  await append(2, 100)
  expect(await polled()).toEqual([1, 2])
  await append(20, 3_000)
  await log.trim(20)
  expect(await polled()).toBe('reload')
})

test('a trim of records that were already read has no effect', async () => {
  await append(2, 40_000)
  expect(await polled()).toEqual([1, 2])
  await log.trim(2)
  await append(3, 100)
  expect(await polled()).toEqual([3, 4, 5])
})

test('an incomplete record is waited for, and a record taken back means a reload', async () => {
  await append(3, 500)
  const path = join(root, 'log', readdirSync(join(root, 'log'))[0] as string)
  await log.close()
  expect(await polled()).toEqual([1, 2, 3])
  truncateSync(path, 700)
  expect(await polled()).toBe('reload')
  follower = new LogFollower(options, 0)
  expect(await polled()).toEqual([1])
  log = await FileLog.open(options)
  await append(2, 10)
  expect(await polled()).toEqual([2, 3])
})

test.each([
  ['of the same length', [2], [3]],
  ['of another length', [2], [20]],
  ['with the same last record', [2, 9], [3, 9]],
])('records replaced by others %s mean a reload', async (_, before, after) => {
  await options.disk.makeFolder('other')
  const other = await FileLog.open({ ...options, folder: 'other' })
  for (const each of [log, other]) await each.append(1, sizedRecord(1, 100)).durable
  const [name = ''] = readdirSync(join(root, 'log'))
  const path = join(root, 'log', name)
  const { size } = statSync(path)
  await Promise.all(before.map((fill, i) => log.append(i + 2, sizedRecord(fill, 100)).written))
  await Promise.all(after.map((fill, i) => other.append(i + 2, sizedRecord(fill, 100)).written))
  expect((await follower.poll()) as object).toMatchObject({ entries: { length: 1 + before.length } })
  truncateSync(path, size)
  appendFileSync(path, readFileSync(join(root, 'other', name)).subarray(size))
  expect(await polled()).toBe('reload')
  await other.close()
})

test('an unreadable record is not skipped', async () => {
  await append(1, 100)
  expect(await polled()).toEqual([1])
  await log.append(2, { op: 'ofLaterVersions', ids: new Uint32Array(5) } as unknown as LogRecord).written
  for (let i = 0; i < 2; i++) await expect(polled()).rejects.toMatchObject({ code: 'CORRUPT' })
  await append(1, 100)
  await expect(polled()).rejects.toMatchObject({ code: 'CORRUPT' })
  expect(follower.seq).toBe(1)
})
