import { expect, it } from 'vitest'
import type { SchemaVector } from '../../../../src/core/schema.js'
import { writeBytes } from '../../../../src/engine/collection/anticipated.js'

const WORDS = { name: 'words', size: 0, modifier: 'idf', index: null } as SchemaVector
const dense = (size: number) => ({ name: 'dense', size, multivectorConfig: undefined }) as unknown as SchemaVector
const upsert = (points: unknown) => ({ op: 'upsert', points }) as never

it('sparse vectors count by their components, texts by their length', () => {
  const points = (entries: number) =>
    Array.from({ length: 10 }, (_, id) => ({ id, vector: { words: { indices: new Array(entries), values: [] } } }))
  const none = writeBytes(upsert(points(0)), [WORDS])
  const many = writeBytes(upsert(points(10_000)), [WORDS])
  expect(many - none).toBeGreaterThanOrEqual(10 * 10_000 * 8 * 2)
  expect(many - none).toBeLessThan(10 * 10_000 * 8 * 6)
  const text = Array.from({ length: 10 }, (_, id) => ({
    id,
    vector: { words: { text: 'x'.repeat(60_000), model: 'm' } },
  }))
  expect(writeBytes(upsert(text), [WORDS]) - none).toBeGreaterThan(10 * 8_000)
  const columns = { ids: [1, 2], vectors: { words: [{ indices: new Array(5_000) }, null] } }
  expect(writeBytes(upsert(columns), [WORDS])).toBeGreaterThan(2 * 5_000 * 8)
  // Nothing is known of an Arrow table before it is read.
  expect(writeBytes(upsert({ numRows: 1_000 }), [WORDS])).toBeGreaterThan(1_000 * 1_024 + 500_000)
  expect(writeBytes(upsert(null), [WORDS, dense(4)])).toBeGreaterThan(0)
})
