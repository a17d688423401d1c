import type { IncomingMessage } from 'node:http'
import { describe, expect, it } from 'vitest'
import { HostGuard } from '../../../src/server/hosts.js'

const guard = new HostGuard({
  host: '0.0.0.0',
  allowedHosts: ['search.example.org', '[2001:db8::1]'],
  allowedOrigins: ['https://app.example.org'],
})

function request(host: string | undefined, origin?: string, localAddress = '127.0.0.1', url = '/collections') {
  return { url, headers: { host, origin }, socket: { localAddress } } as unknown as IncomingMessage
}

describe('HostGuard', () => {
  it.each([
    'localhost',
    'localhost:6333',
    '127.0.0.1:6333',
    '127.8.8.8',
    '[::1]:6333',
    'search.example.org:443',
    'SEARCH.example.org',
    '[2001:db8::1]:6333',
  ])('accepts the host %s', (host) => {
    expect(() => guard.check(request(host))).not.toThrow()
  })

  it('lets in by what a request says, whatever the one before it said', () => {
    const own = '10.0.0.7:6333'
    for (let round = 0; round < 2; round++) {
      expect(() => guard.check(request('localhost'))).not.toThrow()
      expect(() => guard.check(request('evil.example'))).toThrow()
      expect(() => guard.check(request(own, undefined, '10.0.0.7'))).not.toThrow()
      expect(() => guard.check(request(own, undefined, '10.0.0.8'))).toThrow()
      expect(() => guard.check(request(undefined))).toThrow()
    }
  })

  it.each([
    undefined,
    '',
    'evil.example',
    'localhost.evil.example',
    '127.0.0.1.evil.example',
    'evil.example:6333',
    '10.0.0.7',
    '[::2]',
    '127.1',
    'search.example.org.evil.example',
  ])('refuses the host %s', (host) => {
    expect(() => guard.check(request(host))).toThrow(expect.objectContaining({ code: 'MISDIRECTED_HOST' }))
  })

  it('accepts the address that was connected to, as probes of an orchestrator use it', () => {
    expect(() => guard.check(request('10.0.0.7:6333', undefined, '10.0.0.7'))).not.toThrow()
    expect(() => guard.check(request('10.0.0.7:6333', undefined, '::ffff:10.0.0.7'))).not.toThrow()
  })

  it.each(['https://evil.example', 'null', 'http://localhost:6333', 'https://app.example.org.evil.example'])(
    'refuses the origin %s',
    (origin) => {
      expect(() => guard.check(request('localhost', origin))).toThrow(expect.objectContaining({ code: 'FORBIDDEN' }))
    },
  )

  it('accepts a configured origin', () => {
    expect(() => guard.check(request('localhost', 'https://app.example.org'))).not.toThrow()
  })

  it('refuses a target that is a whole URL', () => {
    expect(() => guard.check(request('localhost', undefined, '127.0.0.1', 'http://evil.example/'))).toThrow(/path/)
  })

  it('accepts any host behind `*`', () => {
    const open = new HostGuard({ host: '127.0.0.1', allowedHosts: ['*'], allowedOrigins: [] })
    expect(() => open.check(request('anything.example'))).not.toThrow()
  })
})
