import { setImmediate as nextTurn } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { parseFilter } from '../../../src/filter/parse.js'
import { areLargeWith, isLargeFilter, readInTurns } from '../../../src/filter/parse-in-turns.js'
import { compileFilter } from '../../../src/filter/program.js'

const CONTEXT = { vectorNames: ['', 'other'] }
const MANY = 5_000
const list = <T>(length: number, one: (at: number) => T) => Array.from({ length }, (_, at) => one(at))
const value = (at: number) => ({ key: `a.b${at % 3}[]`, match: { value: at } })

const LARGE: Record<string, () => object> = {
  'texts of one condition': () => ({ must: { key: 'a', match: { any: list(MANY, (at) => `text é ${at}`) } } }),
  'integers of one condition': () => ({ must_not: [{ key: 'a', match: { except: list(MANY, (at) => at - 7) } }] }),
  'ids of one condition': () => ({ should: [{ has_id: list(MANY, (at) => at * 3) }] }),
  conditions: () => ({ must: list(MANY, value), must_not: list(MANY, value), should: list(MANY, value) }),
  'conditions of which some have to hold': () => ({ min_should: { conditions: list(MANY, value), min_count: 3 } }),
  'conditions within others': () => ({
    must: [
      { should: list(MANY, value) },
      { nested: { key: 'list', filter: { must_not: list(MANY, value), must: { should: list(MANY, value) } } } },
      { must_not: [{ key: 'c', match: { any: list(MANY, String) } }, { has_id: [1] }] },
    ],
  }),
  'lists within long lists': () => ({
    should: list(MANY, (at) => ({ must: [value(at), { nested: { key: 'n', filter: { must_not: [value(at)] } } }] })),
  }),
}

describe('a large filter', () => {
  for (const [name, filterOf] of Object.entries(LARGE)) {
    it(`gives the same program when it is read in turns: ${name}`, async () => {
      const expected = compileFilter(filterOf(), CONTEXT)
      const filter = filterOf()
      expect(isLargeFilter(filter)).toBe(true)
      let turns = 0
      await readInTurns(filter, CONTEXT, 'filter', () => {
        turns++
        return nextTurn()
      })
      // Yields every 64 values or conditions.
      expect(turns).toBeGreaterThanOrEqual(Math.floor(MANY / 64))
      const program = compileFilter(filter, CONTEXT)
      expect(Buffer.compare(program as Uint8Array, expected as Uint8Array)).toBe(0)
      // It is not read again.
      expect(parseFilter(filter, CONTEXT)).toBe(parseFilter(filter, CONTEXT))
    })
  }

  it('is read again if the vectors differ', async () => {
    const filter = { must: [{ has_vector: 'other' }, { has_id: list(MANY, (at) => at) }] }
    await readInTurns(filter, CONTEXT, 'filter', () => undefined)
    expect(parseFilter(filter, { vectorNames: [''] })).toMatchObject({
      children: [{ op: 'hasVector', vector: -1 }, {}],
    })
  })

  it('is refused like a small one, with the place of the error', async () => {
    const wrong: Record<string, unknown>[] = [
      { must: [{ key: 'a', match: { any: [...list(MANY, String), 1.5] } }] },
      { must: [{ key: 'a', match: { any: [...list(MANY, String), 1] } }] },
      { should: [{ has_id: [...list(MANY, (at) => at), -1] }] },
      { must_not: [...list(MANY, value), { key: 'a' }] },
      { must: [{ nested: { key: 'a', filter: { must: [...list(MANY, value), { key: '' }] } } }] },
      { must: list(70_000, value) },
      { must: [...list(MANY, value), null] },
    ]
    for (const filter of wrong) {
      let expected: unknown
      try {
        parseFilter(structuredClone(filter), CONTEXT)
      } catch (error) {
        expected = error
      }
      await expect(readInTurns(filter, CONTEXT, 'filter', () => undefined)).rejects.toEqual(expected)
    }
  })

  it('is distinguished from small ones and from invalid filters', () => {
    const cycle: Record<string, unknown> = {}
    cycle.must = [cycle]
    for (const small of [null, 'must', {}, { must: list(100, value) }]) expect(isLargeFilter(small)).toBe(false)
    expect(isLargeFilter(cycle)).toBe(true)
  })

  it('is also many small ones together', () => {
    const sum = { filterValues: 0 }
    const small = { must: list(200, value) }
    const large = list(10, () => areLargeWith(small, sum))
    expect(large.indexOf(true)).toBeGreaterThan(0)
    expect(large.lastIndexOf(false)).toBe(large.indexOf(true) - 1)
  })

  it('that never ends is refused', async () => {
    const cycle: Record<string, unknown> = {}
    cycle.must = [cycle]
    await expect(readInTurns(cycle, CONTEXT, 'filter', () => undefined)).rejects.toThrow('nested levels')
  })
})
