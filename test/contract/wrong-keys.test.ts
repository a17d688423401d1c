/** Wrong, withdrawn and new keys while the service runs, on every thread. */
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import WebSocket from 'ws'
import { openSharing } from '../../src/engine/database/open.js'
import { MOST_WRONG_KEYS } from '../../src/server/wrong-keys.js'
import { Asking } from './asking.js'
import { lineOf, openStream } from './open-stream.js'
import { startService } from './service.js'
import { Line, raw, startThreaded } from './threaded.js'

const KEYS = { apiKeys: ['writer'], readOnlyApiKeys: ['reader'] }
const DOT = { vectors: { size: 2, distance: 'Dot' } }
const NEXT = { headers: { 'api-key': 'next' } }
const COUNT = '/collections/a/points/count'
const QUERY = '/collections/a/points/query'

async function start(threads: 'one' | 'two') {
  const log: string[] = []
  const logged = (part: string) => log.filter((line) => line.includes(part)).map((line) => JSON.parse(line))
  const logStream = { write: (line: string) => void log.push(line) }
  const options = { ...KEYS, logStream, logLevel: 'info' } as const
  if (threads === 'one') return { ...(await startService(options)), log, logged }
  const folder = await mkdtemp(join(tmpdir(), 'vicinal-keys-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  const database = await openSharing(folder)
  onTestFinished(() => database.close())
  const service = await startThreaded(database, { count: 2, ...options })
  onTestFinished(() => service.close(0))
  onTestFinished(() => expect(service.trouble).toEqual([]))
  return { ...service, port: Number(new URL(service.url).port), log, logged }
}

describe.each(['one', 'two'] as const)('with %s or more serving threads, ', (threads) => {
  it('too many wrong keys from one address get 429 on all connections; a right key is never held up', async () => {
    const service = await start(threads)
    const lines = [new Line(service.url), new Line(service.url), new Line(service.url)] as const
    const asked = (at: number, key: string | null, method = 'POST', path = COUNT) =>
      lines[at % lines.length]?.call(method, path, method === 'POST' ? {} : undefined, {
        headers: key === null ? {} : { 'api-key': key },
      })
    await lines[0].call('PUT', '/collections/a', DOT, { headers: { 'api-key': 'writer' } })
    for (let n = 0; n < MOST_WRONG_KEYS; n++) {
      const path = n % 2 === 0 ? COUNT : '/collections'
      expect((await asked(n, `guess-${n}`, n % 2 === 0 ? 'POST' : 'GET', path))?.status).toBe(401)
    }
    for (let n = 0; n < lines.length; n++) {
      const refused = await asked(n, 'one-guess-more')
      expect(refused).toMatchObject({ status: 429, json: { status: { code: 'OVERLOADED' } } })
      expect(Number(refused?.headers['retry-after'])).toBeGreaterThan(0)
      expect(Number(refused?.headers['retry-after'])).toBeLessThanOrEqual(60)
      expect((await asked(n, 'reader'))?.status).toBe(200)
      expect((await asked(n, 'writer', 'GET', '/collections'))?.status).toBe(200)
      // Without a key nothing is guessed, so it stays 401.
      expect((await asked(n, null))?.status).toBe(401)
      expect((await asked(n, 'one-guess-more', 'GET', '/healthz'))?.status).toBe(200)
    }
    const head = `GET ${QUERY} HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\napi-key: guess\r\n\r\n`
    for (let n = 0; n < lines.length; n++) expect(await raw(service.port, head)).toMatch(/^HTTP\/1\.1 429 /)
    await service.close(0)
    // One line when it begins, one with the count when the minute is over, and no key in any line.
    expect(service.logged('"refused"')).toHaveLength(1)
    expect(service.logged('refused within a minute')).toMatchObject([
      { code: 'UNAUTHENTICATED', peer: '127.0.0.1', count: MOST_WRONG_KEYS + lines.length },
    ])
    expect(service.logged('further ones get 429')).toMatchObject([{ peer: '127.0.0.1' }])
    expect(service.logged('"wrong API keys within a minute"')).toMatchObject([
      { peer: '127.0.0.1', wrongKeys: MOST_WRONG_KEYS + 2 * lines.length },
    ])
    expect(service.log.join('')).not.toContain('guess')
  })

  it('keys are replaced on all threads, and streams of a withdrawn key are closed', async () => {
    const service = await start(threads)
    const lines = [new Line(service.url), new Line(service.url), new Line(service.url)]
    const statuses = (key: string) =>
      Promise.all(
        lines.map(async (line) => (await line.call('POST', COUNT, {}, { headers: { 'api-key': key } })).status),
      )
    await lines[0]?.call('PUT', '/collections/a', DOT, { headers: { 'api-key': 'writer' } })
    expect(await statuses('writer')).toEqual([200, 200, 200])
    const opened = (key: string) => {
      const socket = new WebSocket(`${service.url.replace('http', 'ws')}${QUERY}`, { headers: { 'api-key': key } })
      onTestFinished(() => socket.terminate())
      return once(socket, 'open').then(() => socket)
    }
    const withdrawn = await Promise.all([opened('writer'), opened('writer'), opened('writer')])
    const closed = Promise.all(withdrawn.map((socket) => once(socket, 'close')))
    const stays = await new Asking(service.url, QUERY, { headers: { 'api-key': 'reader' } }).opened()
    service.server.replaceKeys({ apiKeys: ['next'], readOnlyApiKeys: ['reader'] })
    for (const [code, reason] of await closed) expect([code, String(reason)]).toEqual([1008, 'its key was withdrawn'])
    await expect.poll(() => statuses('next')).toEqual([200, 200, 200])
    expect(await statuses('writer')).toEqual([401, 401, 401])
    expect((await stays.json({ query: [1, 0] })).status).toBe('ok')
  })

  it('a stream of points ends with the first piece after its key was withdrawn', async () => {
    const service = await start(threads)
    const line = new Line(service.url)
    await line.call('PUT', '/collections/a', DOT, { headers: { 'api-key': 'writer' } })
    const { sent, answered, lines, last } = openStream(service.port, { 'api-key': 'writer' })
    const count = 20_000
    for (let id = 0; id < count; id++) sent.write(lineOf(id))
    await expect.poll(() => lines.length).toBeGreaterThan(0)
    service.server.replaceKeys({ apiKeys: ['next'], readOnlyApiKeys: [] })
    await expect.poll(async () => (await line.call('GET', '/collections', undefined, NEXT)).status).toBe(200)
    sent.end(lineOf(count))
    expect(await answered).toBe(200)
    expect(last().status).toMatchObject({ code: 'UNAUTHENTICATED', error: 'The API key was withdrawn' })
    expect(last().result.position).toBeLessThanOrEqual(count)
    const { json } = await line.call('POST', COUNT, {}, NEXT)
    expect(json).toMatchObject({ result: { count: last().result.position } })
  })
})
