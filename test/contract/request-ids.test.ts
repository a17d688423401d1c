/** Each request has its own id over all threads; its answer and its log lines have it. */
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import WebSocket from 'ws'
import { openSharing } from '../../src/engine/database/open.js'
import { startService } from './service.js'
import { Line, startThreaded } from './threaded.js'

const DOT = { vectors: { size: 2, distance: 'Dot' } }
const QUERY = '/collections/a/points/query'
const idOf = ({ headers }: { headers: Record<string, unknown> }) => headers['x-request-id'] as string

it('is in every answer of every thread, and never repeats', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'vicinal-ids-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  const database = await openSharing(folder)
  onTestFinished(() => database.close())
  const log: string[] = []
  const logStream = { write: (line: string) => void log.push(line) }
  const service = await startThreaded(database, { count: 2, logStream, logLevel: 'debug', apiKeys: ['writer'] })
  onTestFinished(() => service.close(0))
  onTestFinished(() => expect(service.trouble).toEqual([]))
  const lines = [new Line(service.url), new Line(service.url), new Line(service.url)]
  const headers = { 'api-key': 'writer', 'x-vicinal-request': 'forged' }
  await lines[0]?.call('PUT', '/collections/a', DOT, { headers })
  const ids: string[] = []
  for (const line of lines) {
    for (const [method, path, body, more, status] of [
      ['GET', '/healthz', undefined, {}, 200],
      ['GET', '/collections', undefined, headers, 200],
      ['POST', QUERY, { query: [1, 2] }, headers, 200],
      ['POST', QUERY, { query: [1, 2, 3] }, headers, 400],
      ['POST', QUERY, { query: [1, 2] }, {}, 401],
      ['POST', '/collections/gone/points/query', { query: [1, 2] }, headers, 404],
      ['GET', '/nowhere', undefined, headers, 404],
      ['PATCH', '/healthz', undefined, headers, 405],
      ['GET', '/collections/%zz', undefined, headers, 400],
    ] as const) {
      const answer = await line.call(method, path, body, { headers: more })
      expect([path, answer.status]).toEqual([path, status])
      ids.push(idOf(answer))
    }
  }
  expect(ids.filter((id) => !/^[0-9a-f]{12}-[0-9a-z]+$/.test(id))).toEqual([])
  expect(new Set(ids).size).toBe(ids.length)
  // Each serving thread has one connection: its forwarded requests are logged under the id of the answer.
  const logged = new Set(log.flatMap((text) => (JSON.parse(text) as { reqId?: string }).reqId ?? []))
  expect(ids.filter((id) => logged.has(id)).length).toBeGreaterThan(ids.length / 2)
  expect(log.join('')).not.toContain('forged')
})

it('is in answers to malformed HTTP, to undecodable bodies, and to the opening of a stream', async () => {
  const service = await startService()
  for (const bytes of [
    'hello\r\n\r\n',
    'GET /healthz HTTP/1.1\r\n\r\n',
    `GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-Huge: ${'x'.repeat(64 * 1024)}\r\n\r\n`,
    'GET /healthz HTTP/1.1\r\nHost: localhost\r\nExpect: much\r\nConnection: close\r\n\r\n',
    `GET /nowhere HTTP/1.1\r\nHost: localhost\r\nConnection: upgrade, close\r\nUpgrade: websocket\r\n\r\n`,
  ]) {
    expect(await service.raw(bytes)).toMatch(/^HTTP\/1\.1 4\d\d [^\r]+\r\n(?:[^\r]+\r\n)*x-request-id: [0-9a-f]{12}-/i)
  }
  await service.call('PUT', '/collections/a', DOT)
  const socket = new WebSocket(`${service.url.replace('http', 'ws')}${QUERY}`)
  onTestFinished(() => socket.terminate())
  const [opened] = await once(socket, 'upgrade')
  expect(idOf(opened)).toMatch(/^[0-9a-f]{12}-/)
})

it("is the client's own where that is visible ASCII of at most 128 characters, in every thread", async () => {
  const folder = await mkdtemp(join(tmpdir(), 'vicinal-ids-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  const database = await openSharing(folder)
  onTestFinished(() => database.close())
  const service = await startThreaded(database, { count: 2 })
  onTestFinished(() => service.close(0))
  const lines = [new Line(service.url), new Line(service.url), new Line(service.url)]
  await lines[0]?.call('PUT', '/collections/a', DOT)
  for (const line of lines) {
    for (const [method, path, body] of [
      ['GET', '/healthz', undefined],
      ['POST', QUERY, { query: [1, 2] }],
      ['PUT', '/collections/a/points?wait=true', { points: [{ id: 1, vector: [1, 2] }] }],
      ['POST', '/collections/gone/points/query', { query: [1, 2] }],
    ] as const) {
      const ask = async (id: string) => idOf(await line.call(method, path, body, { headers: { 'x-request-id': id } }))
      expect(await ask('trace/17:~!')).toBe('trace/17:~!')
      expect(await ask('x'.repeat(128))).toBe('x'.repeat(128))
      for (const wrong of ['x'.repeat(129), 'two words', 'caf\u00e9', '']) {
        expect(await ask(wrong)).toMatch(/^[0-9a-f]{12}-[0-9a-z]+$/)
      }
    }
  }
})
