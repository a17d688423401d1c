/** The wire as Qdrant's clients see it: paths, envelope, defaults, errors, formats. */
import { readFileSync } from 'node:fs'
import { beforeEach, describe, expect, it } from 'vitest'
import { decodeMsgpack } from '../../src/wire/msgpack.js'
import { encodeMsgpack } from '../../src/wire/msgpack-encoder.js'
import { MemoryDatabase } from '../oracle/memory-database.js'
import { type Service, startService } from './service.js'

const MSGPACK = { 'content-type': 'application/msgpack', accept: 'application/msgpack' }
const BIG_ID = '18446744073709551615'

describe('the service', () => {
  it('reports the API version that clients know, and its own name in a header', async () => {
    const service = await startService()
    const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string }
    const root = await service.call('GET', '/')
    expect(root.json).toEqual({ title: 'vicinal', version: '1.19.0', commit: version })
    expect(root.headers['x-vicinal-version']).toBe(version)
    expect(root.headers['x-content-type-options']).toBe('nosniff')
    const telemetry = await service.call('GET', '/telemetry')
    expect(telemetry.json.result).toMatchObject({
      app: { name: 'vicinal', version },
      collections: { number_of_collections: 0 },
    })
  })

  it('is alive but not ready, and refuses data, until the database is open', async () => {
    let finish: (database: MemoryDatabase) => void = () => {}
    const database = new Promise<MemoryDatabase>((resolve) => {
      finish = resolve
    })
    const service = await startService({ database })
    expect((await service.call('GET', '/healthz')).status).toBe(200)
    expect((await service.call('GET', '/livez')).status).toBe(200)
    expect(await service.call('GET', '/readyz')).toMatchObject({
      status: 503,
      text: expect.stringContaining('recovery'),
    })
    const refused = await service.call('GET', '/collections')
    expect(refused).toMatchObject({ status: 503, json: { status: { code: 'UNAVAILABLE' } } })
    expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0)
    finish(new MemoryDatabase())
    await expect.poll(async () => (await service.call('GET', '/readyz')).status).toBe(200)
    expect((await service.call('GET', '/collections')).status).toBe(200)
  })

  it('stays up and unready if the database cannot be opened', async () => {
    const service = await startService({ database: Promise.reject(new Error('disk on fire')) })
    expect((await service.call('GET', '/readyz')).status).toBe(503)
    const answer = await service.call('GET', '/collections')
    expect(answer.status).toBe(503)
    expect(answer.text).not.toContain('fire')
    expect(service.log.join('')).toContain('disk on fire')
  })

  it('tells Prometheus of requests, latencies, points, log, tail and memory', async () => {
    const service = await startService()
    await makeCollection(service)
    await service.call('PUT', '/collections/a/points?wait=true', { points: [{ id: 1, vector: [1, 2, 3] }] })
    await service.call('GET', '/collections/absent')
    const { text, headers } = await service.call('GET', '/metrics')
    expect(headers['content-type']).toMatch(/^text\/plain; version=0\.0\.4/)
    expect(text).toMatch(
      /^rest_responses_total\{method="PUT",endpoint="\/collections\/\{name\}\/points",status="200"\} 1$/m,
    )
    expect(text).toMatch(/^rest_responses_total\{method="GET",endpoint="\/collections\/\{name\}",status="404"\} 1$/m)
    expect(text).toMatch(
      /^rest_responses_duration_seconds_bucket\{method="PUT",endpoint="\/collections\/\{name\}\/points",le="\+Inf"\} 1$/m,
    )
    expect(text).toMatch(/^collection_points\{id="a"\} 1$/m)
    for (const name of ['collection_log_bytes', 'collection_tail_bytes', 'collection_segments'])
      expect(text).toContain(`${name}{id="a"}`)
    expect(text).toMatch(/^memory_resident_bytes \d+$/m)
    for (const line of text.trimEnd().split('\n'))
      expect(line).toMatch(/^(# (HELP|TYPE) \w+ .+|\w+(\{.*\})? [-+.\deE]+)$/)
  })
})

describe('the envelope', () => {
  it('holds result, status and time', async () => {
    const service = await startService()
    expect((await makeCollection(service)).json).toEqual({ result: true, status: 'ok', time: expect.any(Number) })
  })

  it.each([
    ['GET', '/collections/absent', undefined, 404, "Not found: Collection `absent` doesn't exist!"],
    [
      'PUT',
      '/collections/a',
      { vectors: { size: 3, distance: 'Dot' } },
      409,
      'Wrong input: Collection `a` already exists!',
    ],
    ['GET', '/collections/a/points/7', undefined, 404, "Not found: Point with id 7 doesn't exist!"],
    [
      'POST',
      '/collections/a/points/query',
      { query: [1, 2] },
      400,
      'Wrong input: Vector dimension error: expected dim: 3, got 2',
    ],
    [
      'PUT',
      '/collections/a/vectors/v',
      {},
      400,
      'Format error in JSON body: expected either dense or sparse, got a value of type object',
    ],
    ['GET', '/unknown', undefined, 404, 'Not found: no such route for GET'],
    ['PATCH', '/collections', undefined, 405, 'Method not allowed: expected GET'],
  ])('of an error has one shape: %s %s', async (method, path, body, status, error) => {
    const service = await startService()
    await makeCollection(service)
    const answer = await service.call(method, path, body)
    expect(answer.status).toBe(status)
    expect(answer.json).toEqual({
      status: expect.objectContaining({ error, code: expect.any(String) }),
      time: expect.any(Number),
    })
  })
})

describe('points', () => {
  let service: Service
  beforeEach(async () => {
    service = await startService()
    await makeCollection(service)
  })

  it('are acknowledged, and completed if the client waits', async () => {
    const points = [{ id: 1, vector: [1, 2, 3] }]
    const at = '/collections/a/points'
    expect((await service.call('PUT', at, { points })).json.result).toMatchObject({ status: 'acknowledged' })
    expect((await service.call('PUT', `${at}?wait=false`, { points })).json.result).toMatchObject({
      status: 'acknowledged',
    })
    const waited = await service.call('PUT', `${at}?wait=true&ordering=strong&timeout=10`, { points })
    expect(waited.json.result).toEqual({ status: 'completed', operation_id: expect.any(Number) })
  })

  it.each([
    ['wait=yes', 400, 'Deserialize error in query parameters: expected true or false, got "yes"'],
    ['wait=true&wait=false', 400, 'Deserialize error in query parameters: expected true or false, got an array of 2'],
    ['timeout=0', 400, 'Deserialize error in query parameters: expected an integer of at least 1, got 0'],
    ['timeout=-1', 400, 'Deserialize error in query parameters: expected an integer of at least 1, got "-1"'],
    ['timeout=1e3', 400, 'Deserialize error in query parameters: expected an integer of at least 1, got "1e3"'],
  ])('refuse the odd parameter %s', async (query, status, error) => {
    const answer = await service.call('PUT', `/collections/a/points?${query}`, {
      points: [{ id: 1, vector: [1, 2, 3] }],
    })
    expect(answer).toMatchObject({ status, json: { status: { code: 'INVALID_ARGUMENT', error } } })
    expect(await count(service)).toBe(0)
  })

  it.each([
    ['PUT', 'points/vectors', { points: [] }, '[points: must specify points to update]'],
    ['PUT', 'points/vectors', { points: [{ id: 1, vector: {} }] }, '[points[0].vector: must specify vectors to update'],
    ['POST', 'points/vectors/delete', { points: [1], vector: [] }, '[vector: must specify vector names to delete]'],
    [
      'PUT',
      'points',
      { points: [{ id: 1, vector: { s: { indices: [1, 2], values: [1] } } }] },
      '[points[0].vector.?.values: Validation error: must be the same length as indices [{}]]',
    ],
    [
      'PUT',
      'points',
      { points: [{ id: 1, vector: { m: [[1, 2], [1]] } }] },
      '[points[0].vector.?.data: all vectors must have the same dimension, found vector with dimension 1]',
    ],
  ])('%s %s %j breaks a rule of its shape', async (method, path, body, rule) => {
    const { status, json } = await service.call(method, `/collections/a/${path}`, body)
    expect(json.status).toMatchObject({ error: expect.stringContaining(`Validation error in JSON body: ${rule}`) })
    expect(status).toBe(422)
  })

  it('have vectors under either name, which merge in the order of one request', async () => {
    await service.call('PUT', '/collections/two', {
      vectors: { a: { size: 2, distance: 'Dot' }, b: { size: 2, distance: 'Dot' } },
      hnsw_config: { full_scan_threshold_kb: 20 },
      optimizers_config: { indexing_threshold_kb: 30, memmap_threshold_kb: 40, max_segment_size_kb: 50 },
    })
    const told = (await service.call('GET', '/collections/two')).json.result as { config: { hnsw_config: object } }
    expect(told.config.hnsw_config).toMatchObject({ full_scan_threshold: 20 })
    const points = '/collections/two/points'
    await service.call('PUT', `${points}?wait=true`, { points: [{ id: 1, vectors: { a: [1, 1] } }] })
    const updates = [
      { id: 1, vectors: { a: [2, 2] } },
      { id: 1, vector: { b: [3, 3] } },
      { id: 1, vector: { a: [4, 4] } },
    ]
    await service.call('PUT', `${points}/vectors?wait=true`, { points: updates })
    expect((await service.call('GET', `${points}/1`)).json.result).toHaveProperty('vector', { a: [4, 4], b: [3, 3] })
    const operations = [{ update_vectors: { points: updates.slice(0, 2) } }]
    await service.call('POST', `${points}/batch?wait=true`, { operations })
    expect((await service.call('GET', `${points}/1`)).json.result).toHaveProperty('vector', { a: [2, 2], b: [3, 3] })
    await service.call('POST', `${points}/vectors/delete?wait=true`, { points: [1], vectors: ['a'] })
    expect((await service.call('GET', `${points}/1`)).json.result).toHaveProperty('vector', { b: [3, 3] })
    const index = { field_name: 'n', field_type: 'integer' }
    expect((await service.call('PUT', '/collections/two/index?wait=true', index)).status).toBe(200)
  })

  it('are accepted as a list, as a batch of arrays, and as a batch of bins', async () => {
    const at = '/collections/a/points?wait=true'
    await service.call('PUT', at, { points: [{ id: 1, vector: [1, 0, 0], payload: { n: 1 } }] })
    await service.call('PUT', at, {
      batch: {
        ids: [2, 3],
        vectors: [
          [2, 0, 0],
          [3, 0, 0],
        ],
        payloads: [null, { n: 3 }],
      },
    })
    const columns = {
      ids: BigUint64Array.of(4n, 5n),
      vectors: Float32Array.of(4, 0, 0, 5, 0, 0),
      payloads: [{ n: 4 }, Buffer.from('{"n":5}')],
    }
    expect((await service.call('PUT', at, encodeMsgpack({ batch: columns }), MSGPACK)).status).toBe(200)
    const all = await service.call('POST', '/collections/a/points/scroll', { with_vector: true })
    expect(all.json.result).toEqual({
      points: [
        { id: 1, payload: { n: 1 }, vector: [1, 0, 0] },
        { id: 2, payload: {}, vector: [2, 0, 0] },
        { id: 3, payload: { n: 3 }, vector: [3, 0, 0] },
        { id: 4, payload: { n: 4 }, vector: [4, 0, 0] },
        { id: 5, payload: { n: 5 }, vector: [5, 0, 0] },
      ],
      next_page_offset: null,
    })
  })

  it('keep 64-bit ids and payload integers exact in JSON, both ways', async () => {
    const body = `{"points":[{"id":${BIG_ID},"vector":[0.1,0.2,0.3],"payload":{"n":9007199254740993,"f":0.12345678901234567}}]}`
    await service.call('PUT', '/collections/a/points?wait=true', body)
    const one = await service.call('GET', `/collections/a/points/${BIG_ID}`)
    expect(one.text).toContain(
      `{"id":${BIG_ID},"payload":{"n":9007199254740993,"f":0.12345678901234566},"vector":[0.1,0.2,0.3]}`,
    )
    const page = await service.call('POST', '/collections/a/points/scroll', `{"offset":${BIG_ID},"limit":1}`)
    expect(page.text).toContain(BIG_ID)
    await service.call('POST', '/collections/a/points/delete?wait=true', `{"points":[${BIG_ID}]}`)
    expect(await count(service)).toBe(0)
  })

  it('are returned without payload and vector unless requested', async () => {
    await service.call('PUT', '/collections/a/points?wait=true', {
      points: [{ id: 1, vector: [1, 2, 3], payload: { a: 1 } }],
    })
    const query = async (more: object) => {
      const { json } = await service.call('POST', '/collections/a/points/query', { query: [1, 2, 3], ...more })
      return (json.result as { points: unknown[] }).points[0]
    }
    expect(await query({})).toEqual({ id: 1, version: expect.any(Number), score: 0 })
    expect(await query({ query: { nearest: [1, 2, 3] }, with_payload: ['a'], with_vectors: true })).toMatchObject({
      payload: { a: 1 },
      vector: [1, 2, 3],
    })
    const batch = await service.call('POST', '/collections/a/points/query/batch', {
      searches: [{ query: [1, 2, 3] }, {}],
    })
    expect(batch.json.result).toMatchObject([{ points: [{ id: 1 }] }, { points: [{ id: 1 }] }])
  })

  it('are read and written as MessagePack, vectors as bins', async () => {
    const body = encodeMsgpack({
      points: [{ id: 2n ** 64n - 1n, vector: Float32Array.of(1, 2, 3), payload: { a: [1.5, null] } }],
    })
    await service.call('PUT', '/collections/a/points?wait=true', body, MSGPACK)
    const query = encodeMsgpack({ query: Float32Array.of(1, 2, 3), with_payload: true, with_vector: true })
    const answer = await service.call('POST', '/collections/a/points/query', query, MSGPACK)
    expect(answer.headers['content-type']).toBe('application/msgpack')
    expect(decodeMsgpack(answer.bytes)).toMatchObject({
      status: 'ok',
      result: {
        points: [
          {
            id: 2n ** 64n - 1n,
            score: 0,
            payload: { a: [1.5, null] },
            vector: Buffer.from(Float32Array.of(1, 2, 3).buffer),
          },
        ],
      },
    })
    const asText = await service.call('POST', '/collections/a/points/query', query, {
      ...MSGPACK,
      accept: 'application/msgpack;payload=text',
    })
    expect(decodeMsgpack(asText.bytes)).toMatchObject({
      result: { points: [{ payload: Buffer.from('{"a":[1.5,null]}') }] },
    })
  })

  it('are read if vectors of each kind are bins side by side', async () => {
    const [vectors, sparse] = [{ d: { size: 3, distance: 'Dot' } }, { s: {} }]
    expect((await service.call('PUT', '/collections/both', { vectors, sparse_vectors: sparse })).status).toBe(200)
    const vectorOf = (id: number) => ({
      d: [id, id + 0.5, 2 * id],
      s: { indices: [id, 900 + id], values: [id / 4, 1] },
    })
    const ids = Array.from({ length: 40 }, (_, at) => at + 1)
    const points = ids.map((id) => {
      const { d, s } = vectorOf(id)
      const indices = Uint32Array.from(s.indices)
      return { id, vector: { d: Float32Array.from(d), s: { indices, values: Float32Array.from(s.values) } } }
    })
    const put = await service.call('PUT', '/collections/both/points?wait=true', encodeMsgpack({ points }), MSGPACK)
    expect(put.status).toBe(200)
    const all = await service.call('POST', '/collections/both/points/scroll', { with_vector: true, limit: 100 })
    expect(all.json.result).toMatchObject({ points: ids.map((id) => ({ id, vector: vectorOf(id) })) })
    const query = { indices: Uint32Array.of(907), values: Float32Array.of(2) }
    const body = encodeMsgpack({ query, using: 's', limit: 3 })
    const found = await service.call('POST', '/collections/both/points/query', body, MSGPACK)
    expect(decodeMsgpack(found.bytes)).toMatchObject({ result: { points: [{ id: 7, score: 2 }] } })
  })

  it('get errors in MessagePack if they accept it', async () => {
    const answer = await service.call(
      'POST',
      '/collections/a/points/query',
      { query: [1] },
      { accept: 'application/msgpack' },
    )
    expect(answer.status).toBe(400)
    expect(decodeMsgpack(answer.bytes)).toMatchObject({
      status: { code: 'INVALID_ARGUMENT', error: expect.stringContaining('dim') },
    })
  })
})

describe('a feature that this version does not have', () => {
  it.each([
    ['POST', '/collections/a/points/query', { query: [1, 2, 3], lookup_from: { collection: 'a', shard_key: 'k' } }],
    ['PUT', '/collections/a/points', { points: [{ id: 1, vector: { a: { image: 'x', model: 'y' } } }] }],
    ['PUT', '/collections/b', { vectors: { size: 3, distance: 'Dot', datatype: 'turbo4' } }],
  ])('is refused by name, not ignored: %s %s %j', async (method, path, body) => {
    const service = await startService()
    await makeCollection(service)
    const answer = await service.call(method, path, body)
    expect(answer).toMatchObject({
      status: 501,
      json: { status: { error: expect.stringMatching(/^Not implemented: .*not supported yet/) } },
    })
    expect(await count(service)).toBe(0)
  })

  it.each([{ a: { b: 1 } }, { a: { model: 'x' } }, { text: 5, model: 'qdrant/bm25' }])(
    'is not assumed for an invalid vector: %j',
    async (vector) => {
      const service = await startService()
      await makeCollection(service)
      const answer = await service.call('PUT', '/collections/a/points', { points: [{ id: 1, vector }] })
      expect(answer.status).toBe(400)
    },
  )

  it('is ignored if it only tunes', async () => {
    const service = await startService()
    const tuned = {
      vectors: { size: 3, distance: 'Cosine', on_disk: true, quantization_config: { scalar: { type: 'int8' } } },
      optimizers_config: { indexing_threshold: 1 },
      shard_number: 2,
      unknown_to_everyone: true,
    }
    expect((await service.call('PUT', '/collections/tuned', tuned)).status).toBe(200)
  })
})

function makeCollection(service: Service) {
  return service.call('PUT', '/collections/a', { vectors: { size: 3, distance: 'Euclid' } })
}

async function count(service: Service): Promise<number> {
  return ((await service.call('POST', '/collections/a/points/count', {})).json.result as { count: number }).count
}
