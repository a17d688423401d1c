import { describe, expect, it } from 'vitest'
import type { IngestionRule } from '../../../../src/core/ingestion-rules.js'
import { LIMITS } from '../../../../src/core/limits.js'
import type { CollectionOptions } from '../../../../src/core/schema.js'
import { withVectorName } from '../../../../src/engine/config/named-vectors.js'
import { resolveConfig } from '../../../../src/engine/config/schema.js'
import { RecentRows, WORDS_OF_ROW } from '../../../../src/ingest/recent-rows.js'

const DUPLICATE = { check: 'duplicate', action: 'reject' } as const
const named = (count: number) =>
  Object.fromEntries(Array.from({ length: count }, (_, at) => [`v${at}`, { size: 1, distance: 'Dot' as const }]))
const configOf = (vectors: number, rules: readonly IngestionRule[]) =>
  resolveConfig({ vectors: named(vectors), ingestion: { rules } })

describe('windows of duplicates', () => {
  const most = LIMITS.keptWindowRows / LIMITS.duplicateWindow
  const window = LIMITS.duplicateWindow
  const ofEach = (count: number) =>
    Array.from({ length: count }, (_, at) => ({ ...DUPLICATE, vector: `v${at}`, window }))
  const expected = `expected windows of at most ${LIMITS.keptWindowRows} rows in all`

  it('are bounded over all rules, with a vector or without', () => {
    expect(() => configOf(10, ofEach(most))).not.toThrow()
    expect(() => configOf(10, ofEach(most + 1))).toThrow(`ingestion.rules[${most}].window: ${expected}`)
    expect(() => configOf(10, [{ ...DUPLICATE, window }])).toThrow(`ingestion.rules[0].window: ${expected}`)
    expect(() => configOf(most, [...ofEach(most), { ...DUPLICATE, name: 'all', window: 5 }])).not.toThrow()
  })

  it('are bounded when the collection gets another vector', () => {
    const config = configOf(most, [{ ...DUPLICATE, window }])
    const add = () => withVectorName(config, 'another', { dense: { size: 1, distance: 'Dot' } })
    expect(add).toThrow(expected)
  })

  it('keep of each vector what its own rules look back at', () => {
    const rows = new RecentRows()
    for (let row = 0; row < 100; row++) for (const name of ['v0', 'v1']) rows.note(name, BigInt(row), row)
    const rules = [
      { ...DUPLICATE, vector: 'v0', window: 10 },
      { ...DUPLICATE, vector: 'v1', window: 40 },
    ]
    expect((rows.kept(rules, 100)?.words.length ?? 0) / WORDS_OF_ROW).toBe(50)
  })
})

it('a norm is clamped to no more than the datatype holds', () => {
  const half = { size: 1, distance: 'Dot', datatype: 'float16' } as const
  const clamp = (min: number) => ({ check: 'norm', min, action: 'fix', fix: 'clamp' }) as const
  const of = (min: number, vectors: NonNullable<CollectionOptions['vectors']>) =>
    resolveConfig({ vectors, ingestion: { rules: [clamp(min)] } })
  expect(() => of(65_504, half)).not.toThrow()
  const expected = 'ingestion.rules[0].min: expected at most 65504, since float16 holds no more, got 65505'
  expect(() => of(65_505, half)).toThrow(expected)
  expect(() => of(65_505, { ...half, datatype: 'float32' })).not.toThrow()
  expect(() => of(1e39, { ...half, datatype: 'float32' })).toThrow('since float32 holds no more, got 1e+39')
  const later = () => withVectorName(of(65_505, { a: { ...half, datatype: 'float32' } }), 'b', { dense: half })
  expect(later).toThrow(expected)
})
