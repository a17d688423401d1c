/** A database on an object store: one owner, readers beside it, and a cache that may be lost. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Collection, Database } from '../../src/core/database.js'
import { open } from '../../src/index.js'

let root: string
let store: string
const opened: Database[] = []

async function node(cache: string, options: { readOnly?: boolean } = {}): Promise<Database> {
  const database = await open(store, { cache: join(root, cache), ...options })
  opened.push(database)
  return database
}

const vector = (at: number) => [Math.sin(at), Math.cos(at), at % 7, 1]
const points = (from: number, count: number) =>
  Array.from({ length: count }, (_, i) => ({ id: from + i, vector: vector(from + i), payload: { n: from + i } }))

async function idsIn(collection: Collection): Promise<number[]> {
  const ids: number[] = []
  for await (const point of collection.scroll()) ids.push(Number(point.id))
  return ids.sort((a, b) => a - b)
}

const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => from + i)

/** `address` makes a prefix that nothing is below; its parent holds nothing else. */
export function databasesOn(address: (root: string) => string): void {
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'vicinal-store-'))
    store = address(root)
  })
  afterEach(async () => {
    for (const database of opened.splice(0)) await database.close().catch(() => undefined)
    rmSync(root, { recursive: true, force: true })
  })

  test('what was written is there for a node with an empty cache, from the log, the table and segments', async () => {
    const first = await node('one')
    const things = await first.createCollection('things', { vectors: { size: 4, distance: 'Cosine' } })
    await things.createPayloadIndex('n', 'integer')
    await things.upsert(points(1, 2_000))
    await things.waitForIndex()
    await things.flush()
    await things.upsert(points(2_001, 10))
    await things.delete([5, 2_005])
    const asked = { query: vector(77), limit: 5, filter: { must: [{ key: 'n', range: { gte: 50 } }] } }
    const before = await things.query(asked)
    await first.close()

    const second = await node('two')
    expect(await second.collections()).toEqual(['things'])
    const again = await second.collection('things')
    expect(await idsIn(again)).toEqual(range(1, 2_010).filter((id) => id !== 5 && id !== 2_005))
    expect(await again.query(asked)).toEqual(before)
    await again.upsert(points(3_000, 1))
    expect(await again.count()).toBe(2_009)
  })

  test('a reader follows the owner: records, flushes, collections and aliases made meanwhile', async () => {
    const owner = await node('one')
    const things = await owner.createCollection('things', { vectors: { size: 4, distance: 'Dot' } })
    await things.upsert(points(1, 10))
    const reader = await node('two', { readOnly: true })
    const seen = await reader.collection('things')
    expect(await idsIn(seen)).toEqual(range(1, 10))
    await things.upsert(points(11, 5))
    await expect.poll(() => idsIn(seen)).toEqual(range(1, 15))
    await things.flush()
    await things.upsert(points(16, 1))
    await things.flush()
    await things.delete([1])
    await expect.poll(() => idsIn(seen)).toEqual(range(2, 16))
    await expect(seen.upsert(points(1, 1))).rejects.toMatchObject({ code: 'READ_ONLY' })

    await owner.createCollection('more', { vectors: { size: 4, distance: 'Dot' } })
    await owner.updateAliases([{ createAlias: { aliasName: 'other', collectionName: 'things' } }])
    await expect.poll(() => reader.collections()).toEqual(['more', 'things'])
    await expect.poll(() => reader.aliases()).toHaveLength(1)
    await owner.deleteCollection('things')
    await expect.poll(() => reader.collections()).toEqual(['more'])
  })

  test('a reader that is given the watermark of a write sees it, and one that nobody wrote is not there in time', async () => {
    const owner = await node('one')
    const things = await owner.createCollection('things', { vectors: { size: 4, distance: 'Dot' } })
    const reader = await node('two', { readOnly: true })
    const seen = await reader.collection('things')
    for (let at = 1; at <= 5; at++) {
      const { watermark } = await things.upsert(points(at, 1))
      expect(watermark).toMatch(/^\d+\.\d+$/)
      expect(await seen.count({ after: watermark })).toBe(at)
      expect(await things.count({ after: watermark })).toBe(at)
      if (at === 3) await things.flush()
    }
    const { watermark } = await things.createPayloadIndex('n', 'integer')
    expect(await seen.facet({ key: 'n', after: watermark })).toHaveLength(5)
    await owner.createCollection('more', { vectors: { size: 4, distance: 'Dot' } })
    const after = (await owner.watermarks?.current()) as string
    expect(await reader.collections({ after })).toEqual(['more', 'things'])
    await expect(seen.count({ after: '999.1', timeoutMs: 100 })).rejects.toMatchObject({
      code: 'UNAVAILABLE',
      retryable: true,
    })
    await expect(seen.count({ after: 'soon' })).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
  })

  test('a node that opens the store takes it from the owner, and nothing acknowledged is lost', async () => {
    const first = await node('one')
    const things = await first.createCollection('things', { vectors: { size: 4, distance: 'Dot' } })
    await things.upsert(points(1, 50))
    const second = await node('two')
    const taken = await second.collection('things')
    await expect(things.upsert(points(100, 1))).rejects.toMatchObject({ code: 'UNAVAILABLE' })
    await taken.upsert(points(51, 10))
    expect(await idsIn(taken)).toEqual(range(1, 60))
  })

  test('an owner that was replaced does not acknowledge what would change nothing in its old state', async () => {
    const first = await node('one')
    const things = await first.createCollection('things', { vectors: { size: 4, distance: 'Dot' } })
    await things.upsert(points(1, 2))
    const second = await node('two')
    const taken = await second.collection('things')
    await taken.upsert(points(3, 1))
    await second.createCollection('more', { vectors: { size: 4, distance: 'Dot' } })
    const isNew = { must: [{ key: 'n', match: { value: 3 } }] }
    const changes = [
      () => things.upsert(points(3, 1), { updateMode: 'update_only' }),
      () => things.delete({ filter: isNew }),
      () => things.setPayload({ seen: true }, { filter: isNew }),
      () => first.deleteCollection('more'),
    ]
    for (const change of changes) await expect(change()).rejects.toMatchObject({ code: 'UNAVAILABLE' })
    expect(await idsIn(taken)).toEqual([1, 2, 3])
  })

  test('a late flush of the owner before brings nothing back, in answers and in what the table gives the next node', async () => {
    const first = await node('one')
    const things = await first.createCollection('things', { vectors: { size: 4, distance: 'Dot' } })
    await things.upsert(points(1, 20))
    await things.flush()
    await things.upsert(points(21, 10))
    const second = await node('two')
    const taken = await second.collection('things')
    await taken.delete([3, 4, 21, 22])
    await taken.flush()
    await expect(things.flush()).rejects.toMatchObject({ code: 'UNAVAILABLE' })
    await taken.upsert(points(40, 1))
    await taken.flush()
    const left = [...range(1, 20), ...range(23, 30), 40].filter((id) => id !== 3 && id !== 4)
    expect(await idsIn(taken)).toEqual(left)
    await second.close()
    // The table alone has the rows: there are too few for a segment, and the log holds none of them.
    expect(await idsIn(await (await node('three')).collection('things'))).toEqual(left)
  })

  test('a collection that was deleted and made again has nothing of the first', async () => {
    const owner = await node('one')
    const things = await owner.createCollection('things', { vectors: { size: 4, distance: 'Dot' } })
    await things.upsert(points(1, 50))
    await things.flush()
    await owner.deleteCollection('things')
    const again = await owner.createCollection('things', { vectors: { size: 4, distance: 'Dot' } })
    await again.upsert(points(7, 1))
    await owner.close()
    const second = await node('two')
    expect(await idsIn(await second.collection('things'))).toEqual([7])
  })

  test('a prefix of others is refused, and a reader does not make a store', async () => {
    await expect(node('two', { readOnly: true })).rejects.toThrow(/holds no database/)
    const owner = await node('one')
    await owner.close()
    store = store.slice(0, store.lastIndexOf('/'))
    await expect(node('three')).rejects.toThrow(/holds other objects, such as/)
  })
}
