import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { parseStore, type StoreAddress } from '../../../src/bucket/address.js'
import { countWithin } from '../../../src/bucket/batches.js'
import { Group } from '../../../src/bucket/group.js'
import { GroupLog } from '../../../src/bucket/group-log.js'
import { GroupReader } from '../../../src/bucket/group-reader.js'
import { recordsKey } from '../../../src/bucket/keys.js'
import { LIMITS } from '../../../src/core/limits.js'
import type { LogEntry, LogRecord } from '../../../src/log/record.js'

const UUID = '0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9'
const OTHER = '1a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9'
let root: string
let address: StoreAddress
const openGroups: { close(): Promise<void> }[] = []

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'vicinal-group-'))
  address = parseStore(pathToFileURL(root).href)
})
afterEach(async () => {
  for (const group of openGroups.splice(0)) await group.close()
  // A thread that was ended while it opened may still write an object.
  rmSync(root, { recursive: true, force: true, maxRetries: 10 })
})

async function opened(): Promise<Group> {
  const group = await Group.open(address)
  openGroups.push(group)
  return group
}

const key = (text: string) => Buffer.from(text)
const record = (id: number): LogRecord => ({ op: 'delete', ids: Uint32Array.of(0, id, 0, 0, 0) })

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = []
  for await (const item of items) found.push(item)
  return found
}

async function appended(log: GroupLog, count: number): Promise<void> {
  const from = log.lastSeq
  await Promise.all(Array.from({ length: count }, (_, i) => log.append(from + i + 1, record(from + i + 1)).durable))
}

const idsOf = (entries: LogEntry[]) => entries.map(({ record }) => (record as { ids: Uint32Array }).ids[1])

test('changes of one batch are there together, and scanned in order', async () => {
  const group = await opened()
  await group.write({ puts: [1, 2, 3].map((i) => [key(`c/${i}`), key(`${i}`)]) })
  await group.write({ puts: [[key('c/4'), key('4')]], deletes: [key('c/2')] })
  expect((await all(group.scan(key('c/')))).map(([, value]) => String(Buffer.from(value)))).toEqual(['1', '3', '4'])
  expect(await group.get(key('c/2'))).toBeNull()
})

test('a scan of more than a message has them all, once', async () => {
  const group = await opened()
  const value = Buffer.alloc(1024 * 1024, 7)
  for (let i = 0; i < 10; i++) await group.write({ puts: [[key(`c/${i}`), value]] })
  const found = await all(group.scan(key('c/')))
  expect(found.map(([name]) => String(Buffer.from(name)))).toEqual(Array.from({ length: 10 }, (_, i) => `c/${i}`))
})

test('a later opening has the next epoch and fences the one before', async () => {
  const first = await opened()
  await first.write({ puts: [[key('c/a'), key('1')]] })
  const second = await opened()
  expect(second.epoch).toBe(first.epoch + 1)
  await expect(first.write({ puts: [[key('c/b'), key('1')]] })).rejects.toThrow(/another node has opened it/)
  expect(first.failure).toMatchObject({ code: 'UNAVAILABLE', details: { ending: 'fenced' } })
  await expect(first.write({ puts: [] })).rejects.toThrow(/another node has opened it/)
  expect(await second.get(key('c/a'))).not.toBeNull()
  expect(await second.get(key('c/b'))).toBeNull()
})

test('a reader sees what is durable', async () => {
  const group = await opened()
  await group.write({ puts: [[key('c/a'), key('1')]] })
  const reader = await GroupReader.open(address)
  openGroups.push(reader)
  await expect.poll(() => reader.get(key('c/a'))).not.toBeNull()
  await group.write({ puts: [[key('c/b'), key('2')]] })
  await expect.poll(async () => (await all(reader.scan(key('c/')))).length).toBe(2)
})

test('an opening that takes too long is done again, and given up', async () => {
  await expect(Group.open(address, { minAgeMs: 0 })).rejects.toThrow(/took too long/)
})

test('records are replayed in order after the log was opened again', async () => {
  const group = await opened()
  const log = await GroupLog.open(group, UUID, 0)
  const other = await GroupLog.open(group, OTHER, 0)
  await Promise.all([appended(log, 500), appended(other, 3)])
  await appended(log, 20)
  expect([log.lastSeq, log.durableSeq, log.bufferedBytes]).toEqual([520, 520, 0])
  await log.close()

  const again = await GroupLog.open(await opened(), UUID, 0)
  expect([again.lastSeq, again.bytes]).toEqual([520, log.bytes])
  expect(idsOf(await all(again.replay(0)))).toEqual(Array.from({ length: 520 }, (_, i) => i + 1))
  expect(idsOf(await all(again.replay(505)))).toEqual(Array.from({ length: 15 }, (_, i) => 506 + i))
  await appended(again, 1)
  expect((await all(again.replay(520))).length).toBe(1)
})

test('records that wait together are one value', async () => {
  const group = await opened()
  const log = await GroupLog.open(group, UUID, 0)
  await appended(log, 1_000)
  expect((await all(group.scan(key('r/')))).length).toBe(1)
})

test('covered records leave with the batch of the manifest', async () => {
  const group = await opened()
  const log = await GroupLog.open(group, UUID, 0)
  for (let i = 0; i < 5; i++) await appended(log, 10)
  expect(log.covered(9, 10)).toEqual([])
  const covered = log.covered(35, 2)
  await group.write({ puts: [[key('m/x'), key('35')]], deletes: covered })
  log.removed(covered)
  expect(idsOf(await all(log.replay(35)))).toEqual(Array.from({ length: 15 }, (_, i) => 36 + i))
  expect(log.covered(35, 10)).toEqual([recordsKey(UUID, 21)])
  const again = await GroupLog.open(group, UUID, 35)
  expect([again.lastSeq, again.bytes]).toEqual([50, log.bytes])
})

test('missing records are reported', async () => {
  const group = await opened()
  const log = await GroupLog.open(group, UUID, 0)
  for (let i = 0; i < 3; i++) await appended(log, 10)
  await group.write({ puts: [], deletes: [recordsKey(UUID, 11)] })
  await expect(GroupLog.open(group, UUID, 0)).rejects.toThrow(/records 11 to 20 are missing/)
  await group.write({ puts: [], deletes: [recordsKey(UUID, 1)] })
  await expect(GroupLog.open(group, UUID, 10)).rejects.toThrow(/records 11 to 20 are missing/)
  expect((await GroupLog.open(group, UUID, 20)).lastSeq).toBe(30)
})

test('after a failed batch nothing is acknowledged, and the log says that the outcome is unknown', async () => {
  const group = await opened()
  const log = await GroupLog.open(group, UUID, 0)
  await appended(log, 1)
  await opened()
  const { durable } = log.append(2, record(2))
  await expect(durable).rejects.toThrow(/not known.*another node has opened it/)
  expect([log.lastSeq, log.durableSeq]).toEqual([1, 1])
  expect(() => log.append(2, record(2))).toThrow(/until it is opened again/)
})

test('a record that arrives in the turn in which the last one became durable is not left behind', async () => {
  const log = await GroupLog.open(await opened(), UUID, 0)
  for (let seq = 1; seq <= 20; seq++) await log.append(seq, record(seq)).durable
  expect(log.durableSeq).toBe(20)
})

test('a record above the bound of a store is refused before anything of it is written', async () => {
  const group = await opened()
  const log = await GroupLog.open(group, UUID, 0)
  await log.append(1, record(1)).durable
  const text = 'x'.repeat(LIMITS.storeRecordBytes)
  const large: LogRecord = { op: 'overwritePayload', ids: Uint32Array.of(0, 2, 0, 0, 0), text }
  expect(() => log.append(2, large)).toThrow(/^points: expected at most 67108864 bytes in one write, got 6710\d+$/)
  await log.append(2, record(2)).durable
  expect(idsOf(await all(log.replay(0)))).toEqual([1, 2])
})

test.each([
  [[], 0],
  [[9], 1],
  [[3, 4, 1], 2],
  [[3, 4, 0], 3],
  [[3, 9], 1],
])('of items of %j bytes, %i go into seven', (bytes, count) => {
  expect(countWithin(bytes, 7, (each) => each)).toBe(count)
})
