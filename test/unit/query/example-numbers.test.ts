import { expect, it, onTestFinished } from 'vitest'
import { LIMITS } from '../../../src/core/limits.js'
import { open } from '../../../src/index.js'

const dense = new Float32Array(LIMITS.dimensions).fill(1)
const sparse = {
  indices: Uint32Array.from({ length: LIMITS.sparseEntries }, (_, i) => i),
  values: new Float32Array(LIMITS.sparseEntries).fill(1),
}

it.each([
  ['vectors', 'dense', dense, LIMITS.dimensions],
  ['values of sparse vectors', 'words', sparse, LIMITS.sparseEntries],
])(
  'as many numbers of examples as are allowed are scored, and more are refused: %s',
  async (_what, using, example, length) => {
    const database = await open(':memory:')
    onTestFinished(() => database.close())
    const collection = await database.createCollection('examples', {
      vectors: { dense: { size: LIMITS.dimensions, distance: 'Dot' } },
      sparseVectors: { words: {} },
    })
    await collection.upsert([{ id: 1, vector: { [using]: example } }])
    const most = LIMITS.exampleNumbers / length
    const ask = (count: number) => {
      const positive = Array.from({ length: count }, () => example)
      return collection.query({ query: { recommend: { positive, strategy: 'best_score' } }, using, limit: 1 })
    }
    expect((await ask(most)).map(({ id }) => id)).toEqual([1])
    await expect(ask(most + 1)).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      message: expect.stringMatching(`${LIMITS.exampleNumbers}.*${LIMITS.exampleNumbers + length}`),
    })
  },
)
