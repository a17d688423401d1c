/** Multivectors through every face: MaxSim compared with a plain model, all kinds of writes, and a restart. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Field, FixedSizeList, Float32, Table, Uint32, vectorFromArray } from 'apache-arrow'
import { describe, expect, it, onTestFinished } from 'vitest'
import { connect } from '../../src/client/index.js'
import type { Collection, Database } from '../../src/core/database.js'
import { open } from '../../src/index.js'
import { createServer } from '../../src/server/app.js'
import { startService } from './service.js'

const SIZE = 8
const POINTS = 300
const VECTORS = {
  tokens: { size: SIZE, distance: 'Dot', multivectorConfig: { comparator: 'max_sim' } },
  plain: { size: 2, distance: 'Euclid' },
} as const

/** A generator that repeats its numbers for the same seed. */
function numbers(seed: number): () => number {
  let state = seed
  return () => {
    state = (state * 1_103_515_245 + 12_345) % 2 ** 31
    return state / 2 ** 31 - 0.5
  }
}

const next = numbers(7)
const someTokens = () => {
  const count = 1 + Math.floor((next() + 0.5) * 5)
  return Array.from({ length: count }, () => Array.from({ length: SIZE }, () => Math.fround(next())))
}

function maxSim(query: readonly (readonly number[])[], tokens: readonly (readonly number[])[]): number {
  const dot = (a: readonly number[], b: readonly number[]) => a.reduce((sum, x, i) => sum + x * (b[i] as number), 0)
  return query.reduce((sum, one) => sum + Math.max(...tokens.map((token) => dot(one, token))), 0)
}

async function fill(collection: Collection): Promise<Map<number, number[][]>> {
  const model = new Map(Array.from({ length: POINTS }, (_, id) => [id, someTokens()]))
  const points = Array.from(model, ([id, tokens]) => ({
    id,
    vector: { tokens, plain: [id, 1] },
    payload: { even: id % 2 === 0 },
  }))
  await collection.upsert(points)
  return model
}

async function check(collection: Collection, model: ReadonlyMap<number, number[][]>): Promise<void> {
  for (let asked = 0; asked < 10; asked++) {
    const query = someTokens()
    const expected = Array.from(model, ([id, tokens]) => ({ id, score: maxSim(query, tokens) }))
      .sort((a, b) => b.score - a.score)
      .slice(0, 5)
    const found = await collection.query({
      query,
      using: 'tokens',
      limit: 5,
      withVector: ['tokens'],
      params: { exact: true },
    })
    expect(found.map(({ id }) => id)).toEqual(expected.map(({ id }) => id))
    found.forEach(({ id, score, vector }, i) => {
      expect(score).toBeCloseTo(expected[i]?.score ?? Number.NaN, 4)
      const { tokens } = vector as Record<string, Float32Array[]>
      expect(tokens?.map((token) => [...token])).toEqual(model.get(id as number))
    })
  }
}

async function inFolder() {
  const folder = await mkdtemp(join(tmpdir(), 'vicinal-multi-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  return { folder, database: await open(folder) }
}

async function remote(backend: Database): Promise<Database> {
  const server = createServer({ database: backend, port: 0, apiKeys: ['multi'], logLevel: 'silent' })
  const client = await connect(await server.listen(), { apiKey: 'multi' })
  onTestFinished(async () => {
    await client.close()
    await server.close()
  })
  return client
}

describe('multivectors', () => {
  it.each(['memory', 'folder', 'service'])('are found by MaxSim, exactly and by the graph (%s)', async (face) => {
    const { database } = face === 'memory' ? { database: await open(':memory:') } : await inFolder()
    onTestFinished(() => database.close())
    const asked = face === 'service' ? await remote(database) : database
    const collection = await asked.createCollection('texts', { vectors: VECTORS })
    const model = await fill(collection)
    await check(collection, model)
    // One vector is a multivector of one. A stored point queries with all of its vectors.
    const [own] = await collection.query({ query: model.get(3)?.[0] as number[], using: 'tokens', limit: 1 })
    expect(own?.score).toBeGreaterThan(0)
    const near = await collection.query({ query: 3, using: 'tokens', limit: POINTS, params: { exact: true } })
    expect(near.length).toBe(POINTS - 1)
    const even = { must: [{ key: 'even', match: { value: true } }] }
    const filtered = await collection.query({ query: 3, using: 'tokens', filter: even, limit: POINTS })
    expect(filtered.map(({ id }) => (id as number) % 2)).toEqual(new Array(POINTS / 2).fill(0))
    expect((await collection.info()).config.vectors[0]).toMatchObject({ multivectorConfig: { comparator: 'max_sim' } })
  })

  it('come back after updates, deletes and a restart, from the log and from the table', async () => {
    const { folder, database } = await inFolder()
    const collection = await database.createCollection('texts', { vectors: VECTORS })
    const model = await fill(collection)
    await collection.flush()
    const changed = Array.from({ length: 40 }, (_, i) => i * 3)
    for (const id of changed) model.set(id, someTokens())
    await collection.updateVectors(changed.map((id) => ({ id, vector: { tokens: model.get(id) as number[][] } })))
    await collection.deleteVectors(['tokens'], [1, 2])
    await collection.delete([5])
    for (const id of [1, 2, 5]) model.delete(id)
    await check(collection, model)
    await database.close()
    const reopened = await open(folder)
    onTestFinished(() => reopened.close())
    await check(await reopened.collection('texts'), model)
  })

  it('keep the last of repeated ids, each with its own vectors', async () => {
    const database = await open(':memory:')
    onTestFinished(() => database.close())
    const collection = await database.createCollection('texts', { vectors: VECTORS })
    const [first, second, third] = [someTokens(), someTokens(), someTokens()]
    await collection.upsert([
      { id: 1, vector: { tokens: first } },
      { id: 2, vector: { tokens: second } },
      { id: 1, vector: { tokens: third } },
    ])
    await check(
      collection,
      new Map([
        [1, third],
        [2, second],
      ]),
    )
  })

  it('are refused if they are malformed, naming the place', async () => {
    const database = await open(':memory:')
    onTestFinished(() => database.close())
    const collection = await database.createCollection('texts', { vectors: VECTORS })
    const put = (tokens: unknown) => collection.upsert([{ id: 1, vector: { tokens: tokens as number[][] } }])
    await expect(put([])).rejects.toThrow('points[0].vector.tokens: expected at least one vector')
    await expect(put([[1, 2]])).rejects.toThrow('points[0].vector.tokens[0]: Vector dimension error: expected dim: 8')
    await expect(put([new Array(SIZE).fill(1), [1]])).rejects.toThrow('points[0].vector.tokens[1]')
    await expect(put([new Array(SIZE).fill(1), 'x'])).rejects.toThrow('points[0].vector.tokens[1]: expected a vector')
    await expect(put([new Array(SIZE).fill(Number.NaN)])).rejects.toThrow('points[0].vector.tokens: expected finite')
    await expect(put(new Array(131_073).fill(new Array(SIZE).fill(1)))).rejects.toThrow('at most 1048576 numbers')
    const plain = [[1, 2]] as unknown as number[]
    await expect(collection.upsert([{ id: 1, vector: { plain } }])).rejects.toThrow('points[0].vector.plain')
    const options = { using: 'tokens', limit: 1 }
    await expect(collection.query({ ...options, query: [[1]] })).rejects.toThrow('query[0]: Vector dimension error')
    const config = { size: 2, distance: 'Dot', multivectorConfig: { comparator: 'min' as never } } as const
    await expect(database.createCollection('odd', { vectors: config })).rejects.toThrow('multivectorConfig.comparator')
    expect(await collection.count()).toBe(0)
  })

  it('are read from a column of an Arrow table and are there after a restart', async () => {
    const { folder, database } = await inFolder()
    const collection = await database.createCollection('texts', { vectors: VECTORS })
    const rows = [1, 2, 3].map((id) => ({ id, token: Array.from({ length: SIZE }, () => Math.fround(next())) }))
    const list = new FixedSizeList(SIZE, new Field('item', new Float32(), true))
    const tokens = vectorFromArray(
      rows.map(({ token }) => token),
      list,
    )
    await collection.upsert(
      new Table({
        id: vectorFromArray(
          rows.map(({ id }) => id),
          new Uint32(),
        ),
        tokens,
      }),
    )
    const model = new Map(rows.map(({ id, token }) => [id, [token]]))
    await check(collection, model)
    await database.close()
    const reopened = await open(folder)
    onTestFinished(() => reopened.close())
    await check(await reopened.collection('texts'), model)
  })

  it('end at the deadline however many there are', async () => {
    const database = await open(':memory:')
    onTestFinished(() => database.close())
    const multivectorConfig = { comparator: 'max_sim' } as const
    const collection = await database.createCollection('wide', {
      vectors: { size: 1, distance: 'Dot', multivectorConfig },
    })
    const many = Array.from({ length: 300_000 }, (_, i) => [i % 7])
    await collection.upsert([{ id: 1, vector: many }])
    await expect(collection.query({ query: many, timeoutMs: 200 })).rejects.toMatchObject({ code: 'TIMEOUT' })
    // The thread is free again.
    expect(await collection.query({ query: [1] })).toHaveLength(1)
  })

  it("travel on Qdrant's wire as lists of lists, in points and in batches", async () => {
    const database = await open(':memory:')
    onTestFinished(() => database.close())
    const service = await startService({ database })
    const vectors = { size: 2, distance: 'Cosine', multivector_config: { comparator: 'max_sim' } }
    expect((await service.call('PUT', '/collections/m', { vectors })).status).toBe(200)
    const batch = {
      ids: [1, 2],
      vectors: [
        [
          [1, 0],
          [0, 1],
        ],
        [[1, 1]],
      ],
      payloads: [{ a: 1 }, null],
    }
    expect((await service.call('PUT', '/collections/m/points?wait=true', { batch })).status).toBe(200)
    const points = [{ id: 3, vector: [[0, -1]] }]
    expect((await service.call('PUT', '/collections/m/points?wait=true', { points })).status).toBe(200)
    const asked = {
      query: [
        [1, 0],
        [0, 1],
      ],
      limit: 3,
      with_vector: true,
    }
    const found = await service.call('POST', '/collections/m/points/query', asked)
    expect(found.json.result).toMatchObject({
      points: [
        {
          id: 1,
          score: 2,
          vector: [
            [1, 0],
            [0, 1],
          ],
        },
        { id: 2, score: expect.closeTo(Math.SQRT2, 5) },
        { id: 3, score: expect.closeTo(-1, 5) },
      ],
    })
    const { json } = await service.call('GET', '/collections/m')
    expect(json.result).toMatchObject({ config: { params: { vectors } } })
  })
})
