/** Filters of many values, wherever a call has one: they are read with turns for others. */
import { beforeAll, describe, expect, it } from 'vitest'
import type { Collection } from '../../../src/core/database.js'
import type { Filter } from '../../../src/core/filter.js'
import type { Expression } from '../../../src/core/formula.js'
import { innerOf } from '../../../src/core/inner-call.js'
import type { Schema } from '../../../src/core/schema.js'
import { fieldOf } from '../../../src/core/vocabulary/place.js'
import { readLargeFilters } from '../../../src/engine/collection/large-filters.js'
import { filtersRead, parseCondition, standing } from '../../../src/filter/parse.js'
import { conditionsIn, parseFormula } from '../../../src/filter/parse-formula.js'
import { readConditionInTurns } from '../../../src/filter/parse-in-turns.js'
import { compileNode } from '../../../src/filter/program.js'
import { open } from '../../../src/index.js'
import { longestSlice } from '../cpu.js'

const VALUES = 60_000
/** Of CPU between two turns of the event loop: in one piece, each of these takes some times as much. */
const MOST_CPU_MS = 70
const CONTEXT = { vectorNames: [''] }

const list = <T>(length: number, one: (at: number) => T) => Array.from({ length }, (_, at) => one(at))
const text = (node: unknown) => JSON.stringify(node, (_, value) => (typeof value === 'bigint' ? `${value}n` : value))
const anyOf = (from: number) => ({ key: 'k', match: { any: list(VALUES, (at) => `value ${from + at}`) } })
const large = (): Filter => ({
  mustNot: list(VALUES, (at) => ({
    key: `a${at % 100}.b[].c`,
    range: { gt: '2026-01-01T00:00:00.25Z', lt: `2026-02-01T00:00:00.${at}+01:00` },
  })),
})

describe('a filter of many values', () => {
  let points: Collection

  beforeAll(async () => {
    const database = await open(':memory:')
    points = await database.createCollection('a', {
      vectors: { v: { size: 2, distance: 'Dot' } },
      sparseVectors: { s: { modifier: 'idf' } },
    })
    const vector = { v: [1, 2], s: { indices: [1], values: [1] } }
    await points.upsert(list(3, (id) => ({ id, vector, payload: { k: `other ${id}` } })))
    return async () => await database.close()
  })

  const sparse = { indices: [1], values: [1] }
  const calls: Record<string, (filter: Filter) => Promise<unknown>> = {
    'that payloads are set by': (filter) => points.setPayload({ seen: 1 }, { filter }),
    'that new points are chosen by': (filter) =>
      points.upsert([{ id: 1, vector: { v: [1, 3] } }], { updateFilter: filter }),
    'that a batch of writes has': (filter) => points.batch([{ op: 'deletePayload', keys: ['x'], which: { filter } }]),
    'that is the corpus of a search': (filter) =>
      points.query({ query: sparse, using: 's', params: { idf: { corpus: filter } } }),
    'that a prefetch has its corpus by': (filter) =>
      points.query({
        prefetch: { query: sparse, using: 's', params: { idf: { corpus: filter } } },
        query: { fusion: 'rrf' },
      }),
    'of a formula': (filter) =>
      points.query({ prefetch: { query: [1, 1], using: 'v' }, query: { formula: { sum: ['$score', filter] } } }),
    'that points are deleted by': (filter) => points.delete({ filter }),
  }
  for (const [name, call] of Object.entries(calls)) {
    it(`gives others their turns, ${name}`, async () => {
      const filter = large()
      expect(await longestSlice(() => call(filter))).toBeLessThan(MOST_CPU_MS)
    })
  }

  it('is also many filters of a batch or of prefetches, which are large together', async () => {
    const part = (at: number): Filter => ({ must: [{ key: `k${at}`, match: { any: list(1_500, String) } }] })
    const filters = list(20, part)
    const stages = filters.map((filter) => ({ query: [1, 1], filter }))
    const isRead = () => filters.map((filter) => filtersRead.has(filter))
    expect(isRead()).toEqual(list(20, () => false))
    await readLargeFilters([{ prefetch: stages.slice(0, 10) }, ...stages.slice(10)], [] as Schema, {})
    expect(isRead()).toEqual(list(20, (at) => at > 0))
  })

  it('is refused with its place in a batch', async () => {
    const queries = [{}, { filter: { must: [{ key: 'k', match: { any: [...list(VALUES, String), 1.5] } }] } as never }]
    await expect(points.queryBatch(queries)).rejects.toMatchObject({
      message: expect.stringContaining('queries[1].filter.must[0].match.any[60000]'),
    })
  })

  it('has one deadline with the call that follows', async () => {
    const options = { timeoutMs: 60_000 }
    await readLargeFilters([{ filter: large() }], [] as Schema, options)
    expect(innerOf(options)?.arrivedMs).toBeLessThanOrEqual(performance.now())
  })

  it('is refused before a write changes anything, with the place of what is wrong', async () => {
    await points.upsert([{ id: 7, vector: { v: [1, 2] } }])
    const filter = { must: [{ key: 'k', match: { any: [...list(VALUES, String), 1.5] } }] } as never
    const refused = { code: 'INVALID_ARGUMENT', message: expect.stringContaining('filter.must[0].match.any[60000]') }
    await expect(points.delete({ filter })).rejects.toMatchObject(refused)
    await expect(points.upsert([{ id: 7, vector: { v: [1, 2] } }], { updateFilter: filter })).rejects.toMatchObject({
      message: expect.stringContaining('updateFilter.must[0].match.any[60000]'),
    })
    expect(await points.count({ filter: { must: [{ hasId: [7] }] } })).toBe(1)
  })
})

describe('conditions of a formula', () => {
  const one = (at: number) => ({ key: `k${at}`, match: { value: at } })
  const formula = {
    sum: [
      one(0),
      { mult: [one(1), 2, '$score', { neg: one(2) }] },
      { div: { left: one(3), right: { abs: one(4) }, by_zero_default: 1 } },
      { pow: { base: one(5), exponent: { sqrt: { exp: { ln: { log10: one(6) } } } } } },
      { lin_decay: { x: one(7), target: one(8), scale: 2 } },
      { exp_decay: { x: { gauss_decay: { x: one(9) } } } },
      { geo_distance: { origin: { lat: 1, lon: 2 }, to: 'place' } },
      { datetime: '2026-01-01T00:00:00Z' },
      { datetime_key: 'at' },
      { must: [one(10), one(11)] },
    ],
  } as unknown as Expression

  it('are found as its parser finds them', () => {
    const parsed = parseFormula({ formula }, CONTEXT, 'query').conditions.map(text)
    const found = conditionsIn(formula, standing(formula, 'query.formula'))
    expect(found.map(({ condition, start }) => text(parseCondition(condition, CONTEXT, start))).sort()).toEqual(
      parsed.sort(),
    )
    for (const { condition, start } of found) {
      const path = fieldOf(start.place, '')
        .replace('query.formula.', '')
        .split(/[.[\]]+/)
        .filter((step) => step !== '')
      expect(path.reduce((at, step) => (at as never)[step], formula as unknown)).toBe(condition)
    }
  })

  it('are the same program when they are read in turns', async () => {
    const condition = anyOf(3)
    const expected = compileNode(parseCondition({ ...condition }, CONTEXT, standing(null, 'f')) as never)
    await readConditionInTurns(condition, CONTEXT, standing(null, 'f'), () => undefined)
    const node = parseCondition(condition, CONTEXT, standing(null, 'f'))
    expect(parseCondition(condition, CONTEXT, standing(null, 'f'))).toBe(node)
    expect(Buffer.compare(compileNode(node as never), expected)).toBe(0)
  })
})
