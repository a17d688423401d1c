import { describe, expect, it } from 'vitest'
import { RateLimit } from '../../../src/collection/rate-limit.js'
import { StrictMode } from '../../../src/collection/strict-mode.js'
import type { StrictModeConfig } from '../../../src/core/settings.js'

function strict(config: StrictModeConfig): StrictMode {
  const limit = () => new RateLimit(() => 0)
  const nothing = {
    vectorNames: [],
    payloadIndexes: [],
    points: () => 0,
    vectorBytes: () => 0,
    payloadBytes: async () => 0,
  }
  return new StrictMode(config, { ...nothing, reads: limit(), writes: limit() })
}

describe('strict mode', () => {
  it('bounds rows of multivectors and indices of sparse vectors, by the name of the vector', async () => {
    const mode = strict({
      multivector_config: { '': { max_vectors: 2 }, b: { max_vectors: 1 } },
      sparse_config: { s: { max_length: 2 } },
    })
    const write = (vector: unknown) =>
      mode.write({ op: 'upsert', points: [{ id: 1, vector: vector as never }] }, undefined)
    for (const vector of [
      [1, 2, 3],
      [[1], [2]],
      { b: [[1]], c: [[1], [2], [3]] },
      { s: { indices: [1, 2], values: [1, 1] } },
    ]) {
      await write(vector)
    }
    const refused = [[[1], [2], [3]], { b: [[1], [2]] }, { s: { indices: [1, 2, 3], values: [1, 1, 1] } }]
    for (const vector of refused) {
      await expect(write(vector)).rejects.toMatchObject({
        message: expect.stringMatching(/has a limit of \d .*, but \d were/),
      })
    }
  })

  it('asks for the index that answers each kind of condition, and none where none does', () => {
    const mode = strict({ unindexed_filtering_retrieve: false })
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
    expect(needed({ key: 'a', geo_radius: { center, radius: 5 } })).toBe('geo')
    for (const condition of [{ has_id: [1] }, { is_null: { key: 'a' } }, { key: 'a', values_count: { gt: 1 } }]) {
      expect(needed(condition)).toBeNull()
    }
  })
})

describe('a rate limit', () => {
  it('lets so many through in a minute, and fills again at an even pace', () => {
    let nowMs = 0
    const limit = new RateLimit(() => nowMs)
    const passes = (cost = 1, most = 60) => {
      try {
        limit.take(cost, most, 'read_rate_limit')
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
    // Another bound is a fresh one.
    expect(passes(1, 1)).toBe(true)
    expect(passes(1, 1)).toBe(false)
  })
})
