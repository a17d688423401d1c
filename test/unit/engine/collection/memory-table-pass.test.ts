/** Counting that takes longer than a count is fresh. The page tables of terabytes, which take that long, are not here: what counts is. */
import { expect, it, onTestFinished } from 'vitest'
import { COLLECTION_PARTS } from '../../../../src/core/memory.js'
import { type MeasuredCollection, memoryTables } from '../../../../src/engine/memory/memory-table.js'

const COLLECTIONS = 6
const COUNT_MS = 250

it('counts each collection once for who asks of one after the other', async () => {
  let counts = 0
  let busy = Promise.resolve()
  const part = { bytes: 1, residentBytes: 1, cacheBytes: 0, heapBytes: 0, unlockedBytes: 0 }
  const parts = Object.fromEntries(COLLECTION_PARTS.map((name) => [name, part]))
  const memory = () => {
    counts++
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
  // But anew once that is older than counting all took, twice: not than each took, one after the other.
  const [first] = collections as [MeasuredCollection]
  const countsNow = async () => {
    await memoryTables.of(first)
    return counts
  }
  await expect.poll(countsNow, { timeout: 5_000 }).toBeGreaterThan(COLLECTIONS)
})
