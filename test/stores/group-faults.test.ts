/** One group's database on an S3 store whose requests are held, refused or never answered. */
import { randomUUID } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { parseStore, type StoreAddress } from '../../src/bucket/address.js'
import { Group, type GroupOptions } from '../../src/bucket/group.js'
import { Objects } from '../../src/bucket/objects.js'
import { Random, runSeed } from '../oracle/fault-random.js'
import { FaultyProxy, type StoreRequest } from './faulty-proxy.js'
import { type S3Server, startS3 } from './s3-server.js'

const SOON_MS = 300
const MIB = 1024 * 1024
const PATIENCE = { timeout: 120_000, interval: 20 }
const key = (text: string) => Buffer.from(text)

let server: S3Server
let prefix: string
const ends: (() => unknown)[] = []
const proxies: FaultyProxy[] = []

beforeAll(async () => {
  server = await startS3('bucket')
})
afterAll(() => server?.stop())
afterEach(async () => {
  prefix = ''
  for (const healed of proxies.splice(0)) healed.heal()
  for (const end of ends.splice(0).reverse()) await end()
})

function reached(port: number): StoreAddress {
  prefix ||= randomUUID()
  return parseStore(`s3://bucket/${prefix}`, {
    AWS_ENDPOINT: `http://127.0.0.1:${port}`,
    AWS_ACCESS_KEY_ID: 'id',
    AWS_SECRET_ACCESS_KEY: 'key-of-the-store',
    AWS_REGION: 'us-east-1',
  })
}

async function proxy(): Promise<FaultyProxy> {
  const started = await FaultyProxy.start(server.port, new Random(runSeed('faults of a group')))
  ends.push(() => started.stop())
  proxies.push(started)
  return started
}

async function opened(port: number, options: GroupOptions = {}): Promise<Group> {
  const group = await Group.open(reached(port), { commitWindowMs: 1, ...options })
  ends.push(() => group.close())
  return group
}

const isPut = (part: string) => (request: StoreRequest) => request.method === 'PUT' && request.path.includes(part)
const isLogPut = isPut('/log/wal/')
const isTablePut = isPut('/log/compacted/')

test('no batch is under way while the table in memory is flushed, and those that wait follow', async () => {
  const store = await proxy()
  const group = await opened(store.port)
  let release: () => void = () => {}
  const released = new Promise<void>((resolve) => {
    release = resolve
  })
  let tables = 0
  let duringFlush = 0
  // The first flush is over once the second batch is there.
  for (let at = 0; at < 5; at++) await group.write({ puts: [[key(`c/first-${at}`), key('1')]] })
  store.hold = (request) => {
    if (isLogPut(request) && tables > 0) duringFlush++
    if (!isTablePut(request)) return null
    tables++
    return released
  }
  const writing = (async () => {
    for (let at = 0; tables === 0 && at < 1_100; at++) await group.write({ puts: [[key(`c/${at}`), key('1')]] })
  })()
  await expect.poll(() => tables, PATIENCE).toBe(1)
  let isDone = false
  const next = group.write({ puts: [[key('c/next'), key('1')]] }).then(() => {
    isDone = true
  })
  await pause(1_000)
  const before = [isDone, duringFlush]
  release()
  await Promise.all([writing, next])
  expect(before).toEqual([false, 0])
  expect(await group.get(key('c/next'))).not.toBeNull()
}, 200_000)

test('a successor that dies once its first table is written leaves nothing behind', async () => {
  const first = await proxy()
  const owner = await opened(first.port, { memoryBytes: 64 * MIB })
  await owner.write({ puts: [[key('c/before'), key('1')]] })
  // Two of them make a table: the first table counts for all but the last object of the second.
  const value = () => Buffer.alloc(150_000, 7)
  for (let at = 0; at < 12; at++) await owner.write({ puts: [[key(`c/${at}`), value()]] })
  first.isCut = true
  // Its tables in memory are smaller than the bytes that the owner before left in the log.
  const second = await proxy()
  let tables = 0
  let manifests = 0
  // It dies with its other tables under way, once the manifest names the first.
  second.silent = (request) => {
    if (isTablePut(request)) return ++tables > 1
    if (tables > 0 && isPut('/log/manifest/')(request)) manifests++
    return false
  }
  const opening = opened(second.port, { memoryBytes: MIB }).catch(() => null)
  await expect.poll(() => manifests, PATIENCE).toBeGreaterThan(0)
  await pause(1_000)
  second.isCut = true
  const third = await opened(server.port)
  const found: boolean[] = []
  for (let at = 0; at < 12; at++) found.push((await third.get(key(`c/${at}`))) !== null)
  second.heal()
  await Promise.race([opening, pause(20_000)])
  expect(found).toEqual(Array.from({ length: 12 }, () => true))
}, 200_000)

test('a store that never answers fails each request in time, and is asked again later', async () => {
  const store = await proxy()
  const objects = await Objects.open(reached(store.port), SOON_MS)
  await objects.write('one', key('1'))
  store.silent = () => true
  const asked = [
    () => objects.write('two', key('2')),
    () => objects.create('three', key('3')),
    () => objects.read('one'),
    () => objects.list('folder/'),
    () => objects.remove('one'),
  ]
  const outcomes = await Promise.allSettled(asked.map((ask) => ask()))
  for (const outcome of outcomes) expect(outcome).toMatchObject({ status: 'rejected', reason: { code: 'UNAVAILABLE' } })
  store.silent = null
  expect(await objects.read('one')).toEqual(key('1'))
  await objects.write('two', key('2'))
}, 200_000)
