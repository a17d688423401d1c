/** Snapshots of a database on a store: made by its owner, read on any node, and taken in by stores and folders. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Collection, Database } from '../../src/core/database.js'
import { type OpenOptions, open } from '../../src/index.js'

const ROWS = 1_200
const PATIENCE = { timeout: 300_000, interval: 50 }
let root: string
let store: string
const opened: Database[] = []

async function at(place: string, options: OpenOptions = {}): Promise<Database> {
  const database = await open(place, options)
  opened.push(database)
  return database
}
const node = async (cache: string, options: OpenOptions = {}) =>
  await at(store, { cache: join(root, cache), ...options })

const points = (from: number, count: number) =>
  Array.from({ length: count }, (_, i) => ({
    id: from + i,
    vector: [Math.sin(i), Math.cos(i)],
    payload: { n: from + i },
  }))

/** A collection with rows in a segment, in the table, and in the log. */
async function filled(database: Database, name: string): Promise<Collection> {
  const things = await database.createCollection(name, { vectors: { size: 2, distance: 'Dot' } })
  await things.upsert(points(1, ROWS))
  await things.waitForIndex()
  await things.flush()
  await things.upsert(points(10_000, 5))
  await things.delete([1, 2])
  return things
}
const COUNT = ROWS + 5 - 2

async function bytesOf(chunks: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const all: Uint8Array[] = []
  for await (const chunk of chunks) all.push(chunk)
  return Buffer.concat(all)
}
async function* piecesOf(bytes: Buffer) {
  for (let from = 0; from < bytes.length; from += 100_000) yield bytes.subarray(from, from + 100_000)
}

/** `address` makes a prefix that nothing is below. */
export function snapshotsOn(address: (root: string) => string): void {
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'vicinal-stored-snapshots-'))
    store = address(root)
  })
  afterEach(async () => {
    for (const database of opened.splice(0)) await database.close().catch(() => undefined)
    rmSync(root, { recursive: true, force: true })
  })

  test('a snapshot is listed and read on every node, recovered, and deleted', async () => {
    const before = await node('one')
    await filled(before, 'things')
    // Its segments are in the store from here on.
    await before.close()
    const owner = await node('one')
    const things = await owner.collection('things')
    const made = await things.snapshots.create()
    await things.delete([3, 4, 5])
    const reader = await node('two', { readOnly: true })
    const seen = await reader.collection('things')
    await expect.poll(() => seen.snapshots.list(), PATIENCE).toEqual([made])
    const { bytes, chunks } = await seen.snapshots.read(made.name)
    expect(bytes).toBe(made.bytes)
    expect((await bytesOf(chunks)).length).toBe(bytes)
    await expect(seen.snapshots.create()).rejects.toMatchObject({ code: 'READ_ONLY' })

    const location = `${store}/snapshots/${made.name}`
    const again = await owner.recoverCollection('things', { location }, { checksum: made.checksum })
    expect(await again.count()).toBe(COUNT)
    await again.upsert(points(20_000, 1))
    const copy = await owner.recoverCollection('copy', { location })
    expect(await copy.count()).toBe(COUNT)
    await expect.poll(() => reader.collections(), PATIENCE).toEqual(['copy', 'things'])
    await expect.poll(async () => (await reader.collection('things')).count(), PATIENCE).toBe(COUNT + 1)
    for (const wrong of [`${store}x/snapshots/${made.name}`, `${store}/tables/${made.name}`])
      await expect(owner.recoverCollection('copy', { location: wrong })).rejects.toMatchObject({ code: 'FORBIDDEN' })
    await expect(
      owner.recoverCollection('copy', { location: `${store}/snapshots/../x.snapshot` }),
    ).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })

    await again.snapshots.delete(made.name)
    expect(await again.snapshots.list()).toEqual([])
    await expect(again.snapshots.read(made.name)).rejects.toMatchObject({ code: 'NOT_FOUND' })
    await owner.close()
    const next = await node('three')
    expect(await next.collections()).toEqual(['copy', 'things'])
    expect(await (await next.collection('things')).count()).toBe(COUNT + 1)
    expect(await (await next.collection('copy')).count()).toBe(COUNT)
  })

  test('a snapshot of the whole database goes from a store to a folder, and back to another store', async () => {
    const owner = await node('one')
    await filled(owner, 'things')
    await owner.createCollection('empty', { vectors: { size: 1, distance: 'Dot' } })
    await owner.updateAliases([{ createAlias: { aliasName: 'other', collectionName: 'things' } }])
    const { name } = await owner.snapshots.create()
    expect((await owner.snapshots.list()).map((each) => each.name)).toEqual([name])
    const archive = await bytesOf((await owner.snapshots.read(name)).chunks)

    const folder = await at(join(root, 'data'))
    expect(await folder.recover({ chunks: piecesOf(archive) })).toEqual(['empty', 'things'])
    expect(await (await folder.collection('other')).count()).toBe(COUNT)
    await (await folder.collection('things')).upsert(points(30_000, 1))
    const { chunks } = await (await folder.collection('things')).snapshots.stream()
    const back = await bytesOf(chunks)
    await owner.close()

    store = `${store}-again`
    const other = await node('two')
    const things = await other.recoverCollection('things', { chunks: piecesOf(back) })
    expect(await things.count()).toBe(COUNT + 1)
    await things.upsert(points(40_000, 1))
    await things.flush()
    await other.close()
    expect(await (await (await node('three')).collection('things')).count()).toBe(COUNT + 2)
  })
}

/** A process that makes a snapshot of a large collection, and is killed when the object's first bytes are there. */
export function killedSnapshotOn(address: (root: string) => string): void {
  test('kill -9 in the middle of a snapshot leaves none that is listed, and the next owner removes what is there', async () => {
    root = mkdtempSync(join(tmpdir(), 'vicinal-stored-snapshots-'))
    store = address(root)
    const cache = join(root, 'one')
    const first = await open(store, { cache })
    await filled(first, 'things')
    await first.close()
    const script = `
      import { open } from ${JSON.stringify(new URL('../../dist/index.js', import.meta.url).href)}
      const database = await open(${JSON.stringify(store)}, { cache: ${JSON.stringify(cache)} })
      const things = await database.collection('things')
      for (;;) {
        const { name } = await things.snapshots.create()
        console.log(name)
      }`
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const acknowledged: string[] = []
    child.stdout.setEncoding('utf8').on('data', (text: string) => acknowledged.push(...text.trim().split('\n')))
    await expect.poll(() => acknowledged.length, PATIENCE).toBeGreaterThan(1)
    child.kill('SIGKILL')
    await once(child, 'exit')

    const later = await open(store, { cache })
    const things = await later.collection('things')
    const listed = await things.snapshots.list()
    for (const name of acknowledged) expect(listed.map((each) => each.name)).toContain(name)
    for (const { name, bytes } of listed) {
      expect((await bytesOf((await things.snapshots.read(name)).chunks)).length).toBe(bytes)
    }
    expect(readdirSync(cache).filter((name) => name.startsWith('tmp-'))).toEqual([])
    const location = `${store}/snapshots/${listed.at(-1)?.name}`
    expect(await (await later.recoverCollection('copy', { location })).count()).toBe(COUNT)
    await later.close()
    rmSync(root, { recursive: true, force: true })
  })
}

export const fileStore = (root: string) => pathToFileURL(join(root, 'bucket', 'prefix')).href
