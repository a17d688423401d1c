/** The collection of an import: whether it is made, emptied and deleted. */
import { expect, onTestFinished, test } from 'vitest'
import type { Database } from '../../../src/core/database.js'
import type { IngestionConfig } from '../../../src/core/schema.js'
import { Target } from '../../../src/import/target.js'
import { open } from '../../../src/index.js'

const OPTIONS = { vectors: { size: 2, distance: 'Dot' } } as const
const INGESTION: IngestionConfig = { quarantine: 'photos-quarantine', rules: [{ check: 'zero', action: 'quarantine' }] }

async function inMemory(): Promise<Database> {
  const database = await open(':memory:')
  onTestFinished(() => database.close())
  return database
}

test('a collection that another import has made meanwhile is not deleted', async () => {
  const database = await inMemory()
  const [first, second] = [await Target.open(database, 'photos'), await Target.open(database, 'photos')]
  await first.make({ options: OPTIONS, indexes: [] })
  await expect(second.make({ options: OPTIONS, indexes: [] })).rejects.toMatchObject({ code: 'ALREADY_EXISTS' })
  await second.deleteIfEmpty()
  expect(await database.hasCollection('photos')).toBe(true)
})

test('a collection that another client has filled meanwhile is not deleted', async () => {
  const database = await inMemory()
  const target = await Target.open(database, 'photos')
  await target.make({ options: OPTIONS, indexes: [] })
  await (await database.collection('photos')).upsert([{ id: 1, vector: [1, 2] }])
  await target.deleteIfEmpty()
  expect(await (await database.collection('photos')).count()).toBe(1)
})

test('a collection that got no point goes with the quarantine that was made with it', async () => {
  const database = await inMemory()
  const made = await Target.open(database, 'photos')
  await made.make({ options: { ...OPTIONS, ingestion: INGESTION }, indexes: [] })
  expect(await database.hasCollection('photos-quarantine')).toBe(true)
  await made.deleteIfEmpty()
  expect(await database.hasCollection('photos-quarantine')).toBe(false)
  // One that was there before stays.
  await database.createCollection('photos-quarantine', { vectors: {} })
  const again = await Target.open(database, 'photos')
  await again.make({ options: { ...OPTIONS, ingestion: INGESTION }, indexes: [] })
  await again.deleteIfEmpty()
  expect(await database.hasCollection('photos')).toBe(false)
  expect(await database.hasCollection('photos-quarantine')).toBe(true)
})

test('a dry run holds a bounded part of the quarantine', { timeout: 60_000 }, async () => {
  const memory = await inMemory()
  const target = await Target.dry(memory, 'photos', null)
  await target.make({ options: { ...OPTIONS, ingestion: INGESTION }, indexes: [] })
  const { signal } = new AbortController()
  const text = 'x'.repeat(1024 * 1024)
  for (let first = 0; first < 96; first += 8) {
    const ids = Array.from({ length: 8 }, (_, at) => first + at)
    const points = ids.map((id) => ({ id, vector: [0, 0], payload: { text } }))
    expect(await target.writeRight(points, signal)).toMatchObject({ accepted: 0, quarantined: 8 })
  }
  expect(await (await memory.collection('photos-quarantine')).count()).toBeLessThanOrEqual(64)
})
