import { describe, expect, it } from 'vitest'
import type { Expression } from '../../../../src/core/formula.js'
import { LIMITS } from '../../../../src/core/limits.js'
import type { VectorColumn } from '../../../../src/core/point.js'
import type { QueryOptions } from '../../../../src/core/query.js'
import type { StrictModeConfig } from '../../../../src/core/schema.js'
import { resolveConfig } from '../../../../src/engine/config/schema.js'
import { RateLimit } from '../../../../src/engine/limits/rate-limit.js'
import { StrictMode } from '../../../../src/engine/limits/strict-mode.js'
import { checkQuery } from '../../../../src/engine/limits/strict-queries.js'

function strict(config: StrictModeConfig): StrictMode {
  const limit = () => new RateLimit('Read', () => 0)
  const nothing = {
    collection: resolveConfig({ vectors: { size: 2, distance: 'Dot' } }),
    payloadIndexes: [],
    points: () => 0,
    vectorBytes: () => 0,
    payloadBytes: () => 0,
  }
  return new StrictMode(config, { ...nothing, reads: limit(), writes: limit() })
}

describe('strict mode', () => {
  it('bounds rows of multivectors and indices of sparse vectors by vector name', () => {
    const mode = strict({
      multivectorConfig: { '': { maxVectors: 2 }, b: { maxVectors: 1 } },
      sparseConfig: { s: { maxLength: 2 } },
    })
    const b = (...counts: number[]) => ({
      name: 'b',
      data: new Float32Array(9),
      rows: null,
      counts: Uint32Array.from(counts),
    })
    const s = (...offsets: number[]) => ({
      name: 's',
      data: new Float32Array(9),
      rows: null,
      sparse: { indices: new Uint32Array(9), offsets: Uint32Array.from(offsets) },
    })
    const check = (vector: VectorColumn) =>
      mode.columns({ count: 2, ids: new Uint32Array(10), vectors: [vector], payloads: null })
    check(b(1, 1))
    check({ ...b(3, 3), name: 'c' })
    check(s(0, 2, 4))
    for (const vector of [b(1, 2), { ...b(3, 1), name: '' }, s(0, 1, 4)]) {
      expect(() => check(vector)).toThrow(/has a limit of \d .*, but \d were/)
    }
  })

  it('looks at no more stages than a query may have', () => {
    let asked = 0
    const stage = {
      query: 1,
      get limit() {
        asked++
        return 1
      },
    }
    let nested: QueryOptions = stage
    // Few objects, but two to the power of sixteen stages.
    for (let level = 0; level < 16; level++) nested = { query: { fusion: 'rrf' }, prefetch: [nested, nested] }
    checkQuery(nested, strict({ maxQueryLimit: 10 }))
    expect(asked).toBeGreaterThan(0)
    expect(asked).toBeLessThanOrEqual(LIMITS.prefetches + 1)
  })

  it('bounds conditions inside formulas and in the corpus of IDF', () => {
    const mode = strict({ filterMaxConditions: 1, unindexedFilteringRetrieve: false })
    const one = { hasId: [1] }
    const unindexed = { key: 'a', match: { value: 1 } }
    const ask = (formula: Expression) => checkQuery({ prefetch: { query: 1 }, query: { formula } }, mode)
    ask({ sum: ['$score', one] })
    expect(() => ask({ sum: [one, { mult: [2, { neg: one }] }] })).toThrow('Filter condition limit reached (2 > 1)')
    expect(() => ask({ mult: ['$score', unindexed] })).toThrow('Index required but not found for "a"')
    const nested = { prefetch: { prefetch: { query: 1 }, query: { formula: unindexed } }, query: 1 } as QueryOptions
    expect(() => checkQuery(nested, mode)).toThrow('Index required')
    const idf = { corpus: { must: [unindexed] } }
    expect(() => checkQuery({ query: 1, params: { idf } }, mode)).toThrow('Index required')
  })

  it('requires the index that answers each kind of condition, and none if none does', () => {
    const mode = strict({ unindexedFilteringRetrieve: false })
    const needed = (condition: object) => {
      try {
        mode.filter({ must: [condition as never] }, 'retrieve')
        return null
      } catch (error) {
        return /types: \[(.*)\]/.exec((error as Error).message)?.[1]
      }
    }
    const center = { lon: 10, lat: 59 }
    expect(needed({ key: 'a', match: { value: 'x' } })).toBe('keyword, uuid')
    expect(needed({ key: 'a', match: { any: [1] } })).toBe('integer')
    expect(needed({ key: 'a', match: { value: true } })).toBe('bool')
    expect(needed({ key: 'a', range: { lt: 1 } })).toBe('float, integer')
    expect(needed({ key: 'a', range: { lt: '2024-01-01T00:00:00Z' } })).toBe('datetime')
    expect(needed({ key: 'a', match: { text: 'x' } })).toBe('text')
    expect(needed({ key: 'a', match: { prefix: 'x' } })).toBe('keyword')
    expect(needed({ key: 'a', geoRadius: { center, radius: 5 } })).toBe('geo')
    const any = 'bool, datetime, float, geo, integer, keyword, text, uuid'
    const counted = { key: 'a', valuesCount: { gt: 1 } }
    for (const condition of [
      { isNull: { key: 'a' } },
      { isEmpty: { key: 'a' } },
      { key: 'a', isNull: false },
      counted,
    ]) {
      expect(needed(condition)).toBe(any)
    }
    for (const condition of [{ hasId: [1] }, { hasVector: '' }]) expect(needed(condition)).toBeNull()
  })
})

describe('a rate limit', () => {
  it('lets a number of requests through in a minute, and refills at an even pace', () => {
    let nowMs = 0
    const limit = new RateLimit('Read', () => nowMs)
    let setting = {}
    const passes = (cost = 1, most = 60) => {
      try {
        limit.take(cost, most, setting)
        return true
      } catch {
        return false
      }
    }
    for (let i = 0; i < 60; i++) expect(passes()).toBe(true)
    expect(passes()).toBe(false)
    nowMs += 999
    expect(passes()).toBe(false)
    nowMs += 1
    expect(passes()).toBe(true)
    expect(passes()).toBe(false)
    nowMs += 3_600_000
    expect(passes(60)).toBe(true)
    expect(passes()).toBe(false)
    // Strict mode was set, with another bound.
    setting = {}
    expect(passes(1, 1)).toBe(true)
    expect(passes(1, 1)).toBe(false)
  })
})
