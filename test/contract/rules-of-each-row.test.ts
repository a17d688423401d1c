/** Rules for rows that can hardly be read, and the counts of rules: at the library, the service and over threads. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Collection, Database } from '../../src/core/database.js'
import { LIMITS } from '../../src/core/limits.js'
import type { IngestionRule } from '../../src/core/schema.js'
import { openFace } from './faces.js'

const NDJSON = { type: 'application/x-ndjson' } as const
const VECTORS = { image: { size: 2, distance: 'Dot' } } as const
const good = (id: number) => ({ id, vector: { image: [id, 1] } })
const lines = (rows: readonly unknown[]) => rows.map((row) => Buffer.from(`${JSON.stringify(row)}\n`))

describe.each(['library', 'service'] as const)('rules of each row at the %s', (face) => {
  let database: Database
  let dispose: () => Promise<void>
  let made = 0
  beforeAll(async () => {
    ;({ database, dispose } = await openFace(face))
  })
  afterAll(() => dispose())

  const under = (...rules: readonly IngestionRule[]): Promise<Collection> =>
    database.createCollection(`each-${made++}`, { vectors: VECTORS, ingestion: { quarantine: 'each-aside', rules } })
  const recordsOf = async ({ name }: Collection) => {
    const filter = { must: [{ key: 'collection', match: { value: name } }] }
    const { points } = await (await database.collection('each-aside')).scrollPage({ filter, limit: 100 })
    return points.map(({ payload }) => payload as Record<string, unknown>)
  }
  const counted = async (collection: Collection) => {
    const { rules } = await collection.quality({ seed: 1 })
    const sum = (of: (day: (typeof rules)[number]) => number) => rules.reduce((all, day) => all + of(day), 0)
    return {
      accepted: sum(({ accepted }) => accepted),
      rejected: sum(({ rejected }) => rejected),
      quarantined: sum(({ quarantined }) => quarantined),
      fixed: sum(({ fixed }) => fixed),
      invalid: sum(({ byRule }) => byRule.invalid ?? 0),
    }
  }

  it('judge a point without any vector by `missing`, in writes and in streams', async () => {
    const collection = await under({ check: 'missing', action: 'quarantine' })
    const bare = [good(1), { id: 2 }, { id: 3, vector: null }, { id: 4, vector: {} }]
    const { cleaning } = await collection.upsert(bare as never)
    expect(cleaning).toMatchObject({ accepted: 1, rejected: 0, quarantined: 3, byRule: { missing: 3 } })
    const streamed = await collection.ingest(lines([good(5), { id: 6 }, { id: 7, vector: {} }]), NDJSON)
    expect(streamed).toMatchObject({ accepted: 1, rejected: 0, quarantined: 2, byRule: { missing: 2 } })
    expect((await recordsOf(collection)).map(({ record }) => (record as { id: number }).id).sort()).toEqual([
      2, 3, 4, 6, 7,
    ])
    const flagged = await under({ check: 'missing', action: 'flag' })
    expect((await flagged.upsert([{ id: 1 }] as never)).cleaning).toMatchObject({ accepted: 1, flagged: 1 })
    const without = await under({ check: 'zero', action: 'reject' })
    const refused = await without.upsert([good(1), { id: 2 }] as never)
    expect(refused.cleaning).toMatchObject({ accepted: 1, rejected: 1, byRule: { invalid: 1 } })
  })

  it('store the others of a write whose points are no points', async () => {
    const collection = await under({ check: 'zero', action: 'reject' })
    const wrong = [
      { id: -1, vector: {} },
      { id: 2, vector: { image: 'x' } },
      { id: 3, vector: { sound: [1] } },
    ]
    const { cleaning } = await collection.upsert([good(1), ...wrong, good(9)] as never)
    expect(cleaning).toMatchObject({ accepted: 2, rejected: 3, byRule: { invalid: 3 } })
    expect(cleaning?.errors.map(({ row }) => row)).toEqual([1, 2, 3])
    expect(await collection.count()).toBe(2)
  })

  it('count rows that could not be read by day, as the answer does', async () => {
    const collection = await under({ check: 'zero', action: 'quarantine' })
    const rows = ['x', JSON.stringify(good(1)), '{"id":2,"vector":{"image":[0,0]}}', '{"id":3', '{"id":4}']
    const result = await collection.ingest([Buffer.from(rows.join('\n'))], NDJSON)
    expect(result).toMatchObject({ accepted: 1, rejected: 3, quarantined: 1, byRule: { invalid: 3, zero: 1 } })
    expect(await counted(collection)).toEqual({ accepted: 1, rejected: 3, quarantined: 1, fixed: 0, invalid: 3 })
  })

  it('count each row of a source once, whoever sends it', async () => {
    const collection = await under(
      { check: 'zero', action: 'quarantine' },
      { check: 'norm', max: 5, action: 'fix', fix: 'clamp' },
    )
    const rows = lines([good(1), { id: 2, vector: { image: [0, 0] } }, 'x', good(9)])
    const source = { name: 'camera' }
    const [one, other] = await Promise.all([
      collection.ingest(rows, { ...NDJSON, source }),
      collection.ingest(rows, { ...NDJSON, source }),
    ])
    expect([one.accepted + other.accepted, one.rejected + other.rejected]).toEqual([2, 1])
    expect(await counted(collection)).toEqual({ accepted: 2, rejected: 1, quarantined: 1, fixed: 1, invalid: 1 })
    const again = await collection.ingest(rows, { ...NDJSON, source })
    expect(again).toEqual({
      ...{ accepted: 0, rejected: 0, quarantined: 0, fixed: 0, flagged: 0, byRule: {} },
      ...{ position: 4, errors: [] },
    })
  })

  it('tell of the row of the source, and never of a place in its batch', async () => {
    const collection = await under({ check: 'dimension', action: 'quarantine' })
    const rows = Array.from({ length: 50 }, (_, id) => good(id))
    rows[30] = { id: 30, vector: { image: [1, 2, 3] } }
    const { errors } = await collection.ingest(lines(rows), { ...NDJSON, source: { name: 'camera' } })
    const error = 'vector.image: Vector dimension error: expected dim: 2, got 3'
    expect(errors).toMatchObject([{ row: 30, error, field: 'vector.image' }])
    await collection.upsert(rows as never)
    const reasons = (await recordsOf(collection)).map(({ reason, field }) => [reason, field])
    expect(reasons).toEqual([
      [error, 'vector.image'],
      [error, 'vector.image'],
    ])
    const reject = await under({ check: 'zero', action: 'reject' })
    const told = await reject.upsert(rows as never)
    expect(told.cleaning?.errors).toMatchObject([{ row: 30, error }])
  })

  it('let a new collection of an old name judge its rows anew', async () => {
    const first = await under({ check: 'zero', action: 'quarantine' })
    const source = { name: 'camera' }
    const zero = { id: 1, vector: { image: [0, 0] } }
    await first.ingest(lines([zero]), { ...NDJSON, source })
    await database.deleteCollection(first.name)
    const again = await database.createCollection(first.name, {
      vectors: VECTORS,
      ingestion: { quarantine: 'each-aside', rules: [] },
    })
    expect(await again.ingest(lines([good(1)]), { ...NDJSON, source })).toMatchObject({ accepted: 1, quarantined: 0 })
  })

  it('may have any name', async () => {
    const collection = await under({ check: 'zero', action: 'reject', name: '__proto__' })
    const zero = { id: 1, vector: { image: [0, 0] } }
    const { byRule } = await collection.ingest(lines([zero]), NDJSON)
    expect(Object.entries(byRule ?? {})).toEqual([['__proto__', 1]])
    const { cleaning } = await collection.upsert([zero])
    expect(Object.entries(cleaning?.byRule ?? {})).toEqual([['__proto__', 1]])
    const { rules } = await collection.quality({ seed: 1 })
    expect(Object.entries(rules[0]?.byRule ?? {})).toEqual([['__proto__', 2]])
  })

  it('have no quarantine that is the collection itself by an alias', async () => {
    const collection = await under()
    await database.updateAliases([
      { createAlias: { aliasName: `${collection.name}-too`, collectionName: collection.name } },
    ])
    const change = collection.updateConfig({ ingestion: { quarantine: `${collection.name}-too`, rules: [] } })
    await expect(change).rejects.toThrow('ingestion.quarantine: expected the name of another collection')
    expect((await collection.info()).config.ingestion?.quarantine).toBe('each-aside')
  })

  it('mend no record by a fix that leads beyond the bounds of its rule', async () => {
    const collection = await under({ check: 'norm', min: 2, max: 5, action: 'quarantine' })
    await collection.upsert([{ id: 1, vector: { image: [9, 0] } }])
    const [{ id }] = (
      await (
        await database.collection('each-aside')
      ).scrollPage({
        filter: { must: [{ key: 'collection', match: { value: collection.name } }] },
      })
    ).points as [{ id: string }]
    expect(await collection.repair({ ids: [id], fix: 'normalise' })).toMatchObject({ repaired: 0, kept: 1 })
    expect(await collection.repair({ ids: [id], fix: 'clamp' })).toMatchObject({ repaired: 1, kept: 0 })
    expect(await counted(collection)).toMatchObject({ accepted: 1, rejected: 0, quarantined: 1, fixed: 1 })
  })

  it('tell of all writes of an upsert, with the places of its points', async () => {
    const collection = await under({ check: 'zero', action: 'quarantine' })
    const zero = (id: number) => ({ id, vector: { image: [0, 0] } })
    const many = Array.from({ length: LIMITS.batchPoints + 20 }, (_, id) => (id % 20_000 === 7 ? zero(id) : good(id)))
    many[LIMITS.batchPoints + 3] = { id: 1, vector: { sound: [1] } } as never
    const { cleaning, points } = await collection.upsert(many)
    expect(points).toBe(many.length)
    const [aside, stored] = [6, many.length - 7]
    const counted = { accepted: stored, rejected: 1, quarantined: aside, fixed: 0, flagged: 0 }
    expect(cleaning).toMatchObject({ ...counted, byRule: { zero: aside, invalid: 1 } })
    const places = [7, 20_007, 40_007, 60_007, 80_007, 100_003, 100_007]
    expect(cleaning?.errors.map(({ row }) => row)).toEqual(places)
    // The last write has no wrong point.
    const text = 'x'.repeat(1024 * 1024)
    const large = Array.from({ length: 24 }, (_, id) => ({ ...(id === 9 ? zero(id) : good(id)), payload: { text } }))
    for (const given of [large, large.values()]) {
      const told = await collection.upsert(given)
      expect(told.cleaning).toMatchObject({ accepted: 23, quarantined: 1, byRule: { zero: 1 }, errors: [{ row: 9 }] })
    }
  })
})
