/** Access control: keys, hosts, origins, and paths that imitate other paths. */
import { describe, expect, it } from 'vitest'
import { VicinalError } from '../../src/core/errors.js'
import { createServer } from '../../src/server/app.js'
import type { Peers } from '../../src/server/peers.js'
import { MemoryDatabase } from '../oracle/memory-database.js'
import { ALL_ROUTES } from './all-routes.js'
import { type Service, startService } from './service.js'

const KEYS = { apiKeys: ['writer', 'next-writer'], readOnlyApiKeys: ['reader'] }
const OPEN = ['/', '/healthz', '/livez', '/readyz']
/** The files of the console, which hold no data. */
const CONSOLE = ['/dashboard', '/dashboard/', '/dashboard/:file', '/dashboard/assets/:file']
const WRONG = [401, 429]
const DENIED = [401, 403]

const pathOf = (path: string) => path.replace(':name', 'a').replace(':id', '1').replace(':field', 'f')
const isRead = (method: string, path: string) =>
  // Where a stream goes on is asked of the owner, by those who write.
  (method === 'GET' && !/\/(snapshot|snapshots\/:snapshot)$/.test(path) && !path.endsWith('/ingest/:source')) ||
  /\/(count|scroll|facet|wait-for-index|warm|quality\/(pairs|neighbours))$/.test(path) ||
  /\/(query|search|recommend|discover)(\/(batch|groups|matrix\/(pairs|offsets)))?$/.test(path) ||
  (method === 'POST' && path.endsWith('/points'))

describe('keys', () => {
  const routes = ALL_ROUTES

  it('guard every route but the four open ones and the files of the console', async () => {
    const service = await startService(KEYS)
    expect(routes.filter((route) => route.access === 'open').map((route) => route.path)).toEqual([...OPEN, ...CONSOLE])
    for (const { method, path } of routes) {
      const answer = async (headers: Record<string, string>) =>
        (await service.call(method, pathOf(path), method === 'GET' ? undefined : {}, headers)).status
      const where = `${method} ${path}`
      if (CONSOLE.includes(path)) {
        expect(DENIED, where).not.toContain(await answer({}))
        continue
      }
      if (OPEN.includes(path)) {
        expect(await answer({}), where).toBe(200)
        continue
      }
      expect(await answer({}), where).toBe(401)
      // 429 means the same for an address that has given a hundred wrong keys (wrong-keys.test.ts).
      expect(WRONG, where).toContain(await answer({ 'api-key': 'wrong' }))
      expect(WRONG, where).toContain(await answer({ authorization: 'Bearer wrong' }))
      for (const key of KEYS.apiKeys) {
        expect(DENIED, where).not.toContain(await answer({ 'api-key': key }))
        expect(DENIED, where).not.toContain(await answer({ authorization: `Bearer ${key}` }))
      }
      const reading = await answer({ 'api-key': 'reader' })
      if (isRead(method, path)) expect(DENIED, where).not.toContain(reading)
      else expect(reading, where).toBe(403)
    }
  })

  it('of other nodes open what is below /internal, and nothing else does', async () => {
    const peers: Peers = {
      keys: ['node'],
      isOwner: true,
      waitsFor: null,
      behind: null,
      forward: () => expect.unreachable(),
      readsElsewhere: false,
      forwardRead: () => expect.unreachable(),
      push() {
        throw new VicinalError('UNAVAILABLE', 'no stream in this test')
      },
      endPushes: () => {},
      checkReceived: () => {},
      describe: async () => ({ owner: null, nodes: [] }),
    }
    const [service, lonely] = [
      await startService({ ...KEYS, clusterKeys: peers.keys, peers }),
      await startService({ ...KEYS, clusterKeys: ['node'] }),
    ]
    const open = await startService({ clusterKeys: peers.keys, peers })
    const inside = [
      ...routes.filter(({ access, isLocal }) => access === 'write' && !isLocal),
      ...routes.filter(({ access, path }) => access === 'read' && path.startsWith('/collections/:name/points')),
      { method: 'GET', path: '/push' },
    ]
    expect(inside.length).toBeGreaterThan(20)
    for (const { method, path } of inside) {
      const where = `${method} /internal${path}`
      const status = async (at: Service, headers: Record<string, string>, of = `/internal${pathOf(path)}`) =>
        (await at.call(method, of, method === 'GET' ? undefined : {}, headers)).status
      for (const key of [...KEYS.apiKeys, 'reader', 'wrong']) {
        expect(WRONG, where).toContain(await status(service, { 'api-key': key }))
        expect(WRONG, where).toContain(await status(open, { 'api-key': key }))
      }
      expect(await status(service, {}), where).toBe(401)
      expect(await status(open, {}), where).toBe(401)
      expect([...DENIED, 405], where).not.toContain(await status(service, { 'api-key': 'node' }))
      expect(WRONG, where).toContain(await status(service, { 'api-key': 'node' }, pathOf(path)))
      expect(await status(lonely, { 'api-key': 'writer' }), where).toBe(404)
      expect(WRONG, where).toContain(await status(lonely, { 'api-key': 'node' }))
    }
    const document = JSON.stringify(
      (await service.call('GET', '/openapi.json', undefined, { 'api-key': 'reader' })).json,
    )
    expect(document).not.toContain('/internal')
  })

  it('are required for undeclared methods and unknown paths', async () => {
    const service = await startService(KEYS)
    for (const method of ['HEAD', 'OPTIONS', 'DELETE', 'PATCH', 'PUT']) {
      for (const path of ['/collections', '/collections/a/points/query', '/nowhere', '/collections/a/nowhere']) {
        const where = `${method} ${path}`
        const refused = await service.call(method, path)
        expect(refused.status, where).toBe(401)
        expect(refused.headers['x-vicinal-version'], where).toBeDefined()
        expect([200, 404, 405], where).toContain(
          (await service.call(method, path, undefined, { 'api-key': 'writer' })).status,
        )
      }
    }
  })

  it('are required before a byte of the body is read', async () => {
    const service = await startService(KEYS)
    // The declared body never comes; the answer comes all the same.
    const answer = await service.raw(
      'PUT /collections/a/points HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 1000000\r\n\r\n',
    )
    expect(answer).toMatch(/^HTTP\/1\.1 401 /)
    expect(answer).toMatch(/connection: close/i)
  })

  it('let a client with Expect: 100-continue send its body only once it may', async () => {
    const service = await startService(KEYS)
    const head = (key: string) =>
      `POST /collections/a/points/count HTTP/1.1\r\nHost: localhost\r\napi-key: ${key}\r\nExpect: 100-continue\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n`
    expect(await service.raw(head('wrong'))).toMatch(/^HTTP\/1\.1 401 /)
    expect(await service.raw(`${head('reader')}{}`)).toMatch(/^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 404 /)
  })

  it('guard unknown paths and methods as well', async () => {
    const service = await startService(KEYS)
    expect((await service.call('GET', '/unknown')).status).toBe(401)
    expect((await service.call('PATCH', '/collections/a/points')).status).toBe(401)
    expect((await service.call('GET', '/unknown', undefined, { 'api-key': 'reader' })).status).toBe(404)
  })

  it('never appear in logs or answers', async () => {
    const service = await startService({ ...KEYS, logLevel: 'trace' })
    await service.call('GET', '/collections?api-key=writer', undefined, { 'api-key': 'reader' })
    const refused = await service.call(
      'PUT',
      '/collections/a',
      { vectors: { size: 3, distance: 'Dot' } },
      { 'api-key': 'a-wrong-key' },
    )
    await service.call(
      'PUT',
      '/collections/a/points',
      { points: [{ id: 1, vector: [0.123456], payload: { private: 'secret-payload' } }] },
      { 'api-key': 'writer' },
    )
    await service.close()
    const log = service.log.join('')
    expect(log).toContain('/collections')
    for (const secret of ['writer', 'reader', 'a-wrong-key', 'secret-payload', '0.123456']) {
      expect(log).not.toContain(secret)
      expect(refused.text).not.toContain(secret)
    }
    for (const line of service.log)
      expect(JSON.parse(line)).toMatchObject({ level: expect.any(String), time: expect.any(String) })
  })
})

describe('paths that look like others', () => {
  it.each([
    '//collections',
    '/collections;x',
    '/healthz%2f..%2fcollections',
    '/healthz/../collections',
    '/healthz/..;/collections',
    '/healthz%00/collections',
    '/collections/',
    '/collections%2f',
    '/COLLECTIONS',
    '/./collections',
    '/collections?/healthz',
    '/healthz/collections',
    '/%63ollections',
    '/collections.',
    '/collections#/healthz',
  ])('reach nothing without a key: %s', async (path) => {
    const service = await startService(KEYS)
    await service.call('PUT', '/collections/seen', { vectors: { size: 3, distance: 'Dot' } }, { 'api-key': 'writer' })
    const answer = await service.raw(`GET ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`)
    expect(answer).toMatch(/^HTTP\/1\.1 (400|401|404) /)
    expect(answer).not.toContain('seen')
  })

  it('as a whole URL, or with headers that rename the method', async () => {
    const service = await startService(KEYS)
    const absolute = await service.raw(
      'GET http://localhost/healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n',
    )
    expect(absolute).toMatch(/^HTTP\/1\.1 400 /)
    const renamed = { 'x-http-method-override': 'DELETE', 'x-original-url': '/collections/a', 'api-key': 'reader' }
    await service.call('PUT', '/collections/a', { vectors: { size: 3, distance: 'Dot' } }, { 'api-key': 'writer' })
    await service.call('GET', '/healthz', undefined, renamed)
    expect(
      (await service.call('GET', '/collections/a/exists', undefined, { 'api-key': 'reader' })).json.result,
    ).toEqual({ exists: true })
  })
})

describe('browsers', () => {
  let service: Service
  it.each([
    [{ host: 'evil.example' }, 421],
    [{ host: 'evil.example:6333' }, 421],
    [{ origin: 'https://evil.example' }, 403],
    [{ origin: 'null' }, 403],
    [{ host: 'db.example' }, 200],
    [{ host: 'localhost' }, 200],
  ])('with %j get %d', async (headers, status) => {
    service = await startService({ allowedHosts: ['db.example'], allowedOrigins: ['https://app.example'] })
    const answer = await service.call('GET', '/collections', undefined, headers as Record<string, string>)
    expect(answer.status).toBe(status)
    expect(answer.headers['access-control-allow-origin']).toBeUndefined()
  })

  it('cannot write by a simple form: text/plain is refused', async () => {
    service = await startService()
    const answer = await service.call('PUT', '/collections/a', '{"vectors":{"size":3,"distance":"Dot"}}', {
      'content-type': 'text/plain',
    })
    expect(answer.status).toBe(415)
  })
})

describe('public addresses', () => {
  it.each(['0.0.0.0', '::'])('%s is refused without a key, unless insisted on', async (host) => {
    const settings = { database: new MemoryDatabase(), host, port: 0, logLevel: 'silent' } as const
    await expect(createServer(settings).listen()).rejects.toThrow(/without an API key/)
    for (const more of [{ allowInsecurePublic: true }, { apiKeys: ['key'] }]) {
      const server = createServer({ ...settings, ...more })
      await server.listen()
      await server.close()
    }
  })
})
