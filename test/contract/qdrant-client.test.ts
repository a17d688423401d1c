/** Qdrant's published client, unmodified, against a running service. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { QdrantClient } from '@qdrant/js-client-rest'
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { open } from '../../src/index.js'
import { startService } from './service.js'

const CITIES = 'cities'
const UUID = '5b0d5ae2-7d8c-4d0c-9f5f-0a6a2f3c1d11'
const COMPLETED = { status: 'completed' }
/** The client keeps numbers above 2^53 exact only if the engine's JSON supports it. */
const HAS_EXACT_JSON = 'rawJSON' in JSON

let client: QdrantClient
beforeEach(async () => {
  const folder = await mkdtemp(join(tmpdir(), 'vicinal-qdrant-client-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  const database = await open(folder)
  onTestFinished(() => database.close())
  const { url } = await startService({ database, apiKeys: ['secret'] })
  client = new QdrantClient({ url, headers: { 'api-key': 'secret' } })
})

async function withCities(): Promise<void> {
  await client.createCollection(CITIES, { vectors: { size: 2, distance: 'Euclid' } })
  const points = [
    {
      id: 1,
      vector: [0, 1],
      payload: { name: 'Oslo', people: 0.7, tags: ['north', 'sea'], at: '2024-01-01T00:00:00Z' },
    },
    { id: 2, vector: [0, 2], payload: { name: 'Rome', people: 2.8, tags: ['south'], at: '2025-01-01T00:00:00Z' } },
    { id: 3, vector: [0, 3], payload: { name: 'Bern', people: 0.1, mayor: null, parts: [{ code: 1 }, { code: 2 }] } },
    { id: UUID, vector: [0, 4], payload: { name: 'Kyiv', people: 2.9, tags: [] } },
  ]
  expect(await client.upsert(CITIES, { wait: true, points })).toMatchObject(COMPLETED)
}

const payloadOf = async (id: number | string) => (await client.retrieve(CITIES, { ids: [id] }))[0]?.payload
const idsOf = (points: readonly { id: unknown }[]) => points.map(({ id }) => id)

describe('the service and its version', () => {
  it('are known to the client as compatible', async () => {
    const { title, version } = await client.versionInfo()
    expect(title).toBe('vicinal')
    expect(version).toMatch(/^1\.19\./)
  })
})

describe('collections', () => {
  it('are created, listed, described, changed and deleted', async () => {
    expect(await client.collectionExists(CITIES)).toEqual({ exists: false })
    const settings = {
      vectors: { size: 4, distance: 'Cosine' as const, on_disk: false },
      hnsw_config: { m: 24, ef_construct: 120 },
      optimizers_config: { default_segment_number: 2 },
      on_disk_payload: true,
      shard_number: 1,
      replication_factor: 1,
    }
    expect(await client.createCollection(CITIES, settings)).toBe(true)
    expect(await client.collectionExists(CITIES)).toEqual({ exists: true })
    expect(await client.getCollections()).toEqual({ collections: [{ name: CITIES }] })
    const info = await client.getCollection(CITIES)
    expect(info).toMatchObject({ status: 'green', optimizer_status: 'ok', points_count: 0, payload_schema: {} })
    expect(info.config).toMatchObject({
      params: { vectors: { size: 4, distance: 'Cosine' } },
      hnsw_config: { m: 24, ef_construct: 120 },
    })
    const change = { optimizers_config: { indexing_threshold: 0 }, hnsw_config: { ef_construct: 200 } }
    expect(await client.updateCollection(CITIES, change)).toBe(true)
    expect((await client.getCollection(CITIES)).config.hnsw_config.ef_construct).toBe(200)
    expect(await client.deleteCollection(CITIES)).toBe(true)
    expect(await client.collectionExists(CITIES)).toEqual({ exists: false })
  })

  it('can be created again from their own description', async () => {
    await withCities()
    const { params, ...settings } = (await client.getCollection(CITIES)).config
    const { wal_config, strict_mode_config, ...changeable } = settings as Record<string, unknown>
    const options = { ...params, ...changeable, wal_config }
    expect(await client.createCollection('again', options as never)).toBe(true)
    expect(await client.updateCollection('again', changeable as never)).toBe(true)
    expect((await client.getCollection('again')).config.hnsw_config).toEqual(settings.hnsw_config)
  })

  it('have aliases, which are swapped at once', async () => {
    await withCities()
    await client.createCollection('next', { vectors: { size: 2, distance: 'Dot' } })
    const lead = (collection_name: string) => ({ create_alias: { collection_name, alias_name: 'current' } })
    expect(await client.updateCollectionAliases({ actions: [lead(CITIES)] })).toBe(true)
    expect((await client.count('current')).count).toBe(4)
    expect(await client.getAliases()).toEqual({ aliases: [{ alias_name: 'current', collection_name: CITIES }] })
    const swap = [{ delete_alias: { alias_name: 'current' } }, lead('next')]
    expect(await client.updateCollectionAliases({ actions: swap })).toBe(true)
    expect((await client.count('current')).count).toBe(0)
    expect(await client.getCollectionAliases(CITIES)).toEqual({ aliases: [] })
    await expect(client.updateCollectionAliases({ actions: [lead('absent')] })).rejects.toThrow(/Not Found/)
  })

  it('of named vectors are described by name', async () => {
    const vectors = { image: { size: 4, distance: 'Dot' as const }, text: { size: 2, distance: 'Manhattan' as const } }
    await client.createCollection(CITIES, { vectors })
    expect((await client.getCollection(CITIES)).config.params.vectors).toMatchObject(vectors)
  })

  it('of quantized vectors are described as configured, and searched by codes', async () => {
    const scalar = { scalar: { type: 'int8' as const, quantile: 0.99, always_ram: true } }
    const vectors = {
      image: { size: 4, distance: 'Dot' as const },
      text: {
        size: 2,
        distance: 'Cosine' as const,
        quantization_config: { binary: { encoding: 'two_bits' as const } },
      },
    }
    await client.createCollection(CITIES, { vectors, quantization_config: scalar })
    const { config } = await client.getCollection(CITIES)
    expect(config).toMatchObject({ quantization_config: scalar, params: { vectors } })

    await client.upsert(CITIES, { wait: true, points: [{ id: 1, vector: { image: [1, 2, 3, 4], text: [1, 0] } }] })
    const quantization = { ignore: false, rescore: true, oversampling: 2 }
    const { points } = await client.query(CITIES, { query: [1, 2, 3, 4], using: 'image', params: { quantization } })
    expect(points).toMatchObject([{ id: 1, score: 30 }])

    const turbo = { turbo: { bits: 'bits4' as const } }
    await client.updateCollection(CITIES, {
      quantization_config: 'Disabled',
      vectors: { text: { quantization_config: turbo } },
    })
    const changed = (await client.getCollection(CITIES)).config
    expect(changed.quantization_config).toBeNull()
    expect(changed.params.vectors).toMatchObject({ text: { quantization_config: turbo } })
  })

  it('are recreated, and only once', async () => {
    await withCities()
    const vectors = { size: 2, distance: 'Dot' as const }
    await expect(client.createCollection(CITIES, { vectors })).rejects.toMatchObject({ status: 409 })
    expect(await client.recreateCollection(CITIES, { vectors })).toBe(true)
    expect((await client.count(CITIES)).count).toBe(0)
  })
})

describe('points', () => {
  it('in rows are stored, retrieved, counted, scrolled and deleted', async () => {
    await withCities()
    const [kyiv, oslo] = await client.retrieve(CITIES, { ids: [UUID, 1, 99], with_vector: true })
    expect(kyiv).toMatchObject({ id: UUID, vector: [0, 4], payload: { name: 'Kyiv', people: 2.9, tags: [] } })
    expect(oslo).toMatchObject({ id: 1, vector: [0, 1] })
    expect(await client.retrieve(CITIES, { ids: [2], with_payload: ['name'] })).toEqual([
      expect.objectContaining({ id: 2, payload: { name: 'Rome' } }),
    ])
    expect(await client.count(CITIES, { exact: true })).toEqual({ count: 4 })
    expect(await client.delete(CITIES, { wait: true, points: [1] })).toMatchObject(COMPLETED)
    const south = { must: [{ key: 'tags', match: { value: 'south' } }] }
    expect(await client.delete(CITIES, { wait: true, filter: south })).toMatchObject(COMPLETED)
    expect(idsOf((await client.scroll(CITIES)).points)).toEqual([3, UUID])
  })

  it('are scrolled page by page until the last', async () => {
    await withCities()
    const first = await client.scroll(CITIES, { limit: 3 })
    expect(idsOf(first.points)).toEqual([1, 2, 3])
    expect(first.next_page_offset).toBe(UUID)
    const last = await client.scroll(CITIES, { limit: 3, offset: UUID, with_payload: false, with_vector: true })
    expect(last).toMatchObject({ points: [{ id: UUID, vector: [0, 4] }], next_page_offset: null })
    expect(last.points[0]?.payload ?? null).toBeNull()
  })

  it('in columns are stored, with named vectors too', async () => {
    await client.createCollection(CITIES, {
      vectors: { a: { size: 2, distance: 'Dot' }, b: { size: 1, distance: 'Dot' } },
    })
    const batch = {
      ids: [7, UUID],
      vectors: {
        a: [
          [1, 2],
          [3, 4],
        ],
        b: [[5], [6]],
      },
      payloads: [{ n: 1 }, { n: 2 }],
    }
    expect(await client.upsert(CITIES, { wait: true, batch })).toMatchObject(COMPLETED)
    const points = await client.retrieve(CITIES, { ids: [7, UUID], with_vector: ['b'] })
    expect(points).toMatchObject([
      { id: 7, vector: { b: [5] }, payload: { n: 1 } },
      { id: UUID, vector: { b: [6] }, payload: { n: 2 } },
    ])
  })

  it('get and lose single vectors', async () => {
    await client.createCollection(CITIES, {
      vectors: { a: { size: 2, distance: 'Dot' }, b: { size: 1, distance: 'Dot' } },
    })
    await client.upsert(CITIES, { points: [{ id: 1, vector: { a: [1, 2] } }] })
    expect(await client.updateVectors(CITIES, { points: [{ id: 1, vector: { b: [3] } }] })).toMatchObject(COMPLETED)
    const vectorOf = async () => (await client.retrieve(CITIES, { ids: [1], with_vector: true }))[0]?.vector
    expect(await vectorOf()).toEqual({ a: [1, 2], b: [3] })
    expect(await client.deleteVectors(CITIES, { points: [1], vector: ['a'] })).toMatchObject(COMPLETED)
    expect(await vectorOf()).toEqual({ b: [3] })
  })

  it('change by several operations in one request', async () => {
    await withCities()
    const results = await client.batchUpdate(CITIES, {
      wait: true,
      operations: [
        { upsert: { points: [{ id: 9, vector: [9, 9], payload: { name: 'Riga' } }] } },
        { set_payload: { payload: { visited: true }, points: [9] } },
        { overwrite_payload: { payload: { name: 'Roma' }, points: [2] } },
        { delete_payload: { keys: ['people'], points: [1] } },
        { clear_payload: { points: [3] } },
        { update_vectors: { points: [{ id: 1, vector: [5, 5] }] } },
        { delete: { points: [UUID] } },
      ],
    })
    expect(results).toHaveLength(7)
    for (const result of results) expect(result).toMatchObject(COMPLETED)
    expect(await payloadOf(9)).toEqual({ name: 'Riga', visited: true })
    expect(await payloadOf(2)).toEqual({ name: 'Roma' })
    expect(await payloadOf(1)).not.toHaveProperty('people')
    expect(await payloadOf(3)).toEqual({})
    expect(idsOf((await client.scroll(CITIES)).points)).toEqual([1, 2, 3, 9])
  })

  it('keep "not found" and "invalid" apart for the client', async () => {
    await expect(client.getCollection('none')).rejects.toMatchObject({
      status: 404,
      data: { status: { error: expect.stringContaining("Collection `none` doesn't exist") } },
    })
    await withCities()
    await expect(client.upsert(CITIES, { points: [{ id: 1, vector: [1] }] })).rejects.toMatchObject({
      status: 400,
      data: { status: { error: expect.stringMatching(/Wrong input.*expected dim: 2/) } },
    })
  })

  it('are written and read with cluster settings, which one node satisfies', async () => {
    await withCities()
    const point = { id: 8, vector: [8, 8] }
    const unawaited = await client.upsert(CITIES, { wait: false, ordering: 'strong', timeout: 5, points: [point] })
    expect(unawaited.status).toMatch(/^(acknowledged|completed)$/)
    await client.setPayload(CITIES, { payload: { n: 1 }, points: [8], ordering: 'medium' })
    const [seen] = await client.retrieve(CITIES, { ids: [8], consistency: 'majority', timeout: 5 })
    expect(seen?.payload).toEqual({ n: 1 })
    const near = await client.query(CITIES, { query: [8, 8], limit: 1, consistency: 1, timeout: 5 })
    expect(idsOf(near.points)).toEqual([8])
  })

  it.runIf(HAS_EXACT_JSON)('have ids of 64 bits', async () => {
    await client.createCollection(CITIES, { vectors: { size: 1, distance: 'Dot' } })
    const ids = [18_446_744_073_709_551_615n, 9_007_199_254_740_993n]
    // The client's types have numbers only; the client itself sends and reads 64-bit ids exactly.
    const known = ids as unknown as number[]
    await client.upsert(CITIES, { points: known.map((id) => ({ id, vector: [1] })) })
    expect(idsOf(await client.retrieve(CITIES, { ids: known }))).toEqual(ids)
    const filter = { must: [{ has_id: [known[1] as number] }] }
    expect(idsOf((await client.query(CITIES, { query: [1], filter })).points)).toEqual([ids[1]])
    await client.delete(CITIES, { wait: true, points: [known[0] as number] })
    expect(idsOf((await client.scroll(CITIES)).points)).toEqual([ids[1]])
  })
})

describe('queries', () => {
  it('by vector and by id give the nearest first', async () => {
    await withCities()
    const near = await client.query(CITIES, { query: [0, 0], limit: 2, with_payload: true, with_vector: true })
    expect(near.points).toMatchObject([
      { id: 1, score: 1, payload: { name: 'Oslo' }, vector: [0, 1] },
      { id: 2, score: 2 },
    ])
    expect(typeof near.points[0]?.version).toBe('number')
    expect(idsOf((await client.query(CITIES, { query: UUID, limit: 2 })).points)).toEqual([3, 2])
    const { points } = await client.query(CITIES, { query: { nearest: [0, 0] }, offset: 1, score_threshold: 3 })
    expect(idsOf(points)).toEqual([2, 3])
    const exact = await client.query(CITIES, { query: [0, 0], params: { exact: true, hnsw_ef: 64 }, limit: 1 })
    expect(idsOf(exact.points)).toEqual([1])
    expect(idsOf((await client.query(CITIES, {})).points)).toHaveLength(4)
  })

  it('of a named vector use it', async () => {
    await client.createCollection(CITIES, {
      vectors: { a: { size: 2, distance: 'Dot' }, b: { size: 1, distance: 'Dot' } },
    })
    const points = [
      { id: 1, vector: { a: [1, 0], b: [1] } },
      { id: 2, vector: { b: [2] } },
    ]
    await client.upsert(CITIES, { points })
    expect(idsOf((await client.query(CITIES, { query: [1], using: 'b' })).points)).toEqual([2, 1])
    expect(idsOf((await client.query(CITIES, { query: [1, 0], using: 'a' })).points)).toEqual([1])
  })

  it('in a batch are answered in their order', async () => {
    await withCities()
    const searches = [
      { query: [0, 0], limit: 1 },
      { query: UUID, limit: 1, with_payload: true },
      { query: [0, 2.1], limit: 1 },
    ]
    const answers = await client.queryBatch(CITIES, { searches })
    expect(answers.map(({ points }) => idsOf(points))).toEqual([[1], [3], [2]])
    expect(answers[1]?.points[0]?.payload).toMatchObject({ name: 'Bern' })
  })
})

describe('payloads', () => {
  it('are set, overwritten, cut and cleared, by ids and by filter', async () => {
    await withCities()
    const bern = { must: [{ key: 'name', match: { value: 'Bern' } }] }
    expect(await client.setPayload(CITIES, { payload: { seen: 1 }, points: [1, UUID] })).toMatchObject(COMPLETED)
    expect(await client.setPayload(CITIES, { payload: { deep: 2 }, key: 'a.b', filter: bern })).toMatchObject(COMPLETED)
    expect(await payloadOf(1)).toMatchObject({ name: 'Oslo', seen: 1 })
    expect(await payloadOf(3)).toMatchObject({ name: 'Bern', a: { b: { deep: 2 } } })
    expect(await client.overwritePayload(CITIES, { payload: { only: true }, points: [2] })).toMatchObject(COMPLETED)
    expect(await payloadOf(2)).toEqual({ only: true })
    expect(await client.deletePayload(CITIES, { keys: ['a', 'parts'], filter: bern })).toMatchObject(COMPLETED)
    expect(await payloadOf(3)).toEqual({ name: 'Bern', people: 0.1, mayor: null })
    expect(await client.clearPayload(CITIES, { points: [1] })).toMatchObject(COMPLETED)
    expect(await client.clearPayload(CITIES, { filter: bern })).toMatchObject(COMPLETED)
    expect([await payloadOf(1), await payloadOf(3)]).toEqual([{}, {}])
  })

  it('are indexed and unindexed', async () => {
    await withCities()
    const kinds = [
      { field_name: 'name', field_schema: 'keyword' },
      { field_name: 'people', field_schema: { type: 'float', is_principal: false } },
      { field_name: 'at', field_schema: 'datetime' },
    ] as const
    for (const kind of kinds)
      expect(await client.createPayloadIndex(CITIES, { wait: true, ...kind })).toMatchObject(COMPLETED)
    expect((await client.getCollection(CITIES)).payload_schema).toMatchObject({
      name: { data_type: 'keyword', points: 4 },
      people: { data_type: 'float', points: 4 },
      at: { data_type: 'datetime', points: 2 },
    })
    expect(await client.deletePayloadIndex(CITIES, 'name')).toMatchObject(COMPLETED)
    expect(Object.keys((await client.getCollection(CITIES)).payload_schema)).not.toContain('name')
  })
})

type Filter = NonNullable<NonNullable<Parameters<QdrantClient['count']>[1]>['filter']>

const FILTERS: [what: string, filter: Filter, ids: (number | string)[]][] = [
  ['a value', { must: [{ key: 'name', match: { value: 'Oslo' } }] }, [1]],
  ['a single condition without its array', { must: { key: 'name', match: { value: 'Oslo' } } }, [1]],
  ['any of some values', { must: [{ key: 'tags', match: { any: ['sea', 'south'] } }] }, [1, 2]],
  ['none of some values', { must: [{ key: 'name', match: { except: ['Oslo', 'Rome'] } }] }, [3, UUID]],
  ['a range', { must: [{ key: 'people', range: { gte: 0.7, lt: 2.9 } }] }, [1, 2]],
  ['a range of times', { must: [{ key: 'at', range: { gt: '2024-06-01T00:00:00Z' } }] }, [2]],
  ['either', { should: [{ key: 'name', match: { value: 'Bern' } }, { has_id: [UUID] }] }, [3, UUID]],
  ['not', { must_not: [{ key: 'tags', match: { value: 'sea' } }, { has_id: [UUID] }] }, [2, 3]],
  [
    'at least so many',
    {
      min_should: {
        conditions: [
          { key: 'people', range: { gt: 2 } },
          { key: 'tags', match: { value: 'south' } },
        ],
        min_count: 2,
      },
    },
    [2],
  ],
  ['empty', { must: [{ is_empty: { key: 'tags' } }] }, [3, UUID]],
  ['null', { must: [{ is_null: { key: 'mayor' } }] }, [3]],
  ['a number of values', { must: [{ key: 'tags', values_count: { gte: 2 } }] }, [1]],
  ['nested', { must: [{ nested: { key: 'parts', filter: { must: [{ key: 'code', match: { value: 2 } }] } } }] }, [3]],
  ['a path through an array', { must: [{ key: 'parts[].code', match: { value: 1 } }] }, [3]],
  ['a filter in a filter', { must: [{ should: [{ has_id: [1] }, { has_id: [2] }] }, { has_id: [2, 3] }] }, [2]],
]

describe('filters', () => {
  it.each(FILTERS)('by %s', async (_what, filter, ids) => {
    await withCities()
    expect(idsOf((await client.scroll(CITIES, { filter })).points)).toEqual(ids)
    expect(await client.count(CITIES, { filter })).toEqual({ count: ids.length })
    expect(idsOf((await client.query(CITIES, { query: [0, 0], filter })).points)).toEqual(ids)
  })

  it('by the vectors a point has', async () => {
    await client.createCollection(CITIES, {
      vectors: { a: { size: 1, distance: 'Dot' }, b: { size: 1, distance: 'Dot' } },
    })
    await client.upsert(CITIES, {
      points: [
        { id: 1, vector: { a: [1] } },
        { id: 2, vector: { b: [1] } },
      ],
    })
    expect(idsOf((await client.scroll(CITIES, { filter: { must: [{ has_vector: 'b' }] } })).points)).toEqual([2])
  })
})
