/** Pages of an export are cut by bytes, so that large payloads take no more memory than small ones. */
import { expect, onTestFinished, test } from 'vitest'
import { layoutOf, pagesOf } from '../../../src/export/layout.js'
import { open } from '../../../src/index.js'

const MIB = 1024 * 1024

test('pages of large payloads have few points, and all of them once in order', async () => {
  const database = await open(':memory:')
  onTestFinished(() => database.close())
  const collection = await database.createCollection('pages', { vectors: { size: 1, distance: 'Dot' } })
  const [small, large] = [{ text: '' }, { text: 'x'.repeat(100_000) }]
  const points = Array.from({ length: 3_000 }, (_, id) => ({ id, vector: [id], payload: id < 2_500 ? small : large }))
  await collection.upsert(points.values())
  const layout = await layoutOf(collection, (await collection.info()).config, {})
  const ids: unknown[] = []
  const counts: number[] = []
  for await (const page of pagesOf(collection, layout, {})) {
    expect(JSON.stringify(page.map(({ payload }) => payload)).length).toBeLessThan(17 * MIB)
    ids.push(...page.map(({ id }) => id))
    counts.push(page.length)
  }
  expect(ids).toEqual(points.map(({ id }) => id))
  // Small points come in large pages still.
  expect(Math.max(...counts)).toBeGreaterThan(1_000)
})
