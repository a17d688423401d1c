import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { connect } from '../../src/client/index.js'
import type { Collection, Database } from '../../src/core/database.js'
import type { IngestionConfig, IngestionRule } from '../../src/core/schema.js'
import { openSharing } from '../../src/engine/database/open.js'
import { openFace } from './faces.js'
import { startThreaded } from './threaded.js'

const NDJSON = { type: 'application/x-ndjson' } as const
const VECTORS = {
  image: { size: 3, distance: 'Dot' },
  text: { size: 2, distance: 'Cosine' },
} as const
const QUARANTINE = 'rules-quarantine'

/** A service over a folder, whose connections other threads take. */
async function openThreads() {
  const folder = await mkdtemp(join(tmpdir(), 'vicinal-rules-'))
  const backend = await openSharing(folder)
  const service = await startThreaded(backend)
  const database = await connect(service.url)
  const dispose = async () => {
    await database.close()
    await service.close()
    await backend.close()
    await rm(folder, { recursive: true })
  }
  return { database, dispose }
}

const idOf = ({ record }: Record<string, unknown>) => Number((record as { id: number }).id)

const FACES = {
  library: () => openFace('library'),
  service: () => openFace('service'),
  threads: openThreads,
}

describe.each(Object.entries(FACES))('rules at the %s', (_face, openIt) => {
  let database: Database
  let dispose: () => Promise<void>
  let made = 0
  beforeAll(async () => {
    ;({ database, dispose } = await openIt())
  })
  afterAll(() => dispose())

  const under = (rules: readonly IngestionRule[], more: Partial<IngestionConfig> = {}): Promise<Collection> =>
    database.createCollection(`rules-${made++}`, {
      vectors: VECTORS,
      ingestion: { quarantine: QUARANTINE, rules, ...more },
    })
  const recordsOf = async ({ name }: Collection) => {
    const quarantine = await database.collection(QUARANTINE)
    const filter = { must: [{ key: 'collection', match: { value: name } }] }
    const records: (Record<string, unknown> & { recordId: string })[] = []
    for await (const { id, payload } of quarantine.scroll({ filter }))
      records.push({ ...(payload as Record<string, unknown>), recordId: String(id) })
    return records.sort((a, b) => idOf(a) - idOf(b))
  }

  it('are kept with their names, replaced whole by a change, and removed by null', async () => {
    const rules: IngestionRule[] = [
      { vector: 'image', check: 'norm', min: 0.5, max: 2, action: 'quarantine' },
      { check: 'payload', key: 'a.b', required: true, action: 'flag', name: 'has-b' },
      { check: 'zero', action: 'fix', fix: 'drop' },
    ]
    const collection = await under(rules)
    const named = [{ ...rules[0], name: 'image.norm' }, rules[1], { ...rules[2], name: 'zero' }]
    const ingestion = async () => (await collection.info()).config.ingestion
    expect(await ingestion()).toEqual({ quarantine: QUARANTINE, rules: named })
    expect(await database.hasCollection(QUARANTINE)).toBe(true)
    await collection.updateConfig({ hnswConfig: { efConstruct: 50 } })
    expect(await ingestion()).toEqual({ quarantine: QUARANTINE, rules: named })
    await collection.updateConfig({ ingestion: { rules: [{ check: 'finite', action: 'reject' }] } })
    expect(await ingestion()).toEqual({ rules: [{ check: 'finite', action: 'reject', name: 'finite' }] })
    await collection.updateConfig({ ingestion: null })
    expect(await ingestion()).toBeUndefined()
    await expect(collection.upsert([{ id: 1, vector: { image: [1] } }])).rejects.toThrow('Vector dimension error')
  })

  it('are refused with the field, the bound and the value', async () => {
    const wrong: [IngestionRule | IngestionRule[], field: string, words: string][] = [
      [{ check: 'norm', action: 'reject' }, 'ingestion.rules[0]', 'expected min or max'],
      [{ check: 'norm', min: 3, max: 2, action: 'reject' }, 'ingestion.rules[0].min', 'max, which is 2, got 3'],
      [{ check: 'zero', min: 3, action: 'reject' }, 'ingestion.rules[0].min', 'no such setting, got 3'],
      [{ check: 'finite', action: 'flag' }, 'ingestion.rules[0].action', 'cannot be stored, got "flag"'],
      [{ check: 'finite', action: 'fix' }, 'ingestion.rules[0].fix', 'clamp or drop for the check finite, got null'],
      [{ check: 'zero', action: 'fix', fix: 'normalise' }, 'ingestion.rules[0].fix', 'expected drop'],
      [{ check: 'missing', action: 'fix', fix: 'drop' }, 'ingestion.rules[0].action', 'has no fix'],
      [{ check: 'norm', min: 2, action: 'fix', fix: 'normalise' }, 'ingestion.rules[0].fix', 'the norm 1'],
      [{ vector: 'sound', check: 'zero', action: 'reject' }, 'ingestion.rules[0].vector', 'sound'],
      [{ check: 'near_duplicate', action: 'reject' }, 'ingestion.rules[0].threshold', 'expected a number'],
      [{ check: 'payload', action: 'reject' }, 'ingestion.rules[0].key', 'expected the path'],
      [{ check: 'payload', key: 'a', action: 'reject' }, 'ingestion.rules[0]', 'at least one of type'],
      [{ check: 'zero', action: 'reject', name: 'invalid' }, 'ingestion.rules[0].name', 'another name than invalid'],
      [
        [
          { check: 'zero', action: 'reject' },
          { check: 'zero', action: 'flag' },
        ],
        'ingestion.rules[1].name',
        'ingestion.rules[0] is named "zero" too',
      ],
      [Array(65).fill({ check: 'zero', action: 'reject' }), 'ingestion.rules', 'at most 64 items'],
    ]
    for (const [rules, field, words] of wrong) {
      const refused = under([rules].flat())
      await expect(refused, words).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
      await expect(refused, words).rejects.toThrow(words)
      await expect(refused, words).rejects.toThrow(field)
    }
    const without = database.createCollection('rules-none', {
      vectors: VECTORS,
      ingestion: { rules: [{ check: 'zero', action: 'quarantine' }] },
    })
    await expect(without).rejects.toThrow('ingestion.quarantine: expected the name of a collection')
    const itself = database.createCollection('rules-self', {
      vectors: VECTORS,
      ingestion: { quarantine: 'rules-self', rules: [] },
    })
    await expect(itself).rejects.toThrow('ingestion.quarantine: expected the name of another collection')
  })

  it('refuse bad points, and store the others of their write', async () => {
    const collection = await under([
      { check: 'finite', action: 'quarantine' },
      { check: 'dimension', action: 'reject' },
      { check: 'zero', action: 'reject' },
      { vector: 'image', check: 'norm', min: 0.5, max: 2, action: 'quarantine' },
      { vector: 'text', check: 'missing', action: 'flag' },
      { check: 'payload', key: 'price', type: 'number', min: 0, max: 10, action: 'fix', fix: 'clamp' },
    ])
    const { cleaning, points } = await collection.upsert([
      { id: 1, vector: { image: [1, 0, 0], text: [1, 1] }, payload: { price: 99 } },
      { id: 2, vector: { image: new Float32Array([Number.NaN, 0, 0]) }, payload: { price: 1 } },
      { id: 3, vector: { image: [1, 2] } },
      { id: 4, vector: { image: [0, 0, 0] } },
      { id: 5, vector: { image: [5, 0, 0] }, payload: { big: 12_345_678_901_234_567_890n } },
      { id: 6, vector: { image: [1, 1, 0] }, payload: { quality_flags: ['before'] } },
    ])
    expect(points).toBe(6)
    expect(cleaning).toMatchObject({ accepted: 2, rejected: 2, quarantined: 2, fixed: 1, flagged: 1 })
    expect(cleaning?.byRule).toEqual({
      finite: 1,
      dimension: 1,
      zero: 1,
      'image.norm': 1,
      'text.missing': 1,
      'price.payload': 1,
    })
    expect(cleaning?.errors.map(({ row, rule, action }) => [row, rule, action])).toEqual([
      [1, 'finite', 'quarantine'],
      [2, 'dimension', 'reject'],
      [3, 'zero', 'reject'],
      [4, 'image.norm', 'quarantine'],
    ])
    expect(cleaning?.errors[3]).toMatchObject({
      error: 'vector.image: expected a norm from 0.5 to 2, got 5',
      field: 'vector.image',
    })
    const stored = await collection.retrieve([1, 2, 3, 4, 5, 6])
    expect(stored.map(({ id, payload }) => [id, payload])).toEqual([
      [1, { price: 10 }],
      [6, { quality_flags: ['before', 'text.missing'] }],
    ])
    const records = await recordsOf(collection)
    expect(records).toMatchObject([
      {
        rule: 'finite',
        source: null,
        position: null,
        record: { id: 2, vector: { image: { base64: expect.any(String) } } },
      },
      {
        rule: 'image.norm',
        record: { id: 5, vector: { image: [5, 0, 0] }, payload: { big: 12_345_678_901_234_567_890n } },
      },
    ])
    // Sent again, it is there once.
    await collection.upsert([{ id: 5, vector: { image: [5, 0, 0] }, payload: { big: 12_345_678_901_234_567_890n } }])
    expect(await recordsOf(collection)).toHaveLength(2)
  })

  it('mend what they can, and leave the rest to the rules after them', async () => {
    const collection = await under([
      { check: 'finite', action: 'fix', fix: 'clamp' },
      { check: 'finite', action: 'fix', fix: 'drop', name: 'unmended' },
      { check: 'dimension', action: 'fix', fix: 'drop' },
      { vector: 'image', check: 'norm', max: 1e30, action: 'fix', fix: 'clamp' },
      { vector: 'image', check: 'norm', min: 0.9, action: 'fix', fix: 'normalise', name: 'short' },
    ])
    const { cleaning } = await collection.upsert({
      ids: [1, 2, 3],
      vectors: {
        image: new Float32Array([Number.POSITIVE_INFINITY, 0, 0, Number.NaN, 1, 0, 0, 0, 0.5]),
        text: new Float32Array([1, 0, 0, 1, 1, 1]),
      },
    })
    expect(cleaning).toMatchObject({ accepted: 3, rejected: 0, quarantined: 0, fixed: 3 })
    expect(cleaning?.byRule).toEqual({ finite: 1, unmended: 1, 'image.norm': 1, short: 1 })
    await collection.upsert([{ id: 4, vector: { image: [1, 2], text: [3, 4] } }])
    const stored = await collection.retrieve([1, 2, 3, 4], { withVector: true })
    const images = stored.map(({ vector }) => (vector as { image?: Float32Array }).image)
    expect(images[0]?.[0]).toBeCloseTo(1e30, -24)
    expect(images.slice(1)).toEqual([undefined, new Float32Array([0, 0, 1]), undefined])
  })

  it('find repeated rows of a source, wherever it is cut', async () => {
    const rows = ['[1,0,0]', '[2,0,0]', '[1,0,0]', '[3,0,0]', '[4,0,0]', '[5,0,0]', '[1,0,0]', '[4,0,0]']
    const lines = rows.map((image, id) => Buffer.from(`{"id":${id},"vector":{"image":${image}}}\n`))
    const expected = [0, 1, 3, 4, 5, 6]
    for (const cuts of [[8], [3, 8], [1, 2, 3, 4, 5, 6, 7, 8]]) {
      const collection = await under([{ vector: 'image', check: 'duplicate', window: 3, action: 'quarantine' }])
      let position = 0
      for (const cut of cuts) {
        const source = { name: 'camera', position }
        await collection.ingest(lines.slice(position, cut), { ...NDJSON, source })
        position = cut
      }
      expect((await collection.scrollPage()).points.map(({ id }) => id)).toEqual(expected)
      const found = (await recordsOf(collection)).map(({ position: at, source }) => [at, source])
      expect(found.sort()).toEqual([
        [2, 'camera'],
        [7, 'camera'],
      ])
    }
  })

  it('find near duplicates of stored points, but no point near to itself', async () => {
    const rule = { vector: 'text', check: 'near_duplicate', threshold: 0.999, action: 'reject' } as const
    const collection = await under([rule])
    await collection.upsert([{ id: 1, vector: { text: [1, 0] } }])
    const { cleaning } = await collection.upsert([
      { id: 1, vector: { text: [1, 0.001] } },
      { id: 2, vector: { text: [5, 0.001] } },
      { id: 3, vector: { text: [0, 1] } },
      { id: 4, vector: { text: [0.001, 7] } },
      { id: 5, vector: { text: [1, 1] } },
    ])
    expect(cleaning).toMatchObject({ accepted: 3, rejected: 2, byRule: { 'text.near_duplicate': 2 } })
    expect(cleaning?.errors[1]).toMatchObject({ row: 3, error: expect.stringContaining('got row 2 with') })
    expect(cleaning?.errors[0]?.error).toMatch(/^vector.text: expected no vector of at least 0.999, got point 1 with/)
    const again = await collection.upsert([
      { id: 6, vector: { text: [-1, 0] } },
      { id: 6, vector: { text: [-1, 0.001] } },
      { id: 7, vector: { text: [-1, 0.002] } },
      { id: 6, vector: { text: [-1, 0.003] } },
    ])
    expect(again.cleaning).toMatchObject({ accepted: 3, rejected: 1, errors: [{ row: 2 }] })
  })

  it('count the rows of a stream, with those that are no points', async () => {
    const collection = await under([{ vector: 'image', check: 'norm', max: 2, action: 'quarantine' }])
    const lines = ['{"id":1,"vector":{"image":[1,0,0]}}', 'x', '{"id":2,"vector":{"image":[9,0,0]}}', '{"id":3}']
    const result = await collection.ingest([Buffer.from(lines.join('\n'))], NDJSON)
    expect(result).toMatchObject({ accepted: 1, rejected: 2, quarantined: 1, fixed: 0, flagged: 0, position: 4 })
    expect(result.byRule).toEqual({ invalid: 2, 'image.norm': 1 })
    expect(result.errors.map(({ row, rule }) => [row, rule])).toEqual([
      [1, undefined],
      [2, 'image.norm'],
      [3, undefined],
    ])
  })

  it('fail a whole write where that is asked', async () => {
    const collection = await under([{ check: 'zero', action: 'quarantine' }], { wholeBatches: true })
    const points = [
      { id: 1, vector: { text: [1, 0] } },
      { id: 2, vector: { text: [0, 0] } },
    ]
    const words = 'points[1].vector.text: expected a vector that is not zero (rule "zero")'
    await expect(collection.upsert(points)).rejects.toThrow(words)
    await expect(collection.batch([{ op: 'upsert', points }])).rejects.toThrow(words)
    expect([await collection.count(), (await recordsOf(collection)).length]).toEqual([0, 0])
  })

  it('hold for upserts of a batch', async () => {
    const collection = await under([{ check: 'zero', action: 'reject' }])
    const points = [
      { id: 1, vector: { text: [1, 0] } },
      { id: 2, vector: { text: [0, 0] } },
    ]
    const [result] = await collection.batch([{ op: 'upsert', points }])
    expect(result?.cleaning).toMatchObject({ accepted: 1, rejected: 1, byRule: { zero: 1 } })
    expect(await collection.count()).toBe(1)
  })

  it('make a quarantine anew that was deleted', async () => {
    const collection = await under([{ check: 'zero', action: 'quarantine' }], { quarantine: 'rules-deleted' })
    await database.deleteCollection('rules-deleted')
    const { cleaning } = await collection.upsert([{ id: 1, vector: { text: [0, 0] } }])
    expect(cleaning).toMatchObject({ quarantined: 1 })
    expect(await (await database.collection('rules-deleted')).count()).toBe(1)
  })

  it('let records be repaired, which are then points and no records', async () => {
    const collection = await under([
      { vector: 'image', check: 'norm', min: 0.5, max: 2, action: 'quarantine' },
      { check: 'finite', action: 'quarantine' },
      { check: 'payload', key: 'kind', enum: ['cat', 'dog'], action: 'quarantine' },
    ])
    await collection.upsert([
      { id: 1, vector: { image: [3, 0, 4], text: [1, 0] } },
      { id: 2, vector: { image: new Float32Array([Number.NaN, 0, 0]), text: [1, 0] } },
      { id: 3, vector: { image: [1, 0, 0] }, payload: { kind: 'cow' } },
      { id: 4, vector: { image: [0, 0, 0] } },
    ])
    const records = await recordsOf(collection)
    const ids = records.map(({ recordId }) => recordId)
    expect(records.map(idOf)).toEqual([1, 2, 3, 4])
    const normalised = await collection.repair({ ids, fix: 'normalise', vector: 'image' })
    expect(normalised).toMatchObject({ repaired: 1, kept: 3, absent: 0 })
    expect(normalised.errors.map(({ id, rule }) => [ids.indexOf(id), rule]).sort()).toEqual([
      [1, 'finite'],
      [2, 'kind.payload'],
      [3, 'image.norm'],
    ])
    const replace = [
      { id: ids[2] as string, payload: { kind: 'cat' } },
      { id: ids[3] as string, vector: { image: [0, 1, 0] } },
    ]
    const rest = { ids: ids.slice(0, 2), fix: 'drop', replace } as const
    expect(await collection.repair(rest)).toEqual({ repaired: 3, kept: 0, absent: 1, errors: [] })
    const stored = await collection.retrieve([1, 2, 3, 4], { withVector: true })
    expect(stored.map(({ vector, payload }) => [(vector as { image?: Float32Array }).image, payload])).toEqual([
      [new Float32Array([0.6, 0, 0.8]), {}],
      [undefined, {}],
      [new Float32Array([1, 0, 0]), { kind: 'cat' }],
      [new Float32Array([0, 1, 0]), {}],
    ])
    expect(await recordsOf(collection)).toEqual([])
    await expect(collection.repair({})).rejects.toThrow('ids: expected at least one id')
  })

  it('let a repair of one vector mend that one alone, and leave flags as they are', async () => {
    const collection = await under([
      { check: 'norm', max: 2, action: 'quarantine' },
      { check: 'payload', key: 'kind', enum: ['cat'], action: 'flag' },
      { check: 'payload', key: 'age', max: 10, action: 'flag' },
    ])
    await collection.upsert([
      { id: 1, vector: { image: [9, 0, 0], text: [50, 0] } },
      { id: 2, vector: { image: [9, 0, 0] }, payload: { kind: 'cow', age: 99 } },
    ])
    const ids = (await recordsOf(collection)).map(({ recordId }) => recordId)
    const repaired = await collection.repair({ ids, fix: 'clamp', vector: 'image' })
    expect(repaired).toMatchObject({ repaired: 1, kept: 1 })
    const [point] = await collection.retrieve([1, 2], { withVector: true })
    expect(point).toMatchObject({
      id: 2,
      payload: { kind: 'cow', age: 99 },
      vector: { image: new Float32Array([2, 0, 0]) },
    })
    expect(point?.payload).toHaveProperty('quality_flags.length', 2)
  })

  it('take a vector that was clamped to a bound for one within it', async () => {
    const rules = [{ check: 'norm', max: 2, action: 'fix', fix: 'clamp' }] as const
    const collection = await under([...rules])
    const points = Array.from({ length: 200 }, (_, id) => ({ id, vector: { image: [3 + Math.sin(id), id % 7, 1] } }))
    expect((await collection.upsert(points)).cleaning).toMatchObject({ fixed: 200 })
    const stored = await collection.retrieve(
      points.map(({ id }) => id),
      { withVector: true },
    )
    const again = stored.map(({ id, vector }) => ({ id, vector }))
    expect((await collection.upsert(again as never)).cleaning).toMatchObject({ fixed: 0 })
  })

  it('drop vectors of wrong dimension from thousands of points', async () => {
    const collection = await under([{ check: 'dimension', action: 'fix', fix: 'drop' }])
    const points = Array.from({ length: 9_000 }, (_, id) => ({ id, vector: { image: [1, 2], text: [1] } }))
    expect((await collection.upsert(points)).cleaning).toMatchObject({ accepted: 9_000, fixed: 9_000 })
  })
})
