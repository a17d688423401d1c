import type { IncomingMessage } from 'node:http'
import { describe, expect, it } from 'vitest'
import { HostGuard } from '../../../src/server/hosts.js'

const settings = {
  host: '0.0.0.0',
  allowedHosts: ['search.example.org', '[2001:db8::1]'],
  allowedOrigins: ['https://app.example.org'],
  tls: null,
}
const guard = new HostGuard(settings, () => false)
const keyed = new HostGuard(settings, () => true)
const secure = new HostGuard({ ...settings, tls: {} }, () => false)

function request(host: string | undefined, origin?: string, localAddress = '127.0.0.1', url = '/collections') {
  const headers = { host, origin }
  const rawHeaders = Object.entries(headers).flatMap(([name, value]) => (value === undefined ? [] : [name, value]))
  const version = { httpVersionMajor: 1, httpVersionMinor: 1 }
  return { url, headers, rawHeaders, ...version, socket: { localAddress } } as unknown as IncomingMessage
}
const refusal = (code: string) => expect.objectContaining({ code })

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

  it('decides by each request itself, not by an earlier one', () => {
    const own = '10.0.0.7:6333'
    for (let round = 0; round < 2; round++) {
      expect(() => guard.check(request('localhost'))).not.toThrow()
      expect(() => guard.check(request('evil.example'))).toThrow()
      expect(() => guard.check(request(own, undefined, '10.0.0.7'))).not.toThrow()
      expect(() => guard.check(request(own, undefined, '10.0.0.8'))).toThrow()
    }
  })

  it.each([
    '',
    'evil.example',
    'localhost.evil.example',
    '127.0.0.1.evil.example',
    'evil.example:6333',
    '10.0.0.7',
    '[::2]',
    '127.1',
    'localhost:6333:1',
    'localhost:x',
    'localhost evil',
    'search.example.org.evil.example',
  ])('refuses the host %s', (host) => {
    expect(() => guard.check(request(host))).toThrow(refusal('MISDIRECTED_HOST'))
    // With a key, any host name is accepted.
    expect(() => keyed.check(request(host))).not.toThrow()
  })

  it('tells how to accept a host', () => {
    expect(() => guard.check(request('vicinal:6333'))).toThrow(/--allow-host vicinal, or set an API key$/)
  })

  it.each([undefined, '[::1]evil', '[::1]:6333evil', '[::1', '[localhost]', '[]', '[127.0.0.1]', '[::1]:', '[::1]]'])(
    'refuses the malformed host %s, with or without keys',
    (host) => {
      for (const one of [guard, keyed]) {
        if (host === '[::1]:') expect(() => one.check(request(host))).not.toThrow()
        else expect(() => one.check(request(host))).toThrow(refusal('INVALID_ARGUMENT'))
      }
    },
  )

  it('accepts the address that was connected to, as used by probes of an orchestrator', () => {
    expect(() => guard.check(request('10.0.0.7:6333', undefined, '10.0.0.7'))).not.toThrow()
    expect(() => guard.check(request('10.0.0.7:6333', undefined, '::ffff:10.0.0.7'))).not.toThrow()
  })

  it.each([
    'https://evil.example',
    'null',
    'http://localhost:6333',
    'https://app.example.org.evil.example',
    'localhost',
    'ftp://localhost',
    'http://localhost@evil.example',
    '',
  ])('refuses the origin %j', (origin) => {
    for (const one of [guard, keyed]) {
      expect(() => one.check(request('localhost', origin))).toThrow(refusal('FORBIDDEN'))
    }
  })

  it.each([
    ['localhost:6333', 'http://localhost:6333'],
    ['LOCALHOST:6333', 'http://localhost:6333'],
    ['localhost', 'http://localhost'],
    ['localhost:80', 'http://localhost'],
    ['search.example.org', 'https://search.example.org'],
    ['search.example.org:443', 'https://search.example.org'],
    ['[::1]:6333', 'http://[::1]:6333'],
  ])('of the host %s accepts its own origin %s', (host, origin) => {
    expect(() => guard.check(request(host, origin))).not.toThrow()
  })

  it('does not confuse the origin of its own page without TLS with one over TLS', () => {
    expect(() => secure.check(request('localhost:6333', 'https://localhost:6333'))).not.toThrow()
    expect(() => secure.check(request('localhost:6333', 'http://localhost:6333'))).toThrow(refusal('FORBIDDEN'))
  })

  it('accepts a configured origin', () => {
    expect(() => guard.check(request('localhost', 'https://app.example.org'))).not.toThrow()
  })

  it('refuses a target that is a whole URL', () => {
    expect(() => guard.check(request('localhost', undefined, '127.0.0.1', 'http://evil.example/'))).toThrow(/path/)
  })

  it('accepts any host with `*`', () => {
    const open = new HostGuard({ host: '127.0.0.1', allowedHosts: ['*'], allowedOrigins: [], tls: null }, () => false)
    expect(() => open.check(request('anything.example'))).not.toThrow()
  })
})
