/** Databases that end under their readers and owners: their threads crash, and their store is away. */
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, unlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import type { Worker } from 'node:worker_threads'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { parseStore, type StoreAddress } from '../../src/bucket/address.js'
import { Group, type GroupOptions } from '../../src/bucket/group.js'
import { GroupReader } from '../../src/bucket/group-reader.js'
import { open } from '../../src/index.js'

const PATIENCE = { timeout: 120_000, interval: 50 }
let root: string
/** The owner's way to the store, and one of a reader that can be cut. */
let address: StoreAddress
let link: { address: StoreAddress; cut(): void; mend(): void }
/** Threads that have begun since the test has, and those of them that have ended. */
let threads: Worker[]
const ended = new Set<Worker>()
const onWorker = (worker: Worker) => {
  threads.push(worker)
  worker.once('exit', () => ended.add(worker))
}

beforeEach(() => {
  threads = []
  process.on('worker', onWorker)
  root = mkdtempSync(join(tmpdir(), 'vicinal-ended-'))
  const [folder, path] = [join(root, 'bucket'), join(root, 'link')]
  mkdirSync(folder)
  symlinkSync(folder, path)
  address = parseStore(pathToFileURL(folder).href)
  link = {
    address: parseStore(pathToFileURL(path).href),
    cut: () => unlinkSync(path),
    mend: () => symlinkSync(folder, path),
  }
})
const toClose: { close(): Promise<unknown> }[] = []
afterEach(async () => {
  for (const each of toClose.splice(0)) await each.close()
  process.off('worker', onWorker)
  rmSync(root, { recursive: true, force: true, maxRetries: 10 })
})

/** A message that the thread does not understand throws in it, outside of every request. */
async function crash(thread: Worker): Promise<void> {
  const gone = once(thread, 'exit')
  thread.postMessage(null)
  await gone
}

const key = (text: string) => Buffer.from(text)
const textOf = (value: Uint8Array | null) => value && String(Buffer.from(value))
async function opened<T extends { close(): Promise<unknown> }>(opening: Promise<T>): Promise<T> {
  const each = await opening
  toClose.push(each)
  return each
}
const owner = (options: GroupOptions = {}) => opened(Group.open(address, options))

async function scanned(from: Pick<GroupReader, 'scan'>): Promise<number> {
  let found = 0
  for await (const _ of from.scan(key('c/'))) found++
  return found
}

/** A reader, its thread, and an owner that has written one entry. */
async function pair(from = address) {
  const group = await owner()
  await group.write({ puts: [[key('c/a'), key('1')]] })
  const reader = await opened(GroupReader.open(from))
  await expect.poll(() => reader.get(key('c/a')), PATIENCE).not.toBeNull()
  return { group, reader, thread: threads.at(-1) as Worker }
}

test('reads go on with one other thread after the thread of a reader crashed, and see no less than before', async () => {
  const { group, reader, thread } = await pair()
  await group.write({ puts: [[key('c/b'), key('2')]] })
  await expect.poll(async () => (await reader.position(true)).batch, PATIENCE).toBe(2)
  const before = threads.length
  await crash(thread)
  const found = await Promise.all([
    reader.get(key('c/b')).then(textOf),
    reader.position().then(({ batch }) => batch),
    reader.owner().then((found) => found?.epoch),
    scanned(reader),
  ])
  expect(found).toEqual(['2', 2, group.epoch, 2])
  expect(threads.length).toBe(before + 1)
  await group.write({ puts: [[key('c/c'), key('3')]] })
  await expect.poll(() => scanned(reader), PATIENCE).toBe(3)
})

test('a thread that crashes during a read has the read repeated', async () => {
  const { reader, thread } = await pair()
  const reads = Array.from({ length: 20 }, () => reader.get(key('c/a')).then(textOf))
  void crash(thread)
  expect(await Promise.all(reads)).toEqual(Array.from({ length: 20 }, () => '1'))
})

test('while a store is away, a reader that has ended tries to open it ever more rarely, and reads once it is back', async () => {
  const { group, reader, thread } = await pair(link.address)
  const before = threads.length
  await crash(thread)
  link.cut()
  let refused = 0
  for (const endMs = performance.now() + 3_000; performance.now() < endMs; await pause(5))
    await reader.get(key('c/a')).catch(() => refused++)
  expect(refused).toBeGreaterThan(20)
  // After pauses of 0.1, 0.2, 0.4, 0.8 and 1.6 s.
  expect(threads.length - before).toBeGreaterThan(1)
  expect(threads.length - before).toBeLessThanOrEqual(6)
  await group.write({ puts: [[key('c/a'), key('2')]] })
  link.mend()
  await expect.poll(() => reader.get(key('c/a')).then(textOf, () => null), PATIENCE).toBe('2')
})

test('a reader that is closed while it opens its database again leaves no thread behind', async () => {
  const { reader, thread } = await pair()
  await crash(thread)
  const before = threads.length
  const reading = reader.get(key('c/a')).then(textOf, ({ code }) => code)
  await expect.poll(() => threads.length, { interval: 1 }).toBe(before + 1)
  await reader.close()
  expect(['CLOSED', 'UNAVAILABLE']).toContain(await reading)
  await expect(reader.get(key('c/a'))).rejects.toMatchObject({ code: 'UNAVAILABLE' })
  expect(threads.length).toBe(before + 1)
  await expect.poll(() => threads.slice(1).every((each) => ended.has(each)), PATIENCE).toBe(true)
})

test('an owner whose thread crashed opens the database again at its next write or read', async () => {
  const group = await owner()
  await group.write({ puts: [[key('c/a'), key('1')]] })
  const { epoch } = group
  await crash(threads.at(-1) as Worker)
  await expect(group.write({ puts: [[key('c/b'), key('2')]] })).rejects.toThrow(/does not have the write/)
  expect(group.epoch).toBe(epoch + 1)
  await group.write({ puts: [[key('c/b'), key('2')]] })
  await crash(threads.at(-1) as Worker)
  await expect(scanned(group)).rejects.toMatchObject({ code: 'UNAVAILABLE' })
  await expect.poll(() => scanned(group).catch(() => null), PATIENCE).toBe(2)
  expect([group.epoch, group.failure]).toEqual([epoch + 2, null])
})

test('a database of the library goes on after the threads of its owner and of its reader crashed', async () => {
  const { href } = pathToFileURL(join(root, 'bucket'))
  const writer = await opened(open(href, { cache: join(root, 'one') }))
  const things = await writer.createCollection('things', { vectors: { size: 1, distance: 'Dot' } })
  await things.upsert([{ id: 1, vector: [1] }])
  const reader = await opened(open(href, { cache: join(root, 'two'), readOnly: true }))
  const read = await reader.collection('things')
  await expect.poll(() => read.count(), PATIENCE).toBe(1)
  const databases = threads.filter((each) => !ended.has(each))
  expect(databases.length).toBe(2)
  for (const each of databases) await crash(each)
  await expect
    .poll(
      () =>
        things.upsert([{ id: 2, vector: [2] }]).then(
          () => true,
          () => false,
        ),
      PATIENCE,
    )
    .toBe(true)
  await expect.poll(() => read.count(), PATIENCE).toBe(2)
})
