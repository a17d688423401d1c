/** Rows beyond the bounds of the collection's owner: each is refused and counted, and the others are stored. */
import { expect, it, onTestFinished } from 'vitest'
import { open } from '../../../../src/index.js'

const ROWS = 5_000

it('refuses each row beyond the bounds of strict mode', async () => {
  const database = await open(':memory:')
  onTestFinished(() => database.close())
  const multi = {
    size: 8,
    distance: 'Dot',
    multivectorConfig: { comparator: 'max_sim' },
    hnswConfig: { m: 0 },
  } as const
  const collection = await database.createCollection('a', {
    vectors: { m: multi },
    ingestion: { rules: [{ check: 'zero', action: 'flag' }] },
    strictModeConfig: { enabled: true, multivectorConfig: { m: { maxVectors: 2 } } },
  })
  const vector = (parts: number) => ({ m: Array.from({ length: parts }, () => new Float32Array(8)) })
  const points = Array.from({ length: ROWS }, (_, id) => ({ id, vector: vector(id % 10 === 0 ? 2 : 3) }))
  const { cleaning } = await collection.upsert(points as never)
  expect(cleaning).toMatchObject({ accepted: ROWS / 10, rejected: 0.9 * ROWS, flagged: ROWS / 10 })
  expect(cleaning?.byRule).toEqual({ invalid: 0.9 * ROWS, zero: ROWS / 10 })
  expect(cleaning?.errors[0]?.error).toContain("Multivector 'm' has a limit of 2 vectors, but 3 were provided")
  expect(await collection.count()).toBe(ROWS / 10)
})
