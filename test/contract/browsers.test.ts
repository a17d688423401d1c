/** The rules for browsers and for request heads: hosts, origins, sites, preflights, framing. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { openSharing } from '../../src/engine/database/open.js'
import { type Answer, startService } from './service.js'
import { Line, startThreaded } from './threaded.js'

const APP = 'https://app.example'
const KEYS = { apiKeys: ['writer'], readOnlyApiKeys: ['reader'] }
const QUERY = '/collections/a/points/query'
const DOT = { vectors: { size: 2, distance: 'Dot' } }

type Call = (
  method: string,
  path: string,
  body?: unknown,
  headers?: Record<string, string>,
) => Promise<Pick<Answer, 'status' | 'headers' | 'json'>>

/** One thread answers, or the main thread and one beside it, which has the connection. */
async function start(threads: 'one' | 'two', options: Parameters<typeof startThreaded>[1] = {}): Promise<Call> {
  if (threads === 'one') {
    const service = await startService(options)
    return (method, path, body, headers) => service.call(method, path, body, headers)
  }
  const folder = await mkdtemp(join(tmpdir(), 'vicinal-browsers-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  const database = await openSharing(folder)
  onTestFinished(() => database.close())
  const service = await startThreaded(database, { count: 1, ...options })
  onTestFinished(() => expect(service.trouble).toEqual([]))
  onTestFinished(() => service.close(0))
  const line = new Line(service.url)
  return (method, path, body, headers) => line.call(method, path, body, { headers: headers ?? {} })
}

describe.each(['one', 'two'] as const)('with %s serving threads, ', (threads) => {
  it('any Host is accepted if keys are set, as in a container', async () => {
    const call = await start(threads, KEYS)
    const named = { host: 'vicinal:6333' }
    expect((await call('GET', '/healthz', undefined, named)).status).toBe(200)
    expect((await call('GET', '/collections', undefined, named)).status).toBe(401)
    expect((await call('PUT', '/collections/a', DOT, { ...named, 'api-key': 'writer' })).status).toBe(200)
    expect((await call('POST', QUERY, { query: [1, 2] }, { ...named, 'api-key': 'reader' })).status).toBe(200)
  })

  it('an unknown Host is refused if no key is set, and the error tells how to accept it', async () => {
    const call = await start(threads)
    const answer = await call('GET', '/healthz', undefined, { host: 'vicinal:6333' })
    expect(answer.status).toBe(421)
    expect(JSON.stringify(answer.json)).toContain('--allow-host vicinal')
  })

  it('another site cannot make a snapshot by a link or an image', async () => {
    const call = await start(threads, { allowedOrigins: [APP] })
    await call('PUT', '/collections/a', DOT)
    const path = '/collections/a/snapshots'
    for (const site of ['cross-site', 'same-site', 'unheard-of']) {
      for (const [method, at] of [
        ['GET', path],
        ['POST', path],
        ['GET', '/healthz'],
        ['POST', QUERY],
      ] as const) {
        const refused = await call(method, at, undefined, { 'sec-fetch-site': site, 'sec-fetch-mode': 'no-cors' })
        expect([refused.status, JSON.stringify(refused.json)]).toEqual([403, expect.stringContaining('Sec-Fetch-Site')])
      }
    }
    for (const headers of [
      { 'sec-fetch-site': 'same-origin' },
      { 'sec-fetch-site': 'none' },
      { 'sec-fetch-site': 'cross-site', origin: APP },
    ]) {
      const answer = await call('POST', QUERY, { query: [1, 2] }, headers as Record<string, string>)
      expect(answer.status, JSON.stringify(headers)).toBe(200)
    }
  })

  it('a link of another site leads to the console, and to nothing else', async () => {
    const call = await start(threads)
    const visit = { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' }
    const status = async (method: string, path: string, headers: Record<string, string>) =>
      (await call(method, path, undefined, headers)).status
    expect(await status('GET', '/dashboard', visit)).toBe(302)
    expect(await status('GET', '/dashboard/', visit)).toBe(200)
    expect(await status('GET', '/dashboard/?a=1', { ...visit, 'sec-fetch-site': 'same-site' })).toBe(200)
    const refused: [string, string, Record<string, string>][] = [
      ['GET', '/collections', visit],
      ['GET', '/collections?/dashboard/', visit],
      ['GET', '/dashboards', visit],
      ['GET', '//dashboard/', visit],
      ['POST', '/dashboard/', visit],
      ['GET', '/dashboard/', { ...visit, 'sec-fetch-dest': 'iframe' }],
      ['GET', '/dashboard/', { ...visit, 'sec-fetch-mode': 'no-cors', 'sec-fetch-dest': 'script' }],
      ['GET', '/dashboard/', { ...visit, origin: 'https://evil.example' }],
    ]
    for (const [method, path, headers] of refused)
      expect([method, path, headers, await status(method, path, headers)]).toEqual([method, path, headers, 403])
  })

  it('a page of the service itself may call it', async () => {
    const call = await start(threads)
    const own = { host: 'localhost:6333', origin: 'http://localhost:6333' }
    const answer = await call('PUT', '/collections/a', DOT, own)
    expect(answer.status).toBe(200)
    expect(answer.headers['access-control-allow-origin']).toBeUndefined()
    expect((await call('POST', QUERY, { query: [1, 2] }, own)).status).toBe(200)
    const other = await call('POST', QUERY, { query: [1, 2] }, { ...own, origin: 'http://localhost:3000' })
    expect(other.status).toBe(403)
    expect(other.headers['access-control-allow-origin']).toBeUndefined()
  })

  it('pages of a configured origin may read answers, including errors', async () => {
    const call = await start(threads, { ...KEYS, allowedOrigins: [APP] })
    const key = { 'api-key': 'writer' }
    await call('PUT', '/collections/a', DOT, key)
    const cases: [string, string, unknown, Record<string, string>, number][] = [
      ['GET', '/collections', undefined, key, 200],
      ['POST', QUERY, { query: [1, 2] }, key, 200],
      ['POST', QUERY, { query: [1, 2, 3] }, key, 400],
      ['POST', '/collections/gone/points/query', { query: [1, 2] }, key, 404],
      ['POST', QUERY, { query: [1, 2] }, { 'api-key': 'wrong' }, 401],
      ['POST', QUERY, { query: [1, 2] }, {}, 401],
      ['GET', '/nowhere', undefined, key, 404],
      ['GET', '/collections/%zz', undefined, key, 400],
      ['DELETE', '/healthz', undefined, key, 405],
    ]
    for (const [method, path, body, headers, status] of cases) {
      const answer = await call(method, path, body, { ...headers, origin: APP, 'sec-fetch-site': 'cross-site' })
      expect([path, answer.status]).toEqual([path, status])
      expect(answer.headers, path).toMatchObject({ 'access-control-allow-origin': APP, vary: 'Origin' })
      const exposed = answer.headers['access-control-expose-headers']
      for (const header of ['x-request-id', 'traceresponse', 'x-vicinal-watermark'])
        expect(exposed, path).toContain(header)
      expect(answer.headers['access-control-allow-credentials'], path).toBeUndefined()
    }
    const plain = await call('GET', '/collections', undefined, key)
    expect(plain.headers).toMatchObject({ vary: 'Origin' })
    expect(plain.headers['access-control-allow-origin']).toBeUndefined()
  })

  it('a preflight of a configured origin is answered without a key, one of another is refused', async () => {
    const call = await start(threads, { ...KEYS, allowedOrigins: [APP] })
    const asks = { 'access-control-request-method': 'POST', 'access-control-request-headers': 'api-key,content-type' }
    for (const path of [QUERY, '/collections', '/nowhere']) {
      const answer = await call('OPTIONS', path, undefined, { ...asks, origin: APP, 'sec-fetch-site': 'cross-site' })
      expect(answer.status).toBe(204)
      expect(answer.headers).toMatchObject({
        'access-control-allow-origin': APP,
        'access-control-allow-methods': expect.stringContaining('DELETE'),
        'access-control-allow-headers': expect.stringContaining('api-key'),
        'access-control-max-age': expect.stringMatching(/^\d+$/),
        vary: 'Origin',
      })
      for (const header of ['x-request-id', 'traceparent', 'tracestate', 'idempotency-key'])
        expect(answer.headers['access-control-allow-headers']).toContain(header)
      const refused = await call('OPTIONS', path, undefined, { ...asks, origin: 'https://evil.example' })
      expect(refused.status).toBe(403)
      expect(refused.headers['access-control-allow-origin']).toBeUndefined()
      // Not a preflight.
      expect((await call('OPTIONS', path, undefined, { origin: APP })).status).toBe(401)
    }
  })
})

describe('a head that two readers could take differently', () => {
  const line = `POST ${QUERY} HTTP/1.1\r\n`
  const key = 'api-key: writer\r\n'
  const chunked = 'Content-Type: application/json\r\n\r\n2\r\n{}\r\n0\r\n\r\n'
  it.each([
    ['two hosts', `${line}Host: localhost\r\nHost: localhost\r\n${key}\r\n`],
    ['two hosts in other letters', `${line}Host: localhost\r\nhOST: evil.example\r\n${key}\r\n`],
    ['two keys', `${line}Host: localhost\r\n${key}API-Key: writer\r\n\r\n`],
    ['two authorizations', `${line}Host: localhost\r\nAuthorization: Bearer writer\r\nauthorization: Bearer x\r\n\r\n`],
    ['text after ]', `${line}Host: [::1]evil\r\n${key}\r\n`],
    ['text after the port of [::1]', `${line}Host: [::1]:6333.evil\r\n${key}\r\n`],
    ['no host', `${line}${key}\r\n`],
    [
      'chunks in HTTP/1.0',
      `POST ${QUERY} HTTP/1.0\r\nHost: localhost\r\n${key}Transfer-Encoding: chunked\r\n${chunked}`,
    ],
    ['gzip, chunked', `${line}Host: localhost\r\n${key}Transfer-Encoding: gzip, chunked\r\n${chunked}`],
    [
      'two hosts with 3,000 headers between',
      `${line}Host: localhost\r\n${key}${'a:\r\n'.repeat(3_000)}Host: evil\r\n\r\n`,
    ],
    [
      'gzip, chunked behind 3,000 headers',
      `${line}Host: localhost\r\n${key}${'a:\r\n'.repeat(3_000)}Transfer-Encoding: gzip, chunked\r\n${chunked}`,
    ],
    ['another expectation', `${line}Host: localhost\r\n${key}Expect: 200-ok\r\nContent-Length: 0\r\n\r\n`],
  ])('is refused: %s', async (_, bytes) => {
    const service = await startService(KEYS)
    const answer = await service.raw(bytes)
    expect(answer).toMatch(/^HTTP\/1\.[01] 400 /)
    expect(answer).toMatch(/\r\nconnection: close/i)
    expect(answer).toMatch(/\r\nx-request-id: /i)
    expect(answer.match(/HTTP\/1\.1/g)).toHaveLength(1)
  })

  it.each([QUERY, '/%zz'])(
    'ends the connection where its body cannot be told from the next request: %s',
    async (path) => {
      const service = await startService(KEYS)
      for (const version of ['1.0', '1.1']) {
        const coding = version === '1.0' ? 'chunked' : 'gzip, chunked'
        const answer = await service.raw(
          `POST ${path} HTTP/${version}\r\nHost: localhost\r\n${key}Connection: keep-alive\r\nTransfer-Encoding: ${coding}\r\n${chunked}GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`,
        )
        expect(answer).toMatch(/^HTTP\/1\.1 400 /)
        expect(answer.match(/HTTP\/1\.1/g)).toHaveLength(1)
      }
    },
  )
})
