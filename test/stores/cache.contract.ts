/** The cache folder of a node: its bound, its damage, and its loss. */
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { parseStore } from '../../src/bucket/address.js'
import { Objects } from '../../src/bucket/objects.js'
import type { Collection, Database } from '../../src/core/database.js'
import type { CollectionInfo } from '../../src/core/schema.js'
import { Disk } from '../../src/disk/disk.js'
import { CacheLock } from '../../src/engine/stores/cache-lock.js'
import { type OpenOptions, open } from '../../src/index.js'
import { LOCK_FILE } from '../../src/storage/layout.js'

const MIB = 1024 * 1024
const ROWS = 1_100
/** Most bytes are texts: they need no graph. */
const TEXT = 'x'.repeat(1_200)
/** A time without parts of a second, which a file keeps as it is given. */
const WRITTEN_S = 1_700_000_000
const PATIENCE = { timeout: 300_000, interval: 50 }

let root: string
let store: string
const opened: Database[] = []

async function node(cache: string, options: OpenOptions = {}): Promise<Database> {
  const database = await open(store, { cache: join(root, cache), ...options })
  opened.push(database)
  return database
}

const points = (from: number) =>
  Array.from({ length: ROWS }, (_, i) => ({
    id: from + i,
    vector: [Math.sin(i), Math.cos(i)],
    payload: { text: TEXT },
  }))

/** Makes a collection whose rows are in a segment of the store, of more than 1 MiB. */
async function filled(database: Database, name: string): Promise<Collection> {
  const collection = await database.createCollection(name, { vectors: { size: 2, distance: 'Dot' } })
  await collection.upsert(points(1))
  await collection.waitForIndex()
  return collection
}

const files = (cache: string) =>
  readdirSync(join(root, cache), { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.vseg'))
    .map((path) => join(root, cache, path))
const bytesIn = (cache: string) => files(cache).reduce((sum, path) => sum + statSync(path).size, 0)
const only = (cache: string) => {
  const [path, more] = files(cache)
  expect(more).toBeUndefined()
  return path as string
}
const warningsOf = async (collection: Collection) => ((await collection.info()) as CollectionInfo).warnings

async function firstUse(database: Database): Promise<Collection> {
  const things = await database.collection('things')
  await things.count()
  return things
}

/** Changes a byte in the middle of a file, whose length stays. */
function damage(path: string): void {
  const bytes = readFileSync(path)
  bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] as number) ^ 0xff
  writeFileSync(path, bytes)
}

function ownFolder(address: (root: string) => string): void {
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'vicinal-cache-'))
    store = address(root)
  })
  afterEach(async () => {
    for (const database of opened.splice(0)) await database.close().catch(() => undefined)
    rmSync(root, { recursive: true, force: true })
  })
}

/** `address` makes a prefix that nothing is below. */
export function damagedCachesOn(address: (root: string) => string): void {
  ownFolder(address)

  test.each<[string, (path: string) => void]>([
    ['damaged', damage],
    ['cut', (path) => truncateSync(path, statSync(path).size - 10)],
  ])('a %s copy is fetched again, and the table is not read', async (_, harm) => {
    const owner = await node('one')
    await filled(owner, 'things')
    await owner.close()
    const path = only('one')
    const whole = readFileSync(path)
    for (const options of [{ readOnly: true }, {}]) {
      harm(path)
      const again = await node('one', options)
      const things = await again.collection('things')
      expect(await things.count()).toBe(ROWS)
      const warnings = await warningsOf(things)
      for (const warning of warnings) expect(warning).toMatch(/a damaged copy of a segment was fetched again/)
      expect(readFileSync(path).equals(whole)).toBe(true)
      await again.close()
    }
  })

  test('a damaged object is made again of the table, and its owner replaces it', async () => {
    const owner = await node('one')
    await filled(owner, 'things')
    await owner.close()
    const objects = await Objects.open(parseStore(store))
    const [object] = (await objects.list('segments/')).filter(({ path }) => path.endsWith('.vseg'))
    const path = object?.path as string
    const bytes = (await objects.read(path)) as Uint8Array
    bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] as number) ^ 0xff
    await objects.write(path, bytes)

    const reader = await node('two', { readOnly: true })
    const seen = await reader.collection('things')
    expect(await seen.count()).toBe(ROWS)
    expect(await warningsOf(seen)).toEqual([
      expect.stringMatching(/fetched again/),
      expect.stringMatching(/rebuilt from the table/),
    ])
    rmSync(join(root, 'one'), { recursive: true })
    const next = await node('one')
    expect(await (await next.collection('things')).count()).toBe(ROWS)
    await (await next.collection('things')).waitForIndex()
    await next.close()
    const third = await node('three', { readOnly: true })
    const whole = await third.collection('things')
    expect(await whole.count()).toBe(ROWS)
    expect(await warningsOf(whole)).toEqual([])
  })

  test('an object that is gone is made again of the table', async () => {
    const owner = await node('one')
    await filled(owner, 'things')
    await owner.close()
    const objects = await Objects.open(parseStore(store))
    for (const { path } of await objects.list('segments/')) await objects.remove(path)
    for (const options of [{ readOnly: true }, {}]) {
      const next = await node(`two-${'readOnly' in options}`, options)
      const things = await next.collection('things')
      expect(await things.count()).toBe(ROWS)
      expect(await warningsOf(things)).toEqual([expect.stringMatching(/rebuilt from the table: the store has 0 of/)])
      await next.close()
    }
  })
}

export function boundedCachesOn(address: (root: string) => string): void {
  ownFolder(address)

  test('the least recently used segments leave a cache that is full, and come again', async () => {
    const owner = await node('one')
    const names = ['a', 'b', 'c', 'd']
    for (const name of names) await filled(owner, name)
    await owner.close()
    const each = bytesIn('one') / names.length

    const cacheBytes = Math.ceil(each * 2.5)
    const reader = await node('two', { readOnly: true, cacheBytes })
    for (const name of [...names, ...names]) {
      const collection = await reader.collection(name)
      expect(await collection.count()).toBe(ROWS)
      expect(bytesIn('two')).toBeLessThanOrEqual(cacheBytes)
      expect(await warningsOf(collection)).toEqual([])
    }
    await reader.close()

    // The next process counts what is there, and files of others stay.
    writeFileSync(join(root, 'two', 'notes.txt'), 'mine')
    const reasons: string[] = []
    const small = Math.ceil(each * 1.2)
    const again = await node('two', {
      readOnly: true,
      cacheBytes: small,
      onIssue: ({ reason }) => reasons.push(reason),
    })
    expect(reasons).toEqual([expect.stringMatching(/1 files or folders of others, .*: notes\.txt/)])
    expect(await (await again.collection('b')).count()).toBe(ROWS)
    expect(bytesIn('two')).toBeLessThanOrEqual(small)
    expect(readFileSync(join(root, 'two', 'notes.txt'), 'utf8')).toBe('mine')
  })

  test('a collection that alone is larger than the cache is open, with a warning', async () => {
    const owner = await node('one')
    await filled(owner, 'things')
    await owner.close()
    const reader = await node('two', { readOnly: true, cacheBytes: MIB })
    const alone = await reader.collection('things')
    expect(await alone.count()).toBe(ROWS)
    expect(await warningsOf(alone)).toEqual([expect.stringMatching(/the segments of this collection alone take/)])
  })

  test('a cache that is removed while nodes run is made again', async () => {
    const owner = await node('one')
    const things = await filled(owner, 'things')
    const reader = await node('two', { readOnly: true, collectionIdleMs: 1 })
    expect(await (await reader.collection('things')).count()).toBe(ROWS)
    for (const cache of ['one', 'two']) rmSync(join(root, cache), { recursive: true })
    await things.upsert(points(ROWS + 1))
    await things.waitForIndex()
    await owner.close()
    await expect.poll(async () => (await reader.collection('things')).count(), PATIENCE).toBe(2 * ROWS)
    const next = await node('three')
    const again = await next.collection('things')
    expect(await again.count()).toBe(2 * ROWS)
    expect(await warningsOf(again)).toEqual([])
  })

  test('a cache that is removed while its node runs stays its own', async () => {
    const owner = await node('one')
    await filled(owner, 'things')
    rmSync(join(root, 'one'), { recursive: true })
    // The node notices by itself, without a use.
    await expect.poll(() => existsSync(join(root, 'one', LOCK_FILE)), PATIENCE).toBe(true)
    await expect(node('one', { readOnly: true })).rejects.toMatchObject({ code: 'LOCKED' })
    await owner.close()
    await (await node('one', { readOnly: true })).close()
  })

  test('a node whose removed cache another node has taken fetches nothing into it', async () => {
    const owner = await node('one')
    await filled(owner, 'things')
    const reader = await node('two', { readOnly: true, collectionIdleMs: 1 })
    rmSync(join(root, 'two'), { recursive: true })
    const taken = await CacheLock.acquire(new Disk(join(root, 'two'))).catch((error) => error)
    const first = async () => await (await reader.collection('things')).count()
    if (taken instanceof CacheLock) {
      await expect(first()).rejects.toMatchObject({ code: 'LOCKED' })
      taken.release()
    } else expect(taken).toMatchObject({ code: 'LOCKED' })
    // The other one is gone, so the folder is this node's again.
    await expect.poll(() => first().catch(() => 0), PATIENCE).toBe(ROWS)
  })

  test('what was verified once is not read again, unless it has changed since', async () => {
    const owner = await node('one')
    await filled(owner, 'things')
    await owner.close()
    const path = only('one')
    utimesSync(path, WRITTEN_S, WRITTEN_S)
    const verifying = await node('one', { readOnly: true })
    await firstUse(verifying)
    await verifying.close()
    damage(path)
    utimesSync(path, WRITTEN_S, WRITTEN_S)
    // Its length and time are as recorded, so nobody looks.
    const trusting = await node('one', { readOnly: true })
    expect(await warningsOf(await firstUse(trusting))).toEqual([])
    await trusting.close()
    rmSync(join(root, 'one', 'cache'))
    const doubting = await node('one', { readOnly: true })
    expect(await warningsOf(await firstUse(doubting))).toEqual([expect.stringMatching(/fetched again/)])
  })
}
