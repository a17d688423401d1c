/** Records that hardly fit into a payload: each fails itself, and never its batch. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Database } from '../../../../src/core/database.js'
import type { IngestionRule } from '../../../../src/core/ingestion-rules.js'
import { LIMITS } from '../../../../src/core/limits.js'
import { open } from '../../../../src/index.js'

const NORM = { check: 'norm', max: 2, action: 'quarantine' } as const
const good = { id: 1, vector: [1, 0] }

describe('odd records', () => {
  let database: Database
  beforeAll(async () => {
    database = await open(':memory:')
  })
  afterAll(() => database.close())

  let made = 0
  const under = async (...rules: readonly IngestionRule[]) => {
    const name = `odd-${made++}`
    const vectors = { size: 2, distance: 'Dot' } as const
    const collection = await database.createCollection(name, { vectors, ingestion: { quarantine: `${name}-q`, rules } })
    return { collection, quarantine: await database.collection(`${name}-q`) }
  }

  it('of very many values are checked', async () => {
    const { collection } = await under({ check: 'payload', key: 'tags[]', type: 'integer', action: 'reject' })
    const tags: unknown[] = Array.from({ length: 300_000 }, (_, at) => at)
    const wrong = { id: 2, vector: [1, 0], payload: { tags: [...tags, 'x'] } }
    const { cleaning } = await collection.upsert([good, wrong, { ...good, id: 3, payload: { tags } }])
    expect(cleaning).toMatchObject({ accepted: 2, rejected: 1, errors: [{ row: 1, field: 'payload.tags[]' }] })
  })

  it('that are too deep or too long for a payload are kept as text', async () => {
    const { collection, quarantine } = await under(NORM)
    const nested = (levels: number): object => (levels === 1 ? {} : { a: nested(levels - 1) })
    const of = (id: number, payload: object) => ({ id, vector: [9, 0], payload: payload as never })
    const { cleaning } = await collection.upsert([
      good,
      of(2, nested(LIMITS.jsonDepth - 2)),
      of(3, nested(LIMITS.jsonDepth - 1)),
      of(4, nested(LIMITS.jsonDepth)),
      of(5, { text: 'x'.repeat(LIMITS.payloadBytes - 100) }),
    ])
    expect(cleaning).toMatchObject({ accepted: 1, quarantined: 4 })
    const { points } = await quarantine.scrollPage()
    const records = points.map(({ payload }) => payload?.record as { id: number; text?: string; payload?: unknown })
    records.sort((a, b) => a.id - b.id)
    expect(records[0]).toEqual(of(2, nested(LIMITS.jsonDepth - 2)))
    for (const [at, record] of records.slice(1).entries()) {
      expect(Object.keys(record)).toEqual(['id', 'text'])
      expect(record.text?.slice(0, 30)).toBe(`{"id":${at + 3},"vector":[9,0],"payload`.slice(0, 30))
      expect(record.text?.length).toBeLessThanOrEqual(LIMITS.shortenedRecord)
    }
    expect(points.map(({ payload }) => payload?.rule)).toEqual(['norm', 'norm', 'norm', 'norm'])
    const ids = points.map(({ id }) => id)
    expect(await collection.repair({ ids, fix: 'normalise' })).toMatchObject({ repaired: 1, absent: 3 })
    expect(await quarantine.count()).toBe(3)
  })
})
