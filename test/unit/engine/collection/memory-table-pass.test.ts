/**
 * Counting memory for longer than a count stays fresh. Page tables of terabytes take that long; the test simulates the
 * duration.
 */
import { expect, it, onTestFinished } from 'vitest'
import { COLLECTION_PARTS } from '../../../../src/core/memory.js'
import { type MeasuredCollection, memoryTables } from '../../../../src/engine/memory/memory-table.js'

const COLLECTIONS = 6
const COUNT_MS = 250

it('counts each collection once for callers that ask for one after the other', async () => {
  let counts = 0
  let busy = Promise.resolve()
  const part = { bytes: 1, residentBytes: 1, cacheBytes: 0, heapBytes: 0, unlockedBytes: 0 }
  const parts = Object.fromEntries(COLLECTION_PARTS.map((name) => [name, part]))
  const memory = () => {
    counts++
    // Simulates the duration of a count.
    busy = busy.then(() => new Promise((resolve) => setTimeout(resolve, COUNT_MS)))
    return busy.then(() => ({ ...parts, vectors: [] }))
  }
  const collections = Array.from(
    { length: COLLECTIONS },
    () => ({ shard: { memory }, log: { bufferedBytes: 0 }, schema: [] }) as unknown as MeasuredCollection,
  )
  for (const collection of collections) memoryTables.add(collection)
  onTestFinished(() => {
    for (const collection of collections) memoryTables.remove(collection)
  })
  for (const collection of collections) await memoryTables.of(collection)
  expect(counts).toBe(COLLECTIONS)
  // It counts again once the table is older than twice the time of counting all collections, not of counting one.
  const [first] = collections as [MeasuredCollection]
  const countsNow = async () => {
    await memoryTables.of(first)
    return counts
  }
  await expect.poll(countsNow).toBeGreaterThan(COLLECTIONS)
})

it('tells thousands of collections at once without counting all of them for each', async () => {
  const part = { bytes: 1, residentBytes: 1, cacheBytes: 0, heapBytes: 0, unlockedBytes: 0 }
  const parts = Object.fromEntries(COLLECTION_PARTS.map((name) => [name, part]))
  const memory = async () => ({ ...parts, vectors: [] })
  const collections = Array.from(
    { length: 2_000 },
    () => ({ shard: { memory }, log: { bufferedBytes: 0 }, schema: [] }) as unknown as MeasuredCollection,
  )
  for (const collection of collections) memoryTables.add(collection)
  onTestFinished(() => {
    for (const collection of collections) memoryTables.remove(collection)
  })
  const before = process.cpuUsage()
  const told = await Promise.all(collections.map((collection) => memoryTables.of(collection)))
  expect(told).toHaveLength(2_000)
  // Minutes where each answer looked at each collection for each count.
  expect(process.cpuUsage(before).user / 1e6).toBeLessThan(10)
})
