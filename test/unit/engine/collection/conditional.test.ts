import { expect, it, onTestFinished } from 'vitest'
import { open } from '../../../../src/index.js'

it('conditional writes keep the vectors of a multivector together', async () => {
  const database = await open(':memory:')
  onTestFinished(() => database.close())
  const collection = await database.createCollection('multi', {
    vectors: { size: 2, distance: 'Dot', multivectorConfig: { comparator: 'max_sim' } },
  })
  const row = (id: number, by: number) => ({ id, vector: Array.from({ length: id }, (_, i) => [by, i]) })
  await collection.upsert([row(2, 0), row(3, 0)])
  await collection.upsert([row(1, 1), row(2, 1), row(4, 1)], { updateMode: 'insert_only' })
  const found = await collection.retrieve([1, 2, 3, 4], { withVector: true })
  const numbers = found.map(({ vector }) => Array.from(vector as unknown as Float32Array[], (one) => [...one]))
  expect(numbers).toEqual([row(1, 1), row(2, 0), row(3, 0), row(4, 1)].map(({ vector }) => vector))
})
