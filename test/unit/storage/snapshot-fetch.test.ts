import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, it, onTestFinished } from 'vitest'
import { type FetchOptions, fetchSnapshot, isPublicAddress } from '../../../src/storage/snapshot-fetch.js'

const FAR_MS = 300_000
const LOOPBACK = (address: string) => address === '127.0.0.1'

async function serve(listener: RequestListener): Promise<number> {
  const server = createServer(listener)
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return (server.address() as AddressInfo).port
}

async function fetched(url: string, options: Partial<FetchOptions> = {}): Promise<Buffer> {
  const pieces: Uint8Array[] = []
  for await (const piece of fetchSnapshot(new URL(url), { maxBytes: 1e9, ...options })) pieces.push(piece)
  return Buffer.concat(pieces)
}

describe('addresses', () => {
  it.each([
    '0.0.0.0',
    '0.1.2.3',
    '10.0.0.1',
    '100.64.0.1',
    '127.0.0.1',
    '127.255.255.254',
    '169.254.169.254',
    '172.16.0.1',
    '172.31.255.255',
    '192.168.1.1',
    '192.0.0.8',
    '198.18.0.1',
    '224.0.0.1',
    '240.0.0.1',
    '255.255.255.255',
    '::',
    '::1',
    '::ffff:127.0.0.1',
    '::ffff:8.8.8.8',
    '::127.0.0.1',
    '64:ff9b::7f00:1',
    'fd00::1',
    'fc00::1',
    'fe80::1',
    'fe80::1%eth0',
    'ff02::1',
    '2002:7f00:1::',
    '2001:db8::1',
    '2001::1',
    'localhost',
    '',
    '127.1',
  ])('such as %s are not public', (address) => {
    expect(isPublicAddress(address)).toBe(false)
  })

  it.each(['8.8.8.8', '1.1.1.1', '172.32.0.1', '100.128.0.1', '2606:4700:4700::1111', '2a00:1450:4001::1'])(
    'such as %s are public',
    (address) => {
      expect(isPublicAddress(address)).toBe(true)
    },
  )
})

describe('a fetch', () => {
  it('connects to no private address, however it is written', async () => {
    let asked = 0
    const port = await serve((_request, response) => {
      asked++
      response.end('inside')
    })
    const hosts = [
      '127.0.0.1',
      'localhost',
      '0.0.0.0',
      '2130706433',
      '0x7f.1',
      '0177.0.0.1',
      '127.1',
      '[::1]',
      '[::ffff:127.0.0.1]',
      '[::]',
      '0',
    ]
    for (const host of hosts) {
      await expect(fetched(`http://${host}:${port}/x`), host).rejects.toMatchObject({
        code: 'FORBIDDEN',
        details: { field: 'location' },
      })
    }
    expect(asked).toBe(0)
  })

  it('gets the bytes, with the key for that host', async () => {
    const seen: unknown[] = []
    const port = await serve((request, response) => {
      seen.push(request.headers['api-key'], request.headers['accept-encoding'])
      response.end(Buffer.alloc(100_000, 7))
    })
    const bytes = await fetched(`http://127.0.0.1:${port}/x`, { isAllowed: LOOPBACK, apiKey: 'secret' })
    expect(bytes).toEqual(Buffer.alloc(100_000, 7))
    expect(seen).toEqual(['secret', 'identity'])
  })

  it('follows no redirect, so that no key goes elsewhere', async () => {
    let elsewhere = 0
    const other = await serve((_request, response) => {
      elsewhere++
      response.end()
    })
    const port = await serve((_request, response) => {
      response.writeHead(302, { location: `http://127.0.0.1:${other}/` }).end()
    })
    const asked = fetched(`http://127.0.0.1:${port}/x`, { isAllowed: LOOPBACK, apiKey: 'secret' })
    await expect(asked).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      message: expect.stringMatching(/redirect.*302/),
    })
    expect(elsewhere).toBe(0)
  })

  it('accepts only status 200, no user in the URL, and no more bytes than allowed', async () => {
    const port = await serve((request, response) => {
      if (request.url === '/404') response.writeHead(404).end('no')
      else response.end(Buffer.alloc(1000))
    })
    const at = (path: string, maxBytes = 1000) =>
      fetched(`http://127.0.0.1:${port}${path}`, { isAllowed: LOOPBACK, maxBytes })
    await expect(at('/404')).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      message: expect.stringContaining('404'),
    })
    await expect(at('/x', 999)).rejects.toMatchObject({ code: 'TOO_LARGE' })
    expect(await at('/x')).toHaveLength(1000)
    await expect(fetched(`http://a:b@127.0.0.1:${port}/x`, { isAllowed: LOOPBACK })).rejects.toMatchObject({
      message: /user/,
    })
  })

  it('gives up on hosts that answer slowly, pause between pieces, take too long in total, or stop', async () => {
    const port = await serve((request, response) => {
      if (request.url === '/silent') return
      response.writeHead(200, request.url === '/cut' ? { 'content-length': 1000 } : {})
      response.write('x')
      if (request.url === '/cut') setTimeout(() => response.destroy(), 20)
      if (request.url !== '/drip') return
      const timer = setInterval(() => response.write('x'), 20)
      response.on('close', () => clearInterval(timer))
    })
    // The other bound is always too far away to be reached first on a busy machine.
    const at = (path: string, { idleMs = 300, totalMs = FAR_MS } = {}) =>
      fetched(`http://127.0.0.1:${port}${path}`, { isAllowed: LOOPBACK, idleMs, totalMs })
    await expect(at('/silent')).rejects.toMatchObject({ message: expect.stringContaining('300 ms') })
    await expect(at('/stalled')).rejects.toMatchObject({ message: expect.stringContaining('300 ms') })
    await expect(at('/drip', { idleMs: FAR_MS, totalMs: 900 })).rejects.toMatchObject({
      message: expect.stringContaining('900 ms'),
    })
    await expect(at('/cut', { idleMs: FAR_MS })).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
  })
})
