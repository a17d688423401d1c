import { describe, expect, it } from 'vitest'
import { KeyRing } from '../../../src/server/auth.js'

const ring = new KeyRing({ apiKeys: ['old-key', 'new-key'], readOnlyApiKeys: ['reader'] })

describe('KeyRing', () => {
  it('has its keys replaced all at once, and still requires one', () => {
    const changing = new KeyRing({ apiKeys: ['first'], readOnlyApiKeys: ['look'] })
    changing.replace({ apiKeys: ['second'], readOnlyApiKeys: [] })
    for (const key of ['first', 'look']) expect(changing.lets({ 'api-key': key }, 'read')).toBe(false)
    expect(changing.lets({ 'api-key': 'second' }, 'write')).toBe(true)
    expect(() => changing.replace({ apiKeys: [], readOnlyApiKeys: [] })).toThrow(/at least one/)
    expect(() => changing.replace({ apiKeys: ['third', ' '], readOnlyApiKeys: [] })).toThrow(/empty/)
    expect(changing.lets({ 'api-key': 'second' }, 'write')).toBe(true)
    expect(changing.lets({}, 'read')).toBe(false)
  })

  it.each(['old-key', 'new-key'])('lets %s do everything: two keys are valid while they are rotated', (key) => {
    for (const access of ['open', 'read', 'write'] as const) {
      expect(() => ring.check({ 'api-key': key }, access)).not.toThrow()
      expect(() => ring.check({ authorization: `Bearer ${key}` }, access)).not.toThrow()
    }
  })

  it('lets the read-only key read and not write', () => {
    expect(() => ring.check({ 'api-key': 'reader' }, 'read')).not.toThrow()
    expect(() => ring.check({ 'api-key': 'reader' }, 'write')).toThrow(expect.objectContaining({ code: 'FORBIDDEN' }))
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
      expect(() => ring.check(headers, access)).toThrow(expect.objectContaining({ code: 'UNAUTHENTICATED' }))
    }
    expect(() => ring.check(headers, 'open')).not.toThrow()
  })

  it('never names the key it refuses', () => {
    expect(() => ring.check({ 'api-key': 'my-secret' }, 'read')).toThrow(
      expect.objectContaining({ message: expect.not.stringContaining('my-secret') }),
    )
  })

  it('lets everything pass where there are no keys', () => {
    expect(() => new KeyRing({ apiKeys: [], readOnlyApiKeys: [] }).check({}, 'write')).not.toThrow()
  })

  it('refuses to start with an empty key', () => {
    expect(() => new KeyRing({ apiKeys: [''], readOnlyApiKeys: [] })).toThrow(/empty/)
  })

  it('requires a key for writing if there are only read-only keys', () => {
    const readers = new KeyRing({ apiKeys: [], readOnlyApiKeys: ['reader'] })
    expect(() => readers.check({ 'api-key': 'reader' }, 'write')).toThrow(
      expect.objectContaining({ code: 'FORBIDDEN' }),
    )
  })
})
