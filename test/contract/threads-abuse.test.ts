/** Hostile requests to serving threads; each of these was once a fault. */
import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Worker } from 'node:worker_threads'
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { openSharing } from '../../src/engine/database/open.js'
import type { SharingDatabase } from '../../src/engine/database/sharing.js'
import { Line, raw, startThreaded, type ThreadedService } from './threaded.js'

const DOT = { vectors: { size: 2, distance: 'Dot' } }
const QUERY = '/collections/a/points/query'
const MIB = 1024 * 1024
/** Later than the limit of a test. */
const LATE_MS = 3_600_000

let database: SharingDatabase
let service: ThreadedService
const log: string[] = []
const workers: Worker[] = []
/** With one thread beside, the first connection goes to it, the next one to the main thread. */
const start = async (options: Parameters<typeof startThreaded>[1] = {}) => {
  const folder = await mkdtemp(join(tmpdir(), 'vicinal-abuse-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  const onWorker = (worker: Worker) => void workers.push(worker)
  process.on('worker', onWorker)
  onTestFinished(() => void process.off('worker', onWorker))
  database = await openSharing(folder)
  onTestFinished(() => database.close())
  log.length = workers.length = 0
  const logStream = { write: (line: string) => void log.push(line) }
  service = await startThreaded(database, { count: 1, logStream, logLevel: 'warn', ...options })
  onTestFinished(() => service.close(0))
}
const portOf = () => Number(new URL(service.url).port)
const sockets = () => readdirSync('/proc/self/fd').length

describe('threads that read', () => {
  beforeEach(() => start())

  it('are not ended by headers that cannot be forwarded', async () => {
    for (const headers of ['trailer: x', 'te: trailers', 'upgrade: h2c\r\nconnection: upgrade', 'keep-alive: x']) {
      const answer = await raw(
        portOf(),
        `GET /healthz HTTP/1.1\r\nhost: localhost\r\n${headers}\r\nconnection: close\r\n\r\n`,
      )
      expect([headers, answer.slice(0, 15)]).toEqual([headers, 'HTTP/1.1 200 OK'])
    }
    expect(service.trouble).toEqual([])
  })

  it('hand on a request of many headers with all that they say of it', async () => {
    const many = 'a:\r\n'.repeat(2_500)
    const answer = await raw(portOf(), `GET /healthz HTTP/1.1\r\nhost: localhost\r\n${many}connection: close\r\n\r\n`)
    expect(answer).toMatch(/^HTTP\/1\.1 200 OK/)
    const refused = await raw(portOf(), `GET /nope HTTP/1.1\r\nhost: localhost\r\n${many}host: evil\r\n\r\n`)
    expect(refused).toMatch(/^HTTP\/1\.1 400 /)
  })

  it('answer reads of several steps whatever else changes', async () => {
    const lines = [new Line(service.url), new Line(service.url)] as const
    await lines[0].call('PUT', '/collections/a', DOT)
    const points = Array.from({ length: 50 }, (_, id) => ({ id, vector: [id, 1], payload: { group: id % 5 } }))
    await lines[0].call('PUT', '/collections/a/points?wait=true', { points })
    const reads = [
      ['/collections/a/points/search/matrix/pairs', { sample: 10, limit: 3 }],
      [QUERY, { prefetch: [{ query: [1, 0] }, { query: [0, 1] }], query: { fusion: 'rrf' } }],
      ['/collections/a/points/query/groups', { query: [1, 0], group_by: 'group' }],
      ['/collections/a/points/recommend', { positive: [1, 2], limit: 3 }],
      [QUERY, { query: 3, lookup_from: { collection: 'a' } }],
    ] as const
    let isDone = false
    const readers = [lines[0], new Line(service.url), new Line(service.url)].map(async (line) => {
      const statuses = new Set<number>()
      for (let i = 0; !isDone; i++) {
        const [path, body] = reads[i % reads.length] as (typeof reads)[number]
        statuses.add((await line.call('POST', path, body)).status)
      }
      return [...statuses]
    })
    for (let i = 0; i < 100; i++) {
      const actions = [{ create_alias: { alias_name: `x${i}`, collection_name: 'a' } }]
      expect((await lines[1].call('POST', '/collections/aliases', { actions })).status).toBe(200)
    }
    isDone = true
    expect(await Promise.all(readers)).toEqual([[200], [200], [200]])
  })

  it('release a request that was answered before its body had come', async () => {
    const before = sockets()
    for (let i = 0; i < 20; i++) {
      const socket = connect(portOf(), '127.0.0.1')
      socket.write(`GET /healthz HTTP/1.1\r\nhost: localhost\r\ncontent-length: ${MIB}\r\n\r\n`)
      expect(String((await once(socket, 'data'))[0])).toMatch(/^HTTP\/1.1 200 /)
      if (i % 2 === 0) {
        // The connection can be used again.
        socket.write(Buffer.alloc(MIB, 'x'))
        socket.write('GET /livez HTTP/1.1\r\nhost: localhost\r\n\r\n')
        expect(String((await once(socket, 'data'))[0])).toContain('healthz check passed')
      }
      socket.destroy()
    }
    await expect.poll(sockets).toBeLessThan(before + 5)
    // By the suite's limit it ends by itself, since its own deadline is later.
    await service.close(LATE_MS)
  })

  it('answer a rush of connections', async () => {
    await start({ count: 3 })
    const lines = Array.from({ length: 1_200 }, () => new Line(service.url))
    const answers = await Promise.all(lines.map((line) => line.call('GET', '/collections')))
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]))
  })

  it('remember only a bounded number of names', async () => {
    const line = new Line(service.url)
    const usedBefore = process.memoryUsage().rss
    for (let i = 0; i < 3_000; i++) {
      const path = `/collections/${i}${'n'.repeat(i % 2 === 0 ? 240 : 12_000)}/points/query`
      expect((await line.call('POST', path, { query: [1, 0] })).status).toBe(i % 2 === 0 ? 404 : 400)
    }
    expect(process.memoryUsage().rss - usedBefore).toBeLessThan(100 * MIB)
  })

  it('answer a repeated Expect header with one 100 Continue', async () => {
    const body = JSON.stringify(DOT)
    const socket = connect(portOf(), '127.0.0.1')
    const expects = 'expect: 100-continue\r\nexpect: 100-continue'
    socket.write(
      `PUT /collections/b HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n${expects}\r\ncontent-length: ${body.length}\r\n\r\n`,
    )
    expect(String((await once(socket, 'data'))[0])).toBe('HTTP/1.1 100 Continue\r\n\r\n')
    socket.write(body)
    expect(String((await once(socket, 'data'))[0])).toMatch(/^HTTP\/1.1 200 /)
    socket.destroy()
  })
})

describe('threads that read, with keys', () => {
  beforeEach(() => start({ apiKeys: ['writer'], readOnlyApiKeys: ['reader'], maxBodyBytes: 3 * MIB }))

  it('report an error in a request before its whole body was sent', async () => {
    const line = new Line(service.url)
    for (let i = 0; i < 30; i++) {
      const key = [undefined, 'reader', 'writer'][i % 3]
      const headers = key ? { 'api-key': key } : {}
      const status = await line
        .call('PUT', '/collections/a/points', Buffer.alloc(4 * MIB, ' '), { headers })
        .then((answer) => answer.status)
        // As with one thread: the connection ends with the answer, and a client that is still writing may not see it.
        .catch((error: NodeJS.ErrnoException) => error.code)
      expect([[401, 403, 413][i % 3], 'EPIPE', 'ECONNRESET']).toContain(status)
    }
  })

  it('log refused requests', async () => {
    await new Line(service.url).call('PUT', '/collections/a', DOT)
    expect(log.map((line) => JSON.parse(line))).toMatchObject([{ code: 'UNAUTHENTICATED', peer: '127.0.0.1' }])
    await new Line(service.url).call('GET', '/collections', undefined, { headers: { 'x-vicinal-peer': '10.0.0.1' } })
    expect(log.at(-1)).not.toContain('10.0.0.1')
  })
})

it('counters do not go back when a thread ends', async () => {
  await start({ count: 1 })
  const line = new Line(service.url)
  await line.call('PUT', '/collections/a', DOT)
  const counted = async () => {
    const { bytes } = await new Line(service.url).call('GET', '/metrics')
    const of = (pattern: RegExp) => Number(bytes.toString().match(pattern)?.[1] ?? 0)
    return [of(/rest_responses_total{.*points\/query",status="200"} (\d+)/), of(/^rest_threads (\d+)/m)]
  }
  for (let i = 0; i < 100; i++) await line.call('POST', QUERY, { query: [1, 0] })
  expect(await counted()).toEqual([100, 2])
  // Resolves after the main thread has seen the end.
  await workers[0]?.terminate()
  // A replacement starts after a second; whether it has is up to the machine.
  expect((await counted())[0]).toBe(100)
})
