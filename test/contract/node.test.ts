/** The service's information about nodes, shards, issues and itself. */
import { describe, expect, it, onTestFinished } from 'vitest'
import { open } from '../../src/index.js'
import { MemoryCollection } from '../oracle/memory-collection.js'
import { MemoryDatabase } from '../oracle/memory-database.js'
import { startService } from './service.js'

async function withCollection() {
  const database = await open(':memory:')
  onTestFinished(() => database.close())
  const collection = await database.createCollection('a', {
    vectors: { size: 2, distance: 'Dot' },
    metadata: { secret: 'of the owner' },
  })
  await collection.upsert([1, 2, 3].map((id) => ({ id, vector: [id, 1] })))
  const service = await startService({ database })
  const get = async (path: string) => (await service.call('GET', path)).json.result as Record<string, never>
  return { service, collection, get }
}

describe('a node that is alone', () => {
  it('has one shard for each collection and no cluster', async () => {
    const { get } = await withCollection()
    expect(await get('/cluster')).toEqual({ status: 'disabled' })
    expect(await get('/collections/a/cluster')).toEqual({
      peer_id: 0,
      shard_count: 1,
      local_shards: [{ shard_id: 0, points_count: 3, state: 'Active' }],
      remote_shards: [],
      shard_transfers: [],
    })
    expect(await get('/collections/a/shards')).toEqual({ shard_keys: null })
    expect(await get('/cluster/telemetry')).toMatchObject({
      collections: { a: { id: 'a', shards: [{ id: 0, replicas: [{ peer_id: 0, num_points: 3 }] }] } },
    })
  })

  it.each([
    ['POST', '/cluster/recover', /other node/],
    ['DELETE', '/cluster/peer/7', /other node/],
    ['POST', '/collections/a/cluster', /one shard/],
    ['PUT', '/collections/a/shards', /one shard/],
    ['POST', '/collections/a/shards/delete', /one shard/],
  ])('says why %s %s is not supported', async (method, path, why) => {
    const { service } = await withCollection()
    const answer = await service.call(method, path, {})
    expect(answer).toMatchObject({
      status: 501,
      json: { status: { code: 'NOT_IMPLEMENTED', error: expect.stringMatching(why) } },
    })
  })

  it('tells the progress of its graphs', async () => {
    const { get, collection } = await withCollection()
    await collection.waitForIndex()
    await expect
      .poll(() => get('/collections/a/optimizations'))
      .toMatchObject({ running: [], summary: { queued_points: 0 } })
    expect(await get('/collections/a/optimizations')).not.toHaveProperty('queued')
    expect(await get('/collections/a/optimizations?with=queued,completed')).toMatchObject({ queued: [], completed: [] })
  })

  it('answers 404 for missing collections', async () => {
    const { service } = await withCollection()
    for (const path of ['cluster', 'shards', 'optimizations']) {
      expect((await service.call('GET', `/collections/absent/${path}`)).status, path).toBe(404)
    }
  })
})

describe('issues', () => {
  it('are the warnings of collections, until they are cleared or resolved', async () => {
    let warnings = ['the disk is slow']
    class Warning extends MemoryCollection {
      override async info() {
        return { ...(await super.info()), warnings }
      }
    }
    class Warned extends MemoryDatabase {
      override async collection(name: string): Promise<never> {
        const { config } = await (await super.collection(name)).info()
        return new Warning(name, config) as never
      }
    }
    const database = new Warned()
    await database.createCollection('a', { vectors: { size: 1, distance: 'Dot' } })
    const service = await startService({ database })
    const issues = async () => ((await service.call('GET', '/issues')).json.result as { issues: object[] }).issues
    const [issue] = await issues()
    expect(issue).toMatchObject({
      description: expect.stringContaining('the disk is slow'),
      timestamp: expect.any(String),
    })
    expect(await issues()).toEqual([issue])
    expect((await service.call('DELETE', '/issues')).json.result).toBe(true)
    expect(await issues()).toEqual([])
    warnings = ['the disk is slow', 'and full']
    expect(await issues()).toMatchObject([{ description: expect.stringContaining('and full') }])
    warnings = []
    expect(await issues()).toEqual([])
    warnings = ['the disk is slow']
    expect(await issues(), 'one that comes again is told again').toHaveLength(1)
  })
})

describe('telemetry', () => {
  it('tells more at each level, and no names if it must be anonymous', async () => {
    const { get, service } = await withCollection()
    await service.call('GET', '/collections/absent')
    const none = await get('/telemetry')
    expect(none).toMatchObject({ app: { name: 'vicinal' }, collections: { number_of_collections: 1 } })
    expect(none).not.toHaveProperty('requests')
    const one = await get('/telemetry?details_level=1')
    expect(one).toMatchObject({
      cluster: { enabled: false },
      requests: { rest: { responses: { 'GET /collections/{name}': { 404: { count: 1 } } } } },
      memory: { resident_bytes: expect.any(Number) },
    })
    expect(one.collections).not.toHaveProperty('collections')
    expect(await get('/telemetry?details_level=2')).toMatchObject({
      collections: { collections: [{ vectors: 3, optimizers_status: 'ok', params: { vectors: { size: 2 } } }] },
    })
    const full = await get('/telemetry?details_level=3')
    expect(full).toMatchObject({
      collections: { collections: [{ id: 'a', config: { metadata: {} }, shards: [{ local: { num_points: 3 } }] }] },
    })
    const anonymous = JSON.stringify(await get('/telemetry?details_level=3&anonymize=true'))
    expect(anonymous).not.toContain('"id":"a"')
    expect(anonymous).not.toContain('secret')
    for (const bad of ['details_level=-1', 'details_level=x', 'details_level=1e9', 'anonymize=maybe']) {
      expect((await service.call('GET', `/telemetry?${bad}`)).status, bad).toBe(400)
    }
  })
})
