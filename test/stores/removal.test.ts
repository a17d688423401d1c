/** Objects that nothing names any more: those of old manifests, of deleted collections, and of uploads that nothing followed. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { parseStore } from '../../src/bucket/address.js'
import { Group } from '../../src/bucket/group.js'
import { GroupReader } from '../../src/bucket/group-reader.js'
import { recordsKey } from '../../src/bucket/keys.js'
import { Objects } from '../../src/bucket/objects.js'
import { encodeRecords } from '../../src/bucket/records.js'
import { PRUNING } from '../../src/bucket/removals.js'
import type { Collection, Database } from '../../src/core/database.js'
import { EmbeddedDatabase } from '../../src/engine/database/embedded-database.js'
import { CacheFolder } from '../../src/engine/stores/cache-folder.js'
import { OwnerStore, type StoreOptions } from '../../src/engine/stores/owner-store.js'
import { encodeBounded } from '../../src/log/record.js'
import { decodeManifest, encodeManifest } from '../../src/storage/manifest.js'

const DAY_MS = 86_400_000
const ROWS = 1_200
const STRAYS = ['segments/gone/1.vseg', 'tables/gone/table.lance/data/1.lance']
let root: string
let objects: Objects
let database: Database | null = null

const address = () => parseStore(pathToFileURL(join(root, 'bucket')).href)

beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), 'vicinal-removal-'))
  objects = await Objects.open(address())
})
afterEach(async () => {
  await database?.close()
  database = null
  rmSync(root, { recursive: true, force: true })
})

async function opened(options: StoreOptions): Promise<Database> {
  await database?.close()
  database = await EmbeddedDatabase.open(
    await OwnerStore.open(address(), await CacheFolder.open(join(root, 'cache')), options),
  )
  return database
}

async function fill(things: Collection, from: number): Promise<void> {
  await things.upsert(
    Array.from({ length: ROWS }, (_, i) => ({ id: from + i, vector: [Math.sin(i), Math.cos(i), i % 7] })),
  )
  await things.waitForIndex()
}

const paths = async (folder: string) => (await objects.list(folder)).map(({ path }) => path).sort()

test('what a manifest stops naming goes, and everything of a deleted collection', async () => {
  const things = await (await opened({})).createCollection('things', { vectors: { size: 3, distance: 'Dot' } })
  await fill(things, 1)
  await database?.close()
  const first = await paths('segments/')
  expect(first.length).toBeGreaterThan(0)

  // The time is over at once, for what this owner finds as for what it stops naming itself.
  const again = await (await opened({ removalMs: 1 })).collection('things')
  await fill(again, 10_000)
  await again.delete([1, 2, 3])
  await database?.close()
  await opened({ removalMs: 1 })
  const isGone = async () => {
    const left = await paths('segments/')
    return first.some((path) => !left.includes(path))
  }
  await expect.poll(isGone).toBe(true)
  const kept = await (await opened({})).collection('things')
  expect(await kept.count()).toBe(2 * ROWS - 3)
  expect((await kept.info()).warnings).toEqual([])

  await (await opened({ removalMs: 1 })).deleteCollection('things')
  await expect.poll(() => paths('segments/')).toEqual([])
  await expect.poll(() => paths('tables/')).toEqual([])
})

test('objects that nothing ever named go once they are a day old, and those of collections do not', async () => {
  const things = await (await opened({})).createCollection('things', { vectors: { size: 3, distance: 'Dot' } })
  await fill(things, 1)
  await things.flush()
  await database?.close()
  const named = [...(await paths('segments/')), ...(await paths('tables/'))]
  const beside = `${(named[0] as string).split('/').slice(0, 2).join('/')}/stray.vseg`
  for (const path of [...STRAYS, beside]) await objects.write(path, Buffer.from('stray'))
  const all = async () => [...(await paths('segments/')), ...(await paths('tables/'))]

  const later = { wallMs: () => Date.now() + 2 * DAY_MS, monotonicMs: () => performance.now() }
  await opened({ removalMs: 1, clock: later })
  await expect.poll(all).toEqual(named)
  expect(await (await (await opened({})).collection('things')).count()).toBe(ROWS)
})

/** The remains of a killed process of the group: the work gets the group and the uuid of `things`. */
async function leave(work: (group: Group, uuid: string) => Promise<void>): Promise<void> {
  const group = await Group.open(address())
  const entry = await group.get(Buffer.from('c/things'))
  await work(group, JSON.parse(Buffer.from(entry as Uint8Array).toString()).uuid)
  await group.close()
}

/** Keys that begin so, of the database as another process reads it. */
async function keysOf(prefix: string): Promise<string[]> {
  const reader = await GroupReader.open(address())
  const found: string[] = []
  for await (const [key] of reader.scan(Buffer.from(prefix))) found.push(Buffer.from(key).toString('latin1'))
  await reader.close()
  return found
}

test('records of a recovery that was killed go, and those of collections do not', async () => {
  const things = await (await opened({})).createCollection('things', { vectors: { size: 3, distance: 'Dot' } })
  await things.upsert([{ id: 1, vector: [1, 2, 3] }])
  await database?.close()
  database = null
  const record = encodeBounded({ op: 'delete', ids: new Uint32Array(5) })
  const others = ['00000000-1111-4222-8333-444444444444', 'ffffffff-1111-4222-8333-444444444444']
  await leave(async (group, uuid) => {
    // Some for the collection as well, since it flushed all at its end, and many for each of the others.
    await group.write({ puts: [[recordsKey(uuid, 2), encodeRecords(group.epoch, [record])]] })
    const puts = others.flatMap((other) =>
      Array.from({ length: 40 }, (_, i) => [recordsKey(other, 1 + i), encodeRecords(group.epoch, [record])] as const),
    )
    await group.write({ puts: puts.map(([key, value]): [Uint8Array, Uint8Array] => [key, value]) })
  })
  expect((await keysOf('r/')).length).toBe(81)
  await opened({})
  await expect.poll(async () => (await keysOf('r/')).length, { timeout: 60_000 }).toBe(1)
  expect(await (await (database as unknown as Database).collection('things')).count()).toBe(1)
})

test('a manifest without a name, and its objects, go like other objects that nothing names', async () => {
  const things = await (await opened({})).createCollection('things', { vectors: { size: 3, distance: 'Dot' } })
  await fill(things, 1)
  await things.flush()
  await database?.close()
  database = null
  const other = 'ffffffff-1111-4222-8333-444444444444'
  await leave(async (group, uuid) => {
    const value = (await group.get(Buffer.from(`m/${uuid}`))) as Uint8Array
    const manifest = { ...decodeManifest('manifest', Buffer.from(value)), uuid: other }
    await group.write({ puts: [[Buffer.from(`m/${other}`), encodeManifest('manifest', manifest)]] })
  })
  await objects.write(`tables/${other}/table.lance/data/1.lance`, Buffer.from('stray'))
  const later = { wallMs: () => Date.now() + 2 * DAY_MS, monotonicMs: () => performance.now() }
  await opened({ removalMs: 1, clock: later })
  await expect.poll(() => paths(`tables/${other}/`)).toEqual([])
  await expect.poll(async () => (await keysOf('m/')).length).toBe(1)
  expect(await (await (await opened({})).collection('things')).count()).toBe(ROWS)
})

test('an object that may be about to be named stays, whatever its age', async () => {
  for (const path of STRAYS) await objects.write(path, Buffer.from('stray'))
  await objects.write('vicinal.json', Buffer.from('{"vicinal":"store","format":1,"leastReader":1}'))
  const things = await (await opened({ removalMs: 1, orphanAgeMs: 0 })).createCollection('things', {
    vectors: { size: 3, distance: 'Dot' },
  })
  // A later step of the same background work, so that the listing is over.
  await fill(things, 1)
  await (await opened({ removalMs: 1 })).deleteCollection('things')
  await expect.poll(() => paths('segments/')).toEqual([STRAYS[0]])
  expect(await objects.read(STRAYS[1] as string)).not.toBeNull()
})

test('versions of a table that nobody writes any more go after the last compaction, without its collection being opened', async () => {
  const things = await (await opened({})).createCollection('things', { vectors: { size: 1, distance: 'Dot' } })
  // More parts than a table keeps before they are merged.
  for (let id = 1; id <= 20; id++) {
    await things.upsert([{ id, vector: [id] }])
    await things.flush()
  }
  const versions = async () => (await paths('tables/')).filter((path) => path.endsWith('.manifest')).length
  await database?.close()
  expect(await versions()).toBeGreaterThan(20)
  // Background work begins at once, and merges them.
  const again = await (await opened({})).collection('things')
  await again.upsert([{ id: 21, vector: [21] }])
  await again.flush()
  await again.updateConfig({ hnswConfig: { m: 8 } })
  const reader = await GroupReader.open(address())
  const marks = async () => {
    let count = 0
    for await (const _ of reader.scan(Buffer.from(`x/${PRUNING}`))) count++
    return count
  }
  await expect.poll(marks, { timeout: 120_000 }).toBe(1)
  await reader.close()
  await database?.close()
  expect(await versions()).toBeGreaterThan(20)

  await opened({ removalMs: 1 })
  await expect.poll(versions, { timeout: 120_000 }).toBe(1)
  expect(await (await (await opened({})).collection('things')).count()).toBe(21)
})
