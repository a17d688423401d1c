import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import type { Collection, Database } from '../../../../src/core/database.js'
import { open } from '../../../../src/index.js'

const POINTS = 20_000
const KINDS = { word: 'keyword', n: 'integer', text: 'text', at: 'datetime', flag: 'bool' } as const
const WORDS = ['red', 'blue', 'house', 'garden', 'fox', 'river']
/** Removals of files run in the background of an open collection. */
const REMOVED_MS = 5_000
let scratch: string
let folder: string
beforeEach(() => {
  scratch = mkdtempSync(join(tmpdir(), 'vicinal-index-files-'))
  folder = join(scratch, 'data')
})
afterEach(() => rmSync(scratch, { recursive: true }))

function pointOf(id: number) {
  const word = `${WORDS[id % WORDS.length]} ${id % 997}`
  const at = new Date(1.6e12 + id * 3_600_000).toISOString()
  return {
    id,
    vector: [id % 7, id % 11],
    payload: { word, n: id % 5_000, text: `${word} walked`, at, flag: id % 3 === 0 },
  }
}

async function filled(db: Database, name: string, onDisk: boolean): Promise<Collection> {
  const collection = await db.createCollection(name, { vectors: { size: 2, distance: 'Euclid' } })
  for (const [field, type] of Object.entries(KINDS)) await collection.createPayloadIndex(field, { type, onDisk })
  for (let from = 0; from < POINTS; from += 5_000) {
    await collection.upsert(Array.from({ length: 5_000 }, (_, at) => pointOf(from + at)))
  }
  return collection
}

/** All answers that use indexes. */
async function answers(collection: Collection): Promise<unknown[]> {
  const conditions = [
    { key: 'word', match: { value: 'red 6' } },
    { key: 'word', match: { prefix: 'house 1' } },
    { key: 'n', range: { gte: 40, lt: 90 } },
    { key: 'text', match: { text: 'walked garden' } },
    { key: 'at', range: { lt: '2020-10-01T00:00:00Z' } },
    { key: 'flag', match: { value: true } },
    { key: 'word', match: { except: ['red 0', 'blue 1'] } },
  ]
  const found: unknown[] = []
  for (const must of conditions) {
    found.push(
      await collection.count({ filter: { must } }),
      await collection.facet({ key: 'word', limit: 20, filter: { must } }),
    )
  }
  found.push(await collection.scroll({ orderBy: { key: 'at', direction: 'desc' }, limit: 50 }))
  found.push(await collection.facet({ key: 'flag' }), await collection.facet({ key: 'n', limit: 30 }))
  return found
}

const indexFiles = () =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.vidx'))

it('indexes on disk answer like those in memory when opened, changed and restored, and take no memory of the process', async () => {
  let db = await open(folder)
  await filled(db, 'disk', true)
  await filled(db, 'memory', false)
  expect(await answers(await db.collection('disk'))).toEqual(await answers(await db.collection('memory')))
  await db.close()
  expect(indexFiles()).toHaveLength(Object.keys(KINDS).length)

  db = await open(folder)
  const [disk, memory] = [await db.collection('disk'), await db.collection('memory')]
  const table = async (collection: Collection) => (await collection.info()).memory.payloadIndexes
  const [mapped, held] = [await table(disk), await table(memory)]
  expect(mapped.bytes).toBeGreaterThan(held.bytes / 10)
  expect(mapped.residentBytes - mapped.cacheBytes).toBeLessThan(held.residentBytes / 20)
  expect(held.cacheBytes).toBe(0)
  expect(await answers(disk)).toEqual(await answers(memory))
  for (const collection of [disk, memory]) {
    await collection.setPayload({ word: 'fox 1', n: 41 }, { filter: { must: { key: 'n', range: { lt: 300 } } } })
    await collection.delete({ filter: { must: { key: 'n', range: { gte: 1_000, lt: 2_500 } } } })
    await collection.upsert(Array.from({ length: 500 }, (_, at) => pointOf(POINTS + at)))
  }
  expect(await answers(disk)).toEqual(await answers(memory))
  expect((await disk.info()).payloadSchema).toMatchObject({ n: { kind: 'integer', params: { onDisk: true } } })

  const { name } = await disk.snapshots.create()
  const restored = await db.recoverCollection('restored', await disk.snapshots.read(name))
  expect(await answers(restored)).toEqual(await answers(memory))
  await disk.deletePayloadIndex('text')
  await db.close()
  // Files of older checkpoints are removed when their collection is opened; another checkpoint may follow.
  const left = 2 * Object.keys(KINDS).length - 1
  for (let opened = 0; opened < 20 && indexFiles().length !== left; opened++) {
    const again = await open(folder)
    for (const name of await again.collections()) await (await again.collection(name)).warm()
    await vi.waitUntil(() => indexFiles().length === left, { timeout: REMOVED_MS }).catch(() => undefined)
    await again.close()
  }
  expect(indexFiles()).toHaveLength(left)
})
