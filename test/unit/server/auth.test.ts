import type { IncomingHttpHeaders } from 'node:http'
import { SignJWT } from 'jose'
import { describe, expect, it } from 'vitest'
import { type Identity, KeyRing } from '../../../src/server/auth.js'
import type { Access } from '../../../src/server/rights.js'

const ring = new KeyRing({ apiKeys: ['old-key', 'new-key'], readOnlyApiKeys: ['reader'] })

/** Throws unless the headers have a key that allows the access. */
function check(of: KeyRing, headers: IncomingHttpHeaders, access: Access): void {
  const known = of.identify(headers) as Identity
  known.rights.check(access, 'all', '')
}

function lets(of: KeyRing, headers: IncomingHttpHeaders, access: Access): boolean {
  try {
    check(of, headers, access)
    return true
  } catch {
    return false
  }
}

describe('KeyRing', () => {
  it('has its keys replaced all at once, and still requires one', () => {
    const changing = new KeyRing({ apiKeys: ['first'], readOnlyApiKeys: ['look'] })
    changing.replace({ apiKeys: ['second'], readOnlyApiKeys: [] })
    for (const key of ['first', 'look']) expect(lets(changing, { 'api-key': key }, 'read')).toBe(false)
    expect(lets(changing, { 'api-key': 'second' }, 'write')).toBe(true)
    expect(() => changing.replace({ apiKeys: [], readOnlyApiKeys: [] })).toThrow(/at least one/)
    expect(() => changing.replace({ apiKeys: ['third', ' '], readOnlyApiKeys: [] })).toThrow(/empty/)
    expect(lets(changing, { 'api-key': 'second' }, 'write')).toBe(true)
    expect(lets(changing, {}, 'read')).toBe(false)
  })

  it.each(['old-key', 'new-key'])('lets %s do everything: two keys are valid while they are rotated', (key) => {
    for (const access of ['read', 'write'] as const) {
      expect(() => check(ring, { 'api-key': key }, access)).not.toThrow()
      expect(() => check(ring, { authorization: `Bearer ${key}` }, access)).not.toThrow()
    }
  })

  it('lets the read-only key read and not write', () => {
    expect(() => check(ring, { 'api-key': 'reader' }, 'read')).not.toThrow()
    expect(() => check(ring, { 'api-key': 'reader' }, 'write')).toThrow(expect.objectContaining({ code: 'FORBIDDEN' }))
  })

  it.each([
    {},
    { 'api-key': '' },
    { 'api-key': 'old-ke' },
    { 'api-key': 'old-key ' },
    { 'api-key': 'OLD-KEY' },
    { authorization: 'old-key' },
    { authorization: 'Basic old-key' },
    { authorization: 'Bearer' },
    { authorization: 'Bearer wrong' },
  ])('refuses %j', (headers) => {
    for (const access of ['read', 'write'] as const) {
      expect(() => check(ring, headers, access)).toThrow(expect.objectContaining({ code: 'UNAUTHENTICATED' }))
    }
  })

  it('never names the key it refuses', () => {
    expect(() => check(ring, { 'api-key': 'my-secret' }, 'read')).toThrow(
      expect.objectContaining({ message: expect.not.stringContaining('my-secret') }),
    )
  })

  it('lets everything pass where there are no keys', () => {
    expect(() => check(new KeyRing({ apiKeys: [], readOnlyApiKeys: [] }), {}, 'write')).not.toThrow()
  })

  it('refuses to start with an empty key', () => {
    expect(() => new KeyRing({ apiKeys: [''], readOnlyApiKeys: [] })).toThrow(/empty/)
  })

  it('requires a key for writing if there are only read-only keys', () => {
    const readers = new KeyRing({ apiKeys: [], readOnlyApiKeys: ['reader'] })
    expect(() => check(readers, { 'api-key': 'reader' }, 'write')).toThrow(
      expect.objectContaining({ code: 'FORBIDDEN' }),
    )
  })
})

describe('tokens of a KeyRing', () => {
  const WRITER = 'a key that may write, of 32 bytes or more'
  const keys = { apiKeys: [WRITER], readOnlyApiKeys: [], jwtRbac: true }
  const headers = async (claims: object) => ({
    'api-key': await new SignJWT({ ...claims }).setProtectedHeader({ alg: 'HS256' }).sign(Buffer.from(WRITER)),
  })

  it('are known again without being verified, up to a bound', async () => {
    const own = new KeyRing(keys)
    const first = await headers({ jti: 'first' })
    await own.identify(first)
    expect(own.identify(first)).not.toBeInstanceOf(Promise)
    for (let at = 0; at < 999; at++) await own.identify(await headers({ jti: `${at}` }))
    expect(own.identify(first)).not.toBeInstanceOf(Promise)
    await own.identify(await headers({ jti: 'one more' }))
    const again = own.identify(first)
    expect(again).toBeInstanceOf(Promise)
    await again
  })

  it('that were being verified when their key was withdrawn are refused', async () => {
    const own = new KeyRing(keys)
    const asked = own.identify(await headers({ access: 'm' }))
    own.replace({ apiKeys: ['another key that may write, of 32 bytes or more'], readOnlyApiKeys: [] })
    await expect(asked).rejects.toMatchObject({ code: 'UNAUTHENTICATED' })
  })

  it('have subjects that fit into a header', async () => {
    const own = new KeyRing(keys)
    const subjectOf = async (subject: string) => (await own.identify(await headers({ subject }))).subject
    expect(await subjectOf('eva')).toBe('eva')
    for (const odd of ['\ud800', `${'x'.repeat(127)}\u{1f600}`, 'ä'.repeat(5_000)]) {
      const told = await subjectOf(odd)
      expect(encodeURIComponent(told).length).toBeLessThan(1_000)
    }
  })
})
