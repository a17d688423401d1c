/** Permission to open a stream, and the reasons that end one. */
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import WebSocket from 'ws'
import { MOST_MESSAGE_BYTES } from '../../src/server/places.js'
import { Asking, QUERY, refused } from './asking.js'
import { type Service, startService } from './service.js'

/** The time between two looks at silent streams, which passes when a test says so. */
const PING_MS = 100

/** The service's ends of the connections that clients open until the test is over. */
function connections(): Socket[] {
  const opened: Socket[] = []
  const note = (message: unknown) => void opened.push((message as { socket: Socket }).socket)
  subscribe('net.server.socket', note)
  onTestFinished(() => void unsubscribe('net.server.socket', note))
  return opened
}

describe('a stream', () => {
  const open = (service: Service, options: WebSocket.ClientOptions = {}) => new Asking(service.url, QUERY, options)
  const made = (service: Service, headers = {}) =>
    service.call('PUT', '/collections/a', { vectors: { size: 2, distance: 'Dot' } }, headers)

  it('passes the same checks as a request', async () => {
    const service = await startService({
      apiKeys: ['secret'],
      readOnlyApiKeys: ['look'],
      allowedOrigins: ['https://mine'],
    })
    await made(service, { 'api-key': 'secret' })
    const { url } = service
    expect(await refused(url, QUERY)).toBe(401)
    expect(await refused(url, QUERY, { headers: { 'api-key': 'wrong' } })).toBe(401)
    const headers = { 'api-key': 'look' }
    expect(await refused(url, QUERY, { headers: { ...headers, origin: 'https://other' } })).toBe(403)
    for (const key of [
      headers,
      // With a key, any host name is accepted.
      { ...headers, host: 'rebound.example' },
      { authorization: 'Bearer secret' },
      { ...headers, origin: 'https://mine' },
    ]) {
      const stream = await open(service, { headers: key }).opened()
      expect((await stream.json({ query: [1, 0] })).status).toBe('ok')
    }
  })

  it('that is refused is logged and counted', async () => {
    const service = await startService({ apiKeys: ['secret'] })
    await refused(service.url, QUERY, { headers: { 'api-key': 'guess' } })
    expect(service.log.filter((text) => text.includes('UNAUTHENTICATED') && text.includes('127.0.0.1'))).toHaveLength(1)
    expect(service.log.join()).not.toContain('guess')
    const { text } = await service.call('GET', '/metrics', undefined, { 'api-key': 'secret' })
    expect(text).toContain('rest_responses_total{method="GET",endpoint="stream",status="401"} 1')
  })

  it('survives a client that resets the connection while an earlier answer is on its way', async () => {
    const service = await startService({ apiKeys: ['secret'] })
    for (let times = 0; times < 20; times++) {
      const socket = connect(service.port, '127.0.0.1')
      socket.on('error', () => {})
      await once(socket, 'connect')
      const offer = `GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: ${times % 2 ? 'websocket' : 'x'}\r\n\r\n`
      socket.write(`GET /nope HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n${offer}`)
      socket.resetAndDestroy()
      // Connections end at different places of the service's work.
      await sleep(5)
    }
    expect((await service.call('GET', '/healthz')).status).toBe(200)
  })

  it('counts toward the bound on streams in the middle of a message', async () => {
    const service = await startService({ maxBodyBytesInWork: 2 * MOST_MESSAGE_BYTES })
    await made(service)
    const [first] = [await open(service).opened(), await open(service).opened()]
    expect(await refused(service.url, QUERY)).toBe(429)
    first.socket.close()
    await first.closed()
    expect((await (await open(service).opened()).json({ query: [1, 0] })).status).toBe('ok')
  })

  it('is opened only on paths that read', async () => {
    const service = await startService()
    for (const path of [
      '/',
      '/collections',
      '/collections/a',
      '/collections/a/points/payload',
      '/collections/a/points/1',
      '/collections/a/points/delete',
      '/metrics',
      '/other/a/points/query',
    ])
      expect(await refused(service.url, path), path).toBe(404)
    for (const path of [
      '/collections/%zz/points/query',
      '/collections/a%2fb/points/query',
      '/collections//points/query',
    ])
      expect(await refused(service.url, path), path).toBe(400)
    for (const head of [
      'GET ? HTTP/1.1\r\nSec-WebSocket-Version: 13',
      'GET ? HTTP/1.1\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==',
      'POST ? HTTP/1.1\r\nContent-Length: 0\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==',
    ]) {
      const answer = await service.raw(
        `${head.replace('?', QUERY)}\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n`,
      )
      expect(answer, head).toMatch(/^HTTP\/1.1 400[\s\S]*"code":"INVALID_ARGUMENT"/)
    }
  })

  it('is closed by a message that is too large or breaks the protocol', async () => {
    const service = await startService()
    await made(service)
    const stream = await open(service).opened()
    expect((await stream.json(`{"query":[1,0],"x":"${'x'.repeat(MOST_MESSAGE_BYTES - 100)}"}`)).status).toBe('ok')
    stream.socket.send('x'.repeat(MOST_MESSAGE_BYTES + 1))
    expect(await stream.closed()).toBe(1009)
    const small = await startService({ maxBodyBytes: 1_000 })
    const other = await open(small).opened()
    other.socket.send('x'.repeat(1_001))
    expect(await other.closed()).toBe(1009)
    const unmasked = `GET ${QUERY} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n`
    const answer = await service.raw(Buffer.concat([Buffer.from(unmasked), Buffer.from([0x82, 1, 0x80])]))
    expect(answer).toMatch(/^HTTP\/1.1 101/)
    expect((await service.call('GET', '/healthz')).status).toBe(200)
  })

  it('is closed if more messages come at once than are queued, and opens without a body', async () => {
    const service = await startService()
    const stream = await open(service).opened()
    const tiny = Buffer.from([0x82, 0x81, 0, 0, 0, 0, 0xc0])
    const head = `GET ${QUERY} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n`
    const many = await service.raw(
      Buffer.concat([Buffer.from(`${head}\r\n`), ...Array.from({ length: 5_000 }, () => tiny)]),
    )
    expect(many).toContain('more than 4096 messages at once')
    expect(await service.raw(`${head}Content-Length: 3\r\n\r\nabc`)).toMatch(/^HTTP\/1.1 400/)
    expect((await stream.json({})).status.code).toBe('NOT_FOUND')
  })

  it('accepts none of the subprotocols that a client may offer', async () => {
    const service = await startService()
    const socket = new WebSocket(`${service.url.replace('http', 'ws')}${QUERY}`, ['chat'])
    const [error] = await once(socket, 'error')
    expect(String(error)).toContain('no subprotocol')
  })

  it('gets an error when the service is overloaded', async () => {
    const service = await startService({ maxConcurrentReads: 0 })
    const stream = await open(service).opened()
    for (let i = 0; i < 3; i++) expect((await stream.json({})).status.code).toBe('OVERLOADED')
  })

  it('has the values of a message counted until it is answered, and refused if there are too many', async () => {
    const bounds = { maxBodyBytesInWork: 4 * 1024 * 1024 }
    const service = await startService(bounds)
    await made(service)
    const stream = await open(service).opened()
    const junk = (count: number) => ({ query: [1, 0], junk: new Array(count).fill({}) })
    // Each takes most of the bound, which is free again once the message is answered.
    for (let times = 0; times < 5; times++) expect((await stream.json(junk(40_000))).status).toBe('ok')
    expect((await stream.json(junk(100_000))).status).toMatchObject({ code: 'OVERLOADED' })
    expect((await stream.json({ query: [1, 0] })).status).toBe('ok')
  })

  it('is cut if nobody is at its other end', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
    onTestFinished(() => void vi.useRealTimers())
    const service = await startService({ keepAliveTimeoutMs: PING_MS })
    await made(service)
    const opened = connections()
    const gone = await open(service, { autoPong: false }).opened()
    const there = await open(service).opened()
    const [, answering] = opened as [Socket, Socket]
    const look = () => void vi.advanceTimersByTime(PING_MS)
    const pong = async () => {
      const pinged = once(there.socket, 'ping')
      const { bytesRead } = answering
      look()
      await pinged
      await expect.poll(() => answering.bytesRead).toBeGreaterThan(bytesRead)
    }
    const closed = gone.closed()
    // The first look sees the bytes of the handshake.
    look()
    await pong()
    expect(gone.socket.readyState).toBe(WebSocket.OPEN)
    look()
    expect(await closed).toBe(1006)
    await pong()
    look()
    expect((await there.json({ query: [1, 0] })).status).toBe('ok')
    there.socket.close()
    const slow = await open(service, { autoPong: false }).opened()
    const sending = opened.at(-1) as Socket
    for (let at = 0; at < 16; at++) {
      const read = sending.bytesRead
      slow.socket.send(at === 0 ? '{' : at === 15 ? '}' : ' ', { fin: at === 15 })
      await expect.poll(() => sending.bytesRead, { interval: 1 }).toBeGreaterThan(read)
      // Together far longer than a silent client is kept.
      if (at < 15) look()
    }
    expect(JSON.parse((await slow.next()).bytes.toString()).status).toBe('ok')
  })
})
