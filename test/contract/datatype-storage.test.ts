/** Vectors stored with one or two bytes a component: smaller, with the same numbers and scores as floats. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { QdrantClient } from '@qdrant/js-client-rest'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import type { Collection, Database, StoredPoint } from '../../src/core/database.js'
import type { Datatype, Distance } from '../../src/core/schema.js'
import { open } from '../../src/index.js'
import fc from '../oracle/properties.js'
import { startService } from './service.js'

const SIZE = 64
const POINTS = 2_000
const VECTORS = {
  full: { size: SIZE, distance: 'Euclid' },
  half: { size: SIZE, distance: 'Euclid', datatype: 'float16' },
  byte: { size: SIZE, distance: 'Euclid', datatype: 'uint8' },
  scaled: { size: SIZE, distance: 'Cosine', datatype: 'uint8' },
} as const

async function openFolder(): Promise<{ database: Database; folder: string }> {
  const folder = await mkdtemp(join(tmpdir(), 'vicinal-datatypes-'))
  const database = await open(folder)
  onTestFinished(async () => {
    await database.close()
    await rm(folder, { recursive: true })
  })
  return { database, folder }
}

async function openMemory(): Promise<Database> {
  const database = await open(':memory:')
  onTestFinished(() => database.close())
  return database
}

/** Integers that every datatype holds, around one of some centres. */
function numbersOf(id: number): number[] {
  let state = id * 2_654_435_761 + 1
  return Array.from({ length: SIZE }, (_, at) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor(128 + 90 * Math.sin((id % 20) * 12.9898 + at * 78.233) + (state / 2 ** 32) * 30)
  })
}

async function fill(collection: Collection, from: number, count: number, names: readonly string[]): Promise<void> {
  const points = Array.from({ length: count }, (_, at) => {
    const numbers = numbersOf(from + at)
    return { id: from + at, vector: Object.fromEntries(names.map((name) => [name, numbers])) }
  })
  await collection.upsert(points)
}

/**
 * Writes and deletes a point that needs each vector's full datatype. Otherwise rows would be stored in a narrower one.
 */
async function needAll(collection: Collection, names: readonly string[]): Promise<void> {
  const vector = Object.fromEntries(names.map((name) => [name, new Array(SIZE).fill(name === 'half' ? 1 / 2 : 1 / 3)]))
  await collection.upsert([{ id: 1_000_000, vector }])
  await collection.delete([1_000_000])
}

async function heldBytes(collection: Collection, name: string): Promise<number> {
  const { vectors } = (await collection.info()).memory
  const { bytes } = vectors[name]?.vectors ?? { bytes: Number.NaN }
  return bytes + (vectors[name]?.inFilesBytes ?? 0)
}

async function checkBytes(collection: Collection): Promise<void> {
  const full = await heldBytes(collection, 'full')
  expect(full).toBeGreaterThanOrEqual(POINTS * SIZE * 4)
  expect(await heldBytes(collection, 'half')).toBe(full / 2)
  expect(await heldBytes(collection, 'byte')).toBe(full / 4)
  expect(await heldBytes(collection, 'scaled')).toBe(full)
}

/** Each vector except the scaled one gives the answers of the float vector, with and without codes. */
async function checkAnswers(collection: Collection): Promise<void> {
  let near = 0
  for (let asked = 0; asked < 10; asked++) {
    const query = numbersOf(10_000 + asked)
    const [full, ...others] = await Promise.all(
      ['full', 'half', 'byte'].map(async (using) => {
        const exact = await collection.query({ query, using, limit: 10, params: { exact: true } })
        const found = await collection.query({ query, using, limit: 10, withVector: [using] })
        for (const { id, vector } of found) {
          const own = (vector as Record<string, Float32Array>)[using] as Float32Array
          expect([...own]).toEqual(numbersOf(Number(id)))
        }
        const scores = new Map(exact.map(({ id, score }) => [id, score]))
        near += found.filter(({ id, score }) => scores.get(id) === score).length
        return exact.map(({ id, score }) => ({ id, score }))
      }),
    )
    for (const other of others) expect(other).toEqual(full)
  }
  // Of 10 neighbours of 10 queries by three vectors.
  expect(near).toBeGreaterThanOrEqual(0.85 * 300)
}

async function scoresOf(collection: Collection, query: number[] | Float32Array) {
  const found = await collection.query({ query, limit: 300, params: { exact: true } })
  return found.map(({ id, score }) => ({ id, score }))
}

describe('vectors of float16 and uint8', () => {
  it('take a half and a quarter of the memory and give the same answers, through a restart, churn and a snapshot', async () => {
    const { database, folder } = await openFolder()
    const collection = await database.createCollection('a', { vectors: VECTORS })
    await needAll(collection, Object.keys(VECTORS))
    await fill(collection, 0, POINTS, Object.keys(VECTORS))
    await collection.waitForIndex()
    await checkBytes(collection)
    await checkAnswers(collection)
    const { name } = await collection.snapshots.create()
    const { chunks } = await collection.snapshots.read(name)
    const restored = await database.recoverCollection('b', { chunks })
    // Rebuilt from the table, its points fit into bytes. On a slow machine the snapshot has a checkpoint, with floats.
    expect([POINTS * SIZE, (POINTS + 1) * SIZE * 4]).toContain(await heldBytes(restored, 'full'))
    await checkAnswers(restored)
    await database.close()

    const again = await open(folder)
    onTestFinished(() => again.close())
    const reopened = await again.collection('a')
    await checkBytes(reopened)
    await checkAnswers(reopened)
    await fill(reopened, 500, POINTS / 2, Object.keys(VECTORS))
    await reopened.delete(Array.from({ length: 100 }, (_, id) => id))
    await reopened.updateConfig({ hnswConfig: { m: 12 } })
    await reopened.waitForIndex()
    await checkAnswers(reopened)
    expect(await heldBytes(reopened, 'byte')).toBe((await heldBytes(reopened, 'full')) / 4)
  })

  it('take no more than their values need, whatever their datatype', async () => {
    const first = await openFolder()
    const created = await first.database.createCollection('a', { vectors: VECTORS })
    // In batches, as clients send them; the first ones do not show what follows. Then a restart.
    for (let from = 0; from < 1100; from += 100) await fill(created, from, 100, Object.keys(VECTORS))
    await first.database.close()
    const database = await open(first.folder)
    onTestFinished(() => database.close())
    const collection = await database.collection('a')
    for (let from = 1100; from < POINTS; from += 100) await fill(collection, from, 100, Object.keys(VECTORS))
    const bytesOfAll = () => Promise.all(['full', 'half', 'byte'].map((name) => heldBytes(collection, name)))
    const least = new Array(3).fill(POINTS * SIZE)
    await vi.waitFor(async () => expect(await bytesOfAll()).toEqual(least), { timeout: 300_000, interval: 200 })
    await collection.waitForIndex()
    await checkAnswers(collection)
    await collection.flush()
    await database.close()
    const again = await open(first.folder)
    onTestFinished(() => again.close())
    const reopened = await again.collection('a')
    await checkAnswers(reopened)
    const third = new Array(SIZE).fill(1 / 3)
    await reopened.upsert([{ id: 1_000_000, vector: { full: third } }])
    const [point] = await reopened.retrieve([1_000_000], { withVector: true })
    const { full } = (point as StoredPoint).vector as Record<string, Float32Array>
    expect([...(full as Float32Array)]).toEqual(third.map(Math.fround))
    await checkAnswers(reopened)
  })

  it('may be added to a live collection', async () => {
    const { database, folder } = await openFolder()
    const collection = await database.createCollection('a', { vectors: { full: VECTORS.full } })
    await fill(collection, 0, POINTS, ['full'])
    await collection.createVectorName('half', { dense: VECTORS.half })
    await collection.createVectorName('byte', { dense: VECTORS.byte })
    await collection.createVectorName('scaled', { dense: VECTORS.scaled })
    await needAll(collection, Object.keys(VECTORS))
    await fill(collection, 0, POINTS, Object.keys(VECTORS))
    await collection.waitForIndex()
    await checkAnswers(collection)
    expect(await heldBytes(collection, 'half')).toBe((POINTS + 1) * SIZE * 2)
    expect(await heldBytes(collection, 'byte')).toBe((POINTS + 1) * SIZE)
    await database.close()
    const again = await open(folder)
    onTestFinished(() => again.close())
    await checkAnswers(await again.collection('a'))
  })

  it('have the scores of float vectors bit for bit, for any numbers', async () => {
    const database = await openMemory()
    let made = 0
    const create = (distance: Distance, datatype: Datatype) =>
      database.createCollection(`p${made++}`, { vectors: { size: 5, distance, datatype } })
    const vector = fc.array(fc.float({ noNaN: true, min: -60_000, max: 60_000 }), { minLength: 5, maxLength: 5 })
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom<Datatype>('float16', 'uint8'),
        fc.constantFrom<Distance>('Dot', 'Euclid', 'Manhattan'),
        fc.array(vector, { minLength: 1, maxLength: 20 }),
        vector,
        async (datatype, distance, vectors, query) => {
          const narrow = await create(distance, datatype)
          // The last one shows how queries are rounded.
          const points = [...vectors, query].map((numbers, id) => ({ id, vector: numbers }))
          await narrow.upsert(points)
          const rounded = await narrow.retrieve(
            points.map(({ id }) => id),
            { withVector: true },
          )
          const wide = await create(distance, 'float32')
          await wide.upsert(rounded.map(({ id, vector: kept }) => ({ id, vector: kept as Float32Array })))
          const asked = rounded.at(-1)?.vector as Float32Array
          expect(await scoresOf(narrow, query)).toEqual(await scoresOf(wide, asked))
        },
      ),
      { numRuns: 60 },
    )
  })

  it('are scaled to unit length under Cosine: float16 vectors as halves, uint8 vectors as floats', async () => {
    const database = await openMemory()
    const create = (name: string, datatype: Datatype) =>
      database.createCollection(name, { vectors: { size: SIZE, distance: 'Cosine', datatype } })
    const [full, half, byte] = await Promise.all(
      (['float32', 'float16', 'uint8'] as const).map((datatype) => create(datatype, datatype)),
    )
    for (const collection of [full, half, byte] as Collection[]) {
      await collection.upsert(Array.from({ length: 300 }, (_, id) => ({ id, vector: numbersOf(id) })))
      await collection.waitForIndex()
    }
    const query = numbersOf(10_000)
    const exact = await scoresOf(full as Collection, query)
    expect(await scoresOf(byte as Collection, query)).toEqual(exact)
    const scores = new Map(exact.map(({ id, score }) => [id, score]))
    for (const { id, score } of await scoresOf(half as Collection, query)) {
      expect(Math.abs(score - (scores.get(id) ?? Number.NaN))).toBeLessThan(2 ** -10)
    }
    expect(await heldBytes(half as Collection, '')).toBe(300 * SIZE * 2)
  })

  it("are accepted from Qdrant's client", async () => {
    const database = await openMemory()
    const { url } = await startService({ database })
    const client = new QdrantClient({ url })
    for (const datatype of ['float16', 'uint8'] as const) {
      await client.createCollection(datatype, {
        vectors: { size: SIZE, distance: 'Euclid', datatype },
        quantization_config: { scalar: { type: 'int8', always_ram: true } },
      })
      const points = Array.from({ length: 500 }, (_, id) => ({ id, vector: numbersOf(id) }))
      await client.upsert(datatype, { wait: true, points })
      const { points: found } = await client.query(datatype, {
        query: numbersOf(7),
        limit: 3,
        with_vector: true,
        params: { quantization: { rescore: true, oversampling: 2 } },
      })
      expect(found[0]).toMatchObject({ id: 7, score: 0, vector: numbersOf(7) })
      const recommended = await client.query(datatype, { query: { recommend: { positive: [7, 27] } }, limit: 5 })
      expect(recommended.points.map(({ id }) => Number(id) % 20)).toEqual([7, 7, 7, 7, 7])
      const info = await client.getCollection(datatype)
      expect(info.config.params.vectors).toMatchObject({ datatype })
    }
    await client.createCollection('tokens', {
      vectors: { size: 2, distance: 'Dot', datatype: 'float16', multivector_config: { comparator: 'max_sim' } },
    })
    const tokens = [
      [0.1, 2049],
      [1, 2],
    ]
    await client.upsert('tokens', { wait: true, points: [{ id: 1, vector: tokens }] })
    const [point] = await client.retrieve('tokens', { ids: [1], with_vector: true })
    expect(point?.vector).toEqual([
      [0.099_975_586, 2048],
      [1, 2],
    ])
    const { points } = await client.query('tokens', { query: [[1, 0]] })
    expect(points[0]?.score).toBe(1)
  })
})
