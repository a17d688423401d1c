/** Query streams that tokens have opened: what each message may read, when they end, and what the audit log says of them. */
import { SignJWT } from 'jose'
import { afterEach, expect, it, vi } from 'vitest'
import { CLOCK_SKEW_S } from '../../src/server/tokens.js'
import { Asking, QUERY, refused } from './asking.js'
import { startService } from './service.js'

const WRITER = 'a key that may write, of 32 bytes or more'
const NEXT = 'the next key that may write, of 32 bytes or more'
const HOUR_S = 3_600
const SECOND_MS = 1_000

const signed = (claims: object) =>
  new SignJWT({ ...claims }).setProtectedHeader({ alg: 'HS256' }).sign(Buffer.from(WRITER))
const keyed = (key: string, id?: string) => ({
  headers: { 'api-key': key, ...(id === undefined ? {} : { 'x-request-id': id }) },
})
const A = { access: [{ collection: 'a', access: 'r' }], sub: 'eva' }

async function started() {
  const lines: string[] = []
  const service = await startService({
    apiKeys: [WRITER, NEXT],
    jwtRbac: true,
    audit: { write: (line) => void lines.push(line) },
  })
  for (const name of ['a', 'b']) {
    const vectors = { vectors: { size: 2, distance: 'Dot' } }
    const points = [{ id: 1, vector: [1, 1] }]
    await service.call('PUT', `/collections/${name}`, vectors, { 'api-key': WRITER })
    await service.call('PUT', `/collections/${name}/points?wait=true`, { points }, { 'api-key': WRITER })
  }
  lines.length = 0
  const told = () =>
    lines.map((line) => {
      const { time: _, reqId, subject, action, collection, outcome, status, address } = JSON.parse(line)
      expect(address).toBe('127.0.0.1')
      return [reqId, subject, action, collection, outcome, status].join(' | ')
    })
  return { ...service, told }
}

afterEach(() => void vi.useRealTimers())

it('ask the rights at each message, and at their opening', async () => {
  const { url, told } = await started()
  const stream = await new Asking(url, QUERY, keyed(await signed(A), 's1')).opened()
  const other = { query: 1, lookup_from: { collection: 'b' } }
  const denied = { code: 'FORBIDDEN', details: { collection: 'b', required: 'r' } }
  expect((await stream.json({ query: [1, 1] })).status).toBe('ok')
  expect((await stream.json(other)).status).toMatchObject(denied)
  expect((await stream.msgpack({ prefetch: [other], query: [1, 1] })).status).toMatchObject(denied)
  expect((await stream.json({ query: [1, 1] })).status).toBe('ok')
  expect(await refused(url, '/collections/b/points/query', keyed(await signed(A), 's2'))).toBe(403)
  expect(await refused(url, '/collections/%62/points/count', keyed(await signed(A), 's3'))).toBe(403)
  expect(await refused(url, QUERY, keyed('a.b.c', 's4'))).toBe(401)
  expect(told()).toEqual([
    's1 | eva | POST /collections/{name}/points/query | a | FORBIDDEN | 403',
    's1 | eva | POST /collections/{name}/points/query | a | FORBIDDEN | 403',
    's2 | eva | GET /collections/{name}/points/query | b | FORBIDDEN | 403',
    's3 | eva | GET /collections/{name}/points/count | b | FORBIDDEN | 403',
    's4 | anyone | GET /collections/{name}/points/query | a | UNAUTHENTICATED | 401',
  ])
})

it('end at the first message after the token has expired', async () => {
  const { url, told } = await started()
  vi.useFakeTimers({ toFake: ['Date'] })
  const now = Date.now()
  const token = await signed({ ...A, exp: Math.floor(now / SECOND_MS) + HOUR_S })
  const stream = await new Asking(url, QUERY, keyed(token, 's6')).opened()
  expect((await stream.json({ query: [1, 1] })).status).toBe('ok')
  vi.setSystemTime(now + (HOUR_S + CLOCK_SKEW_S + 1) * SECOND_MS)
  const closed = stream.closed()
  stream.sendTogether(['{"query":1}', '{"query":1}'])
  expect(await closed).toBe(1008)
  await expect(stream.next()).rejects.toThrow('closed before')
  expect(told()).toEqual(['s6 | eva | POST /collections/{name}/points/query | a | UNAUTHENTICATED | 401'])
  expect(await refused(url, QUERY, keyed(token))).toBe(401)
})

it('need a token without value_exists, and end with the key that has signed it', async () => {
  const { url, server, told } = await started()
  const claim = { collection: 'a', matches: [] }
  expect(await refused(url, QUERY, keyed(await signed({ ...A, value_exists: claim }), 's5'))).toBe(403)
  expect(told()).toEqual(['s5 | eva | GET /collections/{name}/points/query | a | FORBIDDEN | 403'])
  const stream = await new Asking(url, QUERY, keyed(await signed(A), 's7')).opened()
  const closed = stream.closed()
  server.replaceKeys({ apiKeys: [NEXT], readOnlyApiKeys: [] })
  expect(await closed).toBe(1008)
  expect(told().slice(1)).toEqual(['s7 | eva | POST /collections/{name}/points/query | a | UNAUTHENTICATED | 401'])
})
