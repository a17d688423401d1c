/** Malicious or broken input: a clear refusal, nothing stored, and the service stays up. */
import { gzipSync } from 'node:zlib'
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { open } from '../../src/index.js'
import { encodeMsgpack } from '../../src/wire/msgpack-encoder.js'
import { processCpuMs } from '../unit/cpu.js'
import { type Answer, complaintOf, type Service, startService } from './service.js'

const POINTS = '/collections/a/points'
const QUERY = '/collections/a/points/query'
const KIB = 1024
const MAX_BODY = 64 * KIB

let service: Service
beforeEach(async () => {
  const database = await open(':memory:')
  onTestFinished(() => database.close())
  service = await startService({ database, maxBodyBytes: MAX_BODY })
  await service.call('PUT', '/collections/a', { vectors: { size: 3, distance: 'Euclid' } })
})

async function expectUnharmed(): Promise<void> {
  expect((await service.call('GET', '/healthz')).status).toBe(200)
  const counted = await service.call('POST', `${POINTS}/count`, {})
  expect(counted.json.result).toEqual({ count: 0 })
  expect((await service.call('GET', '/collections')).json.result).toEqual({ collections: [{ name: 'a' }] })
  expect(Object.keys(Object.prototype)).toEqual([])
}

async function expectRefused(answer: Answer, status: number, names: RegExp): Promise<void> {
  expect(answer.status, answer.text).toBe(status)
  expect(complaintOf(answer)).toMatch(names)
  await expectUnharmed()
}

describe('bodies', () => {
  it('a byte over the limit is refused with the limit; one at the limit is read', async () => {
    const padded = (bytes: number) => `{"points":[]${' '.repeat(bytes - '{"points":[]}'.length)}}`
    await expectRefused(await service.call('PUT', POINTS, padded(MAX_BODY + 1)), 413, new RegExp(String(MAX_BODY)))
    expect((await service.call('PUT', POINTS, padded(MAX_BODY))).status).toBe(200)
  })

  it('a chunked body without a length is cut off at the limit', async () => {
    const chunk = `${(16 * KIB).toString(16)}\r\n${' '.repeat(16 * KIB)}\r\n`
    const head = `PUT ${POINTS} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n`
    const answer = await service.raw(head + chunk.repeat(8))
    expect(answer).toMatch(/^HTTP\/1\.1 413 /)
    expect(answer).toMatch(/connection: close/i)
    await expectUnharmed()
  })

  it('a compressed body is refused by its header, because it could be a bomb', async () => {
    const bomb = gzipSync(Buffer.alloc(16 * KIB * KIB))
    await expectRefused(
      await service.call('PUT', POINTS, bomb, { 'content-encoding': 'gzip' }),
      415,
      /Content-Encoding.*gzip/,
    )
  })

  it.each([
    'text/plain',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
    'application/json5',
    'application/json; charset=utf-16',
    'text/json',
    'json',
    ' ',
    'application/xml',
  ])('of type %j are refused', async (type) => {
    const answer = await service.call('PUT', POINTS, '{"points":[]}', { 'content-type': type })
    await expectRefused(answer, 415, /Content-Type/)
  })

  it.each([
    'application/json',
    'Application/JSON',
    'application/json; charset=UTF-8',
    'application/json;charset="utf-8"',
    'application/json \t; x=y',
  ])('of type %j pass the same checks', async (type) => {
    const answer = await service.call('PUT', POINTS, '{"points":[{"id":1,"vector":[1,2]}]}', { 'content-type': type })
    await expectRefused(answer, 400, /points\[0\]\.vector.*3.*2/)
  })

  it('without a type are refused', async () => {
    const answer = await service.raw(
      `PUT ${POINTS} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: 13\r\n\r\n{"points":[]}`,
    )
    expect(answer).toMatch(/^HTTP\/1\.1 415 /)
    await expectUnharmed()
  })

  it.each([
    '',
    '{',
    '[]',
    'null',
    '1',
    '"text"',
    '{"points":}',
    '{"points":[{"id":1,"vector":[1,2,NaN]}]}',
    '{"points":[{"id":1,"vector":[1,2,Infinity]}]}',
    '\ufeff{}',
  ])('of %j are refused', async (body) => {
    await expectRefused(await service.call('PUT', POINTS, body), 400, /body/)
  })

  it.each([100, 10_000, 30_000])(
    'nested %d deep in a filter are refused or bounded, without a crash',
    async (levels) => {
      const filter = `${'{"must":['.repeat(levels)}{"key":"a","match":{"value":1}}${']}'.repeat(levels)}`
      const startedMs = processCpuMs()
      const answer = await service.call('POST', QUERY, `{"query":[1,2,3],"filter":${filter}}`)
      expect([400, 413]).toContain(answer.status)
      expect(processCpuMs() - startedMs).toBeLessThan(5_000)
      await expectUnharmed()
    },
  )

  it('of MessagePack with a false length are refused', async () => {
    for (const hex of ['dfffffffff', 'ddffffffff', 'dbffffffff61', '91'.repeat(10_000), 'c1', 'd40100', '']) {
      const answer = await service.call('PUT', POINTS, Buffer.from(hex, 'hex'), {
        'content-type': 'application/msgpack',
      })
      await expectRefused(answer, 400, /body/)
    }
  })

  it('with dangerous keys are plain data in payloads, and nothing elsewhere', async () => {
    const payload = '{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}},"toString":"x"}'
    await service.call(
      'PUT',
      `${POINTS}?wait=true`,
      `{"__proto__":{"points":[]},"points":[{"id":1,"vector":[1,2,3],"payload":${payload}}]}`,
    )
    expect((await service.call('GET', `${POINTS}/1`)).text).toContain(`"payload":${payload}`)
    expect(({} as Record<string, unknown>).polluted).toBeUndefined()
    const named = await service.call('PUT', POINTS, '{"points":[{"id":2,"vector":{"__proto__":[1,2,3]}}]}')
    expect(named.status).toBe(400)
    const created = await service.call('PUT', '/collections/b', '{"vectors":{"__proto__":{"size":3,"distance":"Dot"}}}')
    expect(created.status).not.toBe(500)
    expect((await service.call('GET', '/collections/__proto__')).status).toBe(404)
  })
})

describe('values', () => {
  it.each([
    ['vector', '[1,2,1e999]'],
    ['vector', '[1,2,-1e999]'],
    ['vector', '[1,2,1e39]'],
    ['vector', '[1,2,null]'],
    ['vector', '[1,2,"3"]'],
    ['vector', '[1,2,true]'],
    ['vector', '[1,2]'],
    ['vector', '[]'],
    ['vector', '"AAAA"'],
    ['vector', 'null'],
    ['vector', '{"other":[1,2,3]}'],
    ['id', '-1'],
    ['id', '1.5'],
    ['id', '18446744073709551616'],
    ['id', '1e308'],
    ['id', '"not-a-uuid"'],
    ['id', 'null'],
    ['id', '[1]'],
    ['id', '{}'],
    ['payload', '[]'],
    ['payload', '"text"'],
    ['payload', '7'],
  ])('point with the %s %s', async (field, value) => {
    const fields = { id: '1', vector: '[1,2,3]', payload: '{}', [field]: value }
    const body = `{"points":[{"id":${fields.id},"vector":${fields.vector},"payload":${fields.payload}}]}`
    const status = value === '[]' && field === 'vector' ? 422 : 400
    // Refused at once, whether or not the client waits: nothing invalid reaches the log.
    for (const path of [POINTS, `${POINTS}?wait=true`])
      await expectRefused(await service.call('PUT', path, body), status, new RegExp(`${field}|vector name`))
  })

  it('NaN and infinity as bins and as floats of MessagePack', async () => {
    for (const vector of [
      Float32Array.of(1, Number.NaN, 3),
      [1, Number.POSITIVE_INFINITY, 3],
      Buffer.from([1, 2, 3]),
    ]) {
      const body = encodeMsgpack({ points: [{ id: 1, vector }] })
      await expectRefused(
        await service.call('PUT', POINTS, body, { 'content-type': 'application/msgpack' }),
        400,
        /vector/,
      )
    }
    const columns = encodeMsgpack({ batch: { ids: Buffer.from([1, 2, 3]), vectors: Float32Array.of(1, 2, 3) } })
    await expectRefused(
      await service.call('PUT', POINTS, columns, { 'content-type': 'application/msgpack' }),
      400,
      /batch\.ids.*8 bytes/,
    )
  })

  /** Of the right type, and beyond the bounds of their shape. */
  const BEYOND = new Set([
    '0',
    ...['{"hnsw_ef":0}', '{"hnsw_ef":1e9}', '{"recall":0}', '{"recall":-0.1}', '{"recall":1.0001}'],
  ])
  it.each([
    ['limit', ['0', '-1', '18446744073709551616', '1e308', '"1"', '1.5', '[]']],
    ['offset', ['-1', '18446744073709551616', '1e308', '"1"', '0.5']],
    ['score_threshold', ['"1"', '1e999', '[]']],
    ['with_payload', ['1', '"yes"', '[1]', '{"include":1}']],
    ['with_vector', ['1', '[1]', '["unknown"]']],
    ['using', ['1', '"unknown"', '[]']],
    ['filter', ['1', '[]', '"x"']],
    ['query', ['[1,2]', '[1,2,3,4]', '[1,"2",3]', '{}', '"not-a-uuid"', 'true', '-7', '[1,2,1e999]']],
    ['params', ['1', '{"hnsw_ef":0}', '{"hnsw_ef":-1}', '{"hnsw_ef":1e9}', '{"hnsw_ef":"8"}', '{"exact":1}']],
    ['params', ['{"recall":0}', '{"recall":-0.1}', '{"recall":1.0001}', '{"recall":"0.9"}', '{"recall":1e999}']],
  ])('query with an odd %s', async (field, values) => {
    for (const value of values) {
      const fields = { query: '[1,2,3]', [field]: value }
      const body = `{${Object.entries(fields)
        .map(([key, text]) => `"${key}":${text}`)
        .join(',')}}`
      const status = BEYOND.has(value) ? 422 : 400
      await expectRefused(await service.call('POST', QUERY, body), status, new RegExp(field))
    }
  })

  it.each(['0', '-1', '1.5', '"3"', 'null'])('collection of %s dimensions', async (size) => {
    const answer = await service.call('PUT', '/collections/b', `{"vectors":{"size":${size},"distance":"Dot"}}`)
    await expectRefused(answer, 400, /Format error in JSON body: expected an integer from 1 to 65536/)
    expect(answer.text).toContain('"field":"vectors.size"')
  })

  it.each(['65537', '1e308'])('collection of %s dimensions', async (size) => {
    await expectRefused(
      await service.call('PUT', '/collections/b', `{"vectors":{"size":${size},"distance":"Dot"}}`),
      422,
      /Validation error in JSON body: \[vectors\.size: value .* invalid, must be from 1 to 65536\]/,
    )
  })

  it('collection of the most dimensions', async () => {
    expect((await service.call('PUT', '/collections/b', { vectors: { size: 65_536, distance: 'Dot' } })).status).toBe(
      200,
    )
  })
})

describe('names', () => {
  it.each([
    '%2e%2e',
    '%2e',
    '..%2f..%2fetc',
    'a%2fb',
    'a%5cb',
    'a%00b',
    'a%0ab',
    'a%3ab',
    '%7f',
    'x'.repeat(256),
    '%e2%80%ae%0d',
  ])('of collections: %s', async (name) => {
    const body = { vectors: { size: 3, distance: 'Dot' } }
    for (const [method, path] of [
      ['PUT', ''],
      ['GET', ''],
      ['DELETE', ''],
      ['POST', '/points/scroll'],
    ] as const) {
      const answer = await service.call(method, `/collections/${name}${path}`, method === 'PUT' ? body : undefined)
      expect([400, 404, 422], `${method} ${answer.text}`).toContain(answer.status)
    }
    await expectUnharmed()
  })

  it('encoded twice are decoded once', async () => {
    // %252f is the text "%2f", a valid name.
    expect((await service.call('PUT', '/collections/a%252fb', { vectors: { size: 3, distance: 'Dot' } })).status).toBe(
      200,
    )
    expect((await service.call('GET', '/collections')).json.result).toEqual({
      collections: [{ name: 'a' }, { name: 'a%2fb' }],
    })
  })

  it.each(['%', '%zz', '%c3%28', '%ff'])('that cannot be decoded: %s', async (name) => {
    await expectRefused(await service.call('GET', `/collections/${name}`), 400, /Wrong input/)
  })

  it('in composed and decomposed form are two names', async () => {
    for (const name of ['é'.normalize('NFC'), 'é'.normalize('NFD')]) {
      const path = `/collections/${encodeURIComponent(name)}`
      expect((await service.call('PUT', path, { vectors: { size: 3, distance: 'Dot' } })).status).toBe(200)
    }
  })
})

describe('HTTP that is malformed', () => {
  const head = `POST ${QUERY} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n`
  it.each([
    ['both lengths', `${head}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`],
    ['two lengths', `${head}Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}`],
    ['chunked twice', `${head}Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`],
    ['an unknown coding', `${head}Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n`],
    ['a signed length', `${head}Content-Length: +2\r\n\r\n{}`],
    ['a hexadecimal length', `${head}Content-Length: 0x2\r\n\r\n{}`],
    ['a space before the colon', `${head}Content-Length : 2\r\n\r\n{}`],
    ['a folded header', `${head}X-Folded: a\r\n b\r\nContent-Length: 2\r\n\r\n{}`],
    ['a NUL in a header', `${head}X-Nul: a\0b\r\nContent-Length: 2\r\n\r\n{}`],
    ['no host', 'GET /collections HTTP/1.1\r\n\r\n'],
    ['a huge head', `${head}X-Huge: ${'x'.repeat(64 * KIB)}\r\n\r\n`],
    ['no HTTP', 'hello\r\n\r\n'],
  ])('%s', async (_what, bytes) => {
    const answer = await service.raw(bytes)
    expect(answer).toMatch(/^HTTP\/1\.1 4\d\d /)
    expect(answer.match(/HTTP\/1\.1/g)).toHaveLength(1)
    await expectUnharmed()
  })
})

describe('far beyond every bound', () => {
  const MIB = KIB * KIB
  const token = 'x'.repeat(MIB)
  const nested = (depth: number) => `${'{"sum":['.repeat(depth)}1${']}'.repeat(depth)}`
  const SPARSE = '/collections/s/points'

  beforeEach(async () => {
    const database = await open(':memory:')
    onTestFinished(() => database.close())
    service = await startService({ database, maxBodyBytes: 8 * MIB })
    await service.call('PUT', '/collections/a', { vectors: { size: 3, distance: 'Euclid' } })
  })

  it.each<[string, string]>([
    ['a formula 10,000 deep', `{"prefetch":{"query":[1,2,3]},"query":{"formula":${nested(10_000)}}}`],
    [
      '100,000 prefetches',
      `{"prefetch":[${new Array(100_000).fill('{"query":[1,2,3]}').join()}],"query":{"fusion":"rrf"}}`,
    ],
    ['prefetches 10,000 deep', `${'{"prefetch":'.repeat(10_000)}{"query":[1,2,3]}${'}'.repeat(10_000)}`],
    ['a filter 10,000 deep', `{"filter":${'{"must":['.repeat(10_000)}{"has_id":[1]}${']}'.repeat(10_000)}}`],
    ['a text of 1 MiB in one token to filter by', `{"filter":{"must":[{"key":"t","match":{"text":"${token}"}}]}}`],
    ['a document of 1 MiB in one token', `{"query":{"text":"${token}","model":"qdrant/bm25"},"using":"t"}`],
  ])('%s: a clear 4xx', async (_, body) => {
    const answer = await service.call('POST', QUERY, body)
    expect(answer.status, answer.text.slice(0, 300)).toBeGreaterThanOrEqual(400)
    expect(answer.status, answer.text.slice(0, 300)).toBeLessThan(500)
    expect(complaintOf(answer).length).toBeLessThan(2 * KIB)
    await expectUnharmed()
  })

  it('a point with a document of 1 MiB in one token, and one with such a payload', async () => {
    await service.call('PUT', '/collections/s', { sparse_vectors: { t: { modifier: 'idf' } } })
    const document = { text: token, model: 'qdrant/bm25' }
    const refused = await service.call('PUT', SPARSE, { points: [{ id: 1, vector: { t: document } }] })
    expect(refused.status, refused.text.slice(0, 300)).toBe(400)
    await service.call('PUT', '/collections/s/index?wait=true', { field_name: 'text', field_schema: 'text' })
    const kept = await service.call('PUT', `${SPARSE}?wait=true`, {
      points: [{ id: 1, vector: {}, payload: { text: token } }],
    })
    expect(kept.status, kept.text.slice(0, 300)).toBe(200)
    const filter = { must: [{ key: 'text', match: { text: 'x'.repeat(100) } }] }
    expect((await service.call('POST', `${SPARSE}/count`, { filter })).json.result).toEqual({ count: 0 })
  })
})
