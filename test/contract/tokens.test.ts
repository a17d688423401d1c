/** Tokens: each route with each kind of caller, as the table of routes declares it, and what tokens see. */
import { SignJWT } from 'jose'
import { beforeAll, describe, expect, it } from 'vitest'
import type { Access, Scope } from '../../src/server/rights.js'
import { ALL_ROUTES } from './all-routes.js'
import { startService } from './service.js'

const WRITER = 'a key that may write, of 32 bytes or more'
const NEXT = 'the next key that may write, of 32 bytes or more'
const READER = 'a key that may only read, of 32 bytes or more'
const SHORT = 'a short key'
const KEYS = { apiKeys: [SHORT, WRITER, NEXT], readOnlyApiKeys: [READER], jwtRbac: true }
const HOUR_S = 3_600

function signed(claims: object, key = WRITER, alg = 'HS256'): Promise<string> {
  return new SignJWT({ ...claims }).setProtectedHeader({ alg }).sign(Buffer.from(key))
}

const now = () => Math.floor(Date.now() / 1000)
const of = (access: string, collection = 'a') => ({ access: [{ collection, access }] })
const unsigned = (claims: object, alg: string) =>
  [{ alg, typ: 'JWT' }, claims].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.')

/** What each valid token may do with a route; `isWrite` and `scope` are those that the route declares. */
const MAY: Record<string, { claims: object; may(isWrite: boolean, scope: Scope): boolean }> = {
  m: { claims: { access: 'm' }, may: () => true },
  r: { claims: { access: 'r', exp: now() + HOUR_S }, may: (isWrite) => !isWrite },
  'r of the collection': { claims: of('r'), may: (isWrite, scope) => !isWrite && scope !== 'all' },
  'rw of the collection': { claims: of('rw'), may: (_, scope) => scope !== 'all' },
  'prw of the collection': { claims: of('prw'), may: (_, scope) => scope === 'collection' || scope === 'listed' },
  'rw of another collection': { claims: of('rw', 'b'), may: (_, scope) => scope === 'listed' },
  'no collection': { claims: { access: [] }, may: (_, scope) => scope === 'listed' },
  'claims that nothing here knows': {
    claims: { ...of('r'), aud: 'x', role: 'admin' },
    may: (w, s) => !w && s !== 'all',
  },
  'no claim': { claims: {}, may: () => true },
}

/** Tokens that open nothing. */
async function refused(): Promise<Record<string, string>> {
  const claims = { access: 'm' }
  const whole = await signed(claims)
  return {
    expired: await signed({ ...claims, exp: now() - HOUR_S }),
    'not valid yet': await signed({ ...claims, nbf: now() + HOUR_S }),
    'wrong signature': `${whole.slice(0, -6)}AAAAAA`,
    'other claims': `${whole.split('.')[0]}.${Buffer.from('{"access":"m","a":1}').toString('base64url')}.${whole.split('.')[2]}`,
    'alg none': `${unsigned(claims, 'none')}.`,
    'alg none, signed': `${unsigned(claims, 'none')}.${whole.split('.')[2]}`,
    'alg RS256': `${unsigned(claims, 'RS256')}.${whole.split('.')[2]}`,
    'alg HS512': await signed(claims, `${WRITER}${WRITER}`.slice(0, 64), 'HS512'),
    'read-only key': await signed(claims, READER),
    'short key': await new SignJWT({ ...claims })
      .setProtectedHeader({ alg: 'HS256' })
      .sign(Buffer.from(SHORT))
      .catch(() => 'a.b.c'),
    'another key': await signed(claims, 'a key that is not among those of the service'),
    'access of a word': await signed({ access: 'w' }),
    'access of null': await signed({ access: null }),
    'access of a collection, w': await signed(of('w')),
    'a payload': await signed({ access: [{ collection: 'a', access: 'r', payload: { user: 1 } }] }),
    'a collection twice': await signed({ access: [...of('r').access, ...of('rw').access] }),
    'exp of a text': await signed({ ...claims, exp: 'tomorrow' }),
    garbage: 'a.b.c',
  }
}

const routes = ALL_ROUTES.filter(({ access }) => access !== 'open')

const DENIED = [401, 403]
const pathOf = (path: string) => path.replace(':name', 'a').replace(':id', '1').replace(/:\w+/g, 'x')

describe('tokens', () => {
  const tokens = new Map<string, string>()
  beforeAll(async () => {
    for (const [name, { claims }] of Object.entries(MAY))
      tokens.set(name, await signed(claims, name === 'r' ? NEXT : WRITER))
  })

  it.each(Object.keys(MAY))('with %s open the routes that they say', async (name) => {
    const service = await startService(KEYS)
    for (const { method, path, access, scope } of routes) {
      const isAllowed = MAY[name]?.may((access as Access) === 'write', scope)
      const where = `${method} ${path}`
      const { status, text } = await service.call(method, pathOf(path), method === 'GET' ? undefined : {}, {
        'api-key': tokens.get(name) as string,
      })
      if (isAllowed) expect(DENIED, `${where} ${text}`).not.toContain(status)
      else expect(status, where).toBe(403)
    }
  })

  it('that are wrong open nothing, and give no reason to those without the key', async () => {
    const service = await startService(KEYS)
    for (const [name, token] of Object.entries(await refused())) {
      for (const headers of [{ 'api-key': token }, { authorization: `Bearer ${token}` }] as Record<string, string>[]) {
        const { status, text } = await service.call('GET', '/collections', undefined, headers)
        expect(status, name).toBe(401)
        expect(text, name).not.toContain(token.slice(0, 40))
      }
    }
    // No head is that long.
    const long = await service.raw(
      `GET /collections HTTP/1.1\r\nHost: localhost\r\napi-key: ${'a'.repeat(1_000_000)}\r\nConnection: close\r\n\r\n`,
    )
    expect(long).toMatch(/^HTTP\/1\.1 431 |^$/)
  })

  it('are wrong keys where they are not taken, or no key can verify them', async () => {
    const token = await signed({ access: 'm' })
    const service = await startService({ apiKeys: [WRITER] })
    expect((await service.call('GET', '/collections', undefined, { 'api-key': token })).status).toBe(401)
    await expect(startService({ apiKeys: [SHORT], jwtRbac: true })).rejects.toThrow(/at least 32 bytes/)
    await expect(startService({ readOnlyApiKeys: [READER], jwtRbac: true })).rejects.toThrow(/at least 32 bytes/)
  })

  it('end with the key that has signed them', async () => {
    const service = await startService(KEYS)
    const status = async () =>
      (await service.call('GET', '/collections', undefined, { 'api-key': tokens.get('m') as string })).status
    expect(await status()).toBe(200)
    service.server.replaceKeys({ apiKeys: [NEXT], readOnlyApiKeys: [] })
    expect(await status()).toBe(401)
  })

  it('see the collections that they name, and name what is missing', async () => {
    const service = await startService(KEYS)
    const vectors = { vectors: { size: 2, distance: 'Dot' } }
    for (const name of ['a', 'b']) await service.call('PUT', `/collections/${name}`, vectors, { 'api-key': WRITER })
    await service.call(
      'POST',
      '/collections/aliases',
      {
        actions: [
          { create_alias: { collection_name: 'a', alias_name: 'seen' } },
          { create_alias: { collection_name: 'a', alias_name: 'unseen' } },
        ],
      },
      { 'api-key': WRITER },
    )
    const token = await signed({ access: [...of('r').access, { collection: 'seen', access: 'r' }], sub: 'eva' })
    const ask = (method: string, path: string, body?: object) => service.call(method, path, body, { 'api-key': token })
    expect((await ask('GET', '/collections')).json.result).toEqual({ collections: [{ name: 'a' }] })
    const alias = { alias_name: 'seen', collection_name: 'a' }
    expect((await ask('GET', '/aliases')).json.result).toEqual({ aliases: [alias] })
    expect((await ask('GET', '/access')).json.result).toEqual({
      subject: 'eva',
      access: [
        { collection: 'a', access: 'r' },
        { collection: 'seen', access: 'r' },
      ],
    })
    const telemetry = (await ask('GET', '/telemetry?details_level=3')).text
    expect(telemetry).toContain('"id":"a"')
    expect(telemetry).not.toContain('"id":"b"')
    expect(telemetry).not.toContain('requests')
    expect((await ask('POST', '/collections/seen/points/count', {})).status).toBe(200)
    const { status, json } = await ask('PUT', '/collections/b/points', { points: [{ id: 1, vector: [1, 1] }] })
    expect([status, json.status]).toEqual([
      403,
      {
        error: 'Forbidden: access to collection "b" is required',
        code: 'FORBIDDEN',
        details: { collection: 'b', required: 'rw' },
      },
    ])
  })

  it('need rights to each collection that a query names', async () => {
    const service = await startService(KEYS)
    const vectors = { vectors: { size: 2, distance: 'Dot' } }
    for (const name of ['a', 'b', 'c']) {
      await service.call('PUT', `/collections/${name}`, vectors, { 'api-key': WRITER })
      const points = [{ id: 1, vector: [1, 1], payload: { k: 'x', lookup_from: 'b' } }]
      await service.call('PUT', `/collections/${name}/points?wait=true`, { points }, { 'api-key': WRITER })
    }
    const token = await signed({ access: [...of('rw').access, { collection: 'c', access: 'prw' }] })
    const status = async (path: string, body: object) =>
      (await service.call('POST', `/collections/a/points/${path}`, body, { 'api-key': token })).status
    const queries = (collection: string): [string, object][] => {
      const from = { query: 1, lookup_from: { collection } }
      return [
        ['query', from],
        ['query', { query: [1, 1], prefetch: from }],
        ['query', { query: [1, 1], prefetch: [{ query: [1, 1], prefetch: [from] }] }],
        ['query/batch', { searches: [{ query: [1, 1] }, from] }],
        ['query/groups', { query: [1, 1], group_by: 'k', with_lookup: collection }],
        ['query/groups', { query: [1, 1], group_by: 'k', with_lookup: { collection } }],
        ['recommend', { positive: [1], limit: 1, lookup_from: { collection } }],
        ['recommend/batch', { searches: [{ positive: [1], limit: 1, lookup_from: { collection } }] }],
        ['search/groups', { vector: [1, 1], group_by: 'k', group_size: 1, limit: 1, with_lookup: collection }],
        ['discover', { target: 1, limit: 1, lookup_from: { collection } }],
      ]
    }
    for (const [path, body] of queries('c'))
      expect(await status(path, body), `${path} ${JSON.stringify(body)}`).toBe(200)
    for (const [path, body] of queries('b'))
      expect(await status(path, body), `${path} ${JSON.stringify(body)}`).toBe(403)
    // A payload may have any key.
    const points = [{ id: 2, vector: [1, 1], payload: { lookup_from: 'b' } }]
    const stored = await service.call('PUT', '/collections/a/points', { points }, { 'api-key': token })
    expect(stored.status).toBe(200)
  })

  it('with value_exists hold as long as the point does', async () => {
    const service = await startService(KEYS)
    const call = (method: string, path: string, body?: object, key = WRITER) =>
      service.call(method, path, body, { 'api-key': key })
    const claim = { collection: 'users', matches: [{ key: 'name', value: 'eva' }] }
    const token = await signed({ access: 'r', value_exists: claim })
    const status = async () => (await call('GET', '/collections', undefined, token)).status
    expect(await status()).toBe(401)
    await call('PUT', '/collections/users', { vectors: { size: 2, distance: 'Dot' } })
    expect(await status()).toBe(401)
    await call('PUT', '/collections/users/points?wait=true', {
      points: [{ id: 1, vector: [1, 1], payload: { name: 'eva' } }],
    })
    expect(await status()).toBe(200)
    await call('POST', '/collections/users/points/delete?wait=true', { points: [1] })
    expect(await status()).toBe(401)
  })
})
