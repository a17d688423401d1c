/** Reads through WebSockets: a message gets the answer of a request, on every thread. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import type WebSocket from 'ws'
import { openSharing } from '../../src/engine/database/open.js'
import { Asking, type Json, MSGPACK, packr, QUERY } from './asking.js'
import { Line, raw, startThreaded, type ThreadedService, untilRefused } from './threaded.js'

/** Cuts only what hangs: a busy machine reads the answers under way in many seconds. */
const STOP_MS = 300_000
/** Later than the limit of a test. */
const LATE_MS = 3_600_000

const without = ({ time, ...rest }: Json) => {
  expect(time).toBeGreaterThanOrEqual(0)
  return rest
}

describe.each([
  ['the thread that has the database', 0],
  ['threads beside it', 2],
])('streams of %s', (_name, threads) => {
  let service: ThreadedService
  let line: Line

  beforeEach(async () => {
    const folder = await mkdtemp(join(tmpdir(), 'vicinal-streams-'))
    onTestFinished(() => rm(folder, { recursive: true }))
    const database = await openSharing(folder)
    onTestFinished(() => database.close())
    service = await startThreaded(database, { count: threads, closeLingerMs: 50 })
    onTestFinished(() => service.close(0))
    line = new Line(service.url)
    await line.call('PUT', '/collections/a', { vectors: { size: 2, distance: 'Dot' } })
    await line.call('PUT', '/collections/a/index?wait=true', { field_name: 'kind', field_schema: 'keyword' })
    const points = Array.from({ length: 40 }, (_, id) => ({
      id,
      vector: [id / 40, 1],
      payload: { kind: `k${id % 3}`, text: 'ä'.repeat(id) },
    }))
    await line.call('PUT', '/collections/a/points?wait=true', { points })
  })

  /** Several, so that each thread has one. */
  const streams = (path = QUERY, options: WebSocket.ClientOptions = {}) =>
    Promise.all(Array.from({ length: 3 }, () => new Asking(service.url, path, options).opened()))

  it('answer like requests, in JSON and in MessagePack', async () => {
    const near = { query: [1, 0], limit: 3, with_payload: true, with_vector: true }
    const asked: [string, unknown][] = [
      [QUERY, near],
      [QUERY, { ...near, explain: true, params: { recall: 0.99 } }],
      [`${QUERY}/batch`, { searches: [near, { query: 3, limit: 2 }] }],
      [`${QUERY}/groups`, { query: [1, 0], group_by: 'kind', group_size: 2 }],
      ['/collections/a/points', { ids: [3, 39], with_vector: true }],
      ['/collections/a/points/scroll', { limit: 2, filter: { must: [{ key: 'kind', match: { value: 'k1' } }] } }],
      ['/collections/a/points/count', {}],
      ['/collections/a/points/search', { vector: [0, 1], limit: 2 }],
      ['/collections/a/facet', { key: 'kind' }],
    ]
    const told = (answer: Json) =>
      JSON.parse(JSON.stringify(without(answer), (key, value) => (/us$|time/.test(key) ? 0 : value)))
    for (const [path, body] of asked) {
      const expected = await line.call('POST', path, body)
      expect(expected.status, path).toBe(200)
      const packed = await line.call('POST', path, packr.pack(body), {
        headers: { 'content-type': MSGPACK, accept: MSGPACK },
      })
      for (const stream of await streams(path)) {
        for (let times = 0; times < 3; times++) {
          expect(told(await stream.json(body)), path).toEqual(told(expected.json))
          expect(told(await stream.msgpack(body)), path).toEqual(told(packr.unpack(packed.bytes)))
        }
      }
    }
  })

  it('return payloads as text if the opening request accepts it', async () => {
    const headers = { accept: `${MSGPACK};payload=text` }
    for (const stream of await streams(QUERY, { headers })) {
      const { result } = await stream.msgpack({ query: [1, 0], limit: 1, with_payload: ['kind'] })
      expect(Buffer.from(result.points[0].payload).toString()).toBe('{"kind":"k0"}')
    }
  })

  it('answer errors like requests, and go on', async () => {
    const unknown = '/collections/none/points/query'
    const wrong: [string, string][] = [
      [QUERY, '{"query":[1,'],
      [QUERY, '{"query":[1,0],"limit":0}'],
      [QUERY, '{"query":[1,0,0]}'],
      [QUERY, '[]'],
      [QUERY, '{"query":7000}'],
      [`${QUERY}?timeout=0`, '{}'],
      [`${QUERY}?consistency=none`, '{}'],
      [`${QUERY}?consistency=majority?x`, '{}'],
      [unknown, '{"query":[1,0]}'],
    ]
    for (const [path, text] of wrong) {
      const expected = await line.call('POST', path, Buffer.from(text))
      expect(expected.status, text).toBeGreaterThanOrEqual(400)
      for (const stream of await streams(path)) {
        expect(without(await stream.json(text)), text).toEqual(without(expected.json))
        expect(without(await stream.json(text)), text).toEqual(without(expected.json))
      }
    }
    for (const stream of await streams()) {
      expect((await stream.msgpack(Buffer.from([0x81, 0xa1]))).status.code).toBe('INVALID_ARGUMENT')
      expect((await stream.msgpack(Buffer.from([0xd4, 0, 0]))).status.error).toContain('extension types')
      expect((await stream.json('')).result.points).toHaveLength(10)
      expect((await stream.msgpack({ query: [1, 0], limit: 2 })).result.points).toHaveLength(2)
    }
  })

  it('answer in the order of questions, however many are sent at once', async () => {
    for (const stream of await streams()) {
      const limits = Array.from({ length: 500 }, (_, i) => 1 + ((i * 7) % 40))
      for (const [i, limit] of limits.entries()) {
        const body = { query: [1, 0], limit, params: { exact: i % 5 === 0 } }
        if (i % 2 === 0) stream.socket.send(packr.pack(body))
        else stream.socket.send(JSON.stringify(body))
      }
      for (const [i, limit] of limits.entries()) {
        const { bytes, isBinary } = await stream.next()
        expect(isBinary).toBe(i % 2 === 0)
        const { result } = isBinary ? packr.unpack(bytes) : JSON.parse(bytes.toString())
        expect(result.points).toHaveLength(limit)
      }
    }
  })

  it('take messages in fragments', async () => {
    for (const stream of await streams()) {
      const bytes = packr.pack({ query: [1, 0], limit: 4 })
      for (let at = 0; at < bytes.length; at++) {
        stream.socket.send(bytes.subarray(at, at + 1), { fin: at === bytes.length - 1, binary: true })
      }
      expect(packr.unpack((await stream.next()).bytes).result.points).toHaveLength(4)
    }
  })

  it('find everything written before the question, and nothing that was replaced', async () => {
    const all = await streams()
    const ids = async (stream: Asking) =>
      (await stream.json({ query: [0, 1], limit: 1 })).result?.points.map(({ id }: Json) => id)
    for (let id = 100; id < 130; id++) {
      await line.call('PUT', '/collections/a/points?wait=true', { points: [{ id, vector: [0, id] }] })
      for (const stream of all) expect(await ids(stream)).toEqual([id])
    }
    await line.call('DELETE', '/collections/a')
    for (const stream of all) expect((await stream.json({ query: [0, 1] })).status.code).toBe('NOT_FOUND')
    await line.call('PUT', '/collections/a', { vectors: { size: 2, distance: 'Dot' } })
    await line.call('PUT', '/collections/a/points?wait=true', { points: [{ id: 7, vector: [0, 1] }] })
    for (const stream of all) expect(await ids(stream)).toEqual([7])
  })

  it('ignore body headers of the request that opened them', async () => {
    for (const headers of [{ expect: 'more' }, { 'content-encoding': 'gzip' }]) {
      const all = await Promise.all(
        [1, 2, 3].map(() => new Asking(service.url, QUERY, { headers: headers as Record<string, string> }).opened()),
      )
      for (const stream of all) for (let i = 0; i < 3; i++) expect((await stream.json({ limit: 1 })).status).toBe('ok')
    }
  })

  it('are counted like the requests that they stand for', async () => {
    const count = async () => {
      const { json } = await line.call('GET', '/telemetry?details_level=1')
      return json.result.requests.rest.responses['POST /collections/{name}/points/query']
    }
    const all = await streams()
    for (const stream of all) for (let i = 0; i < 5; i++) await stream.json({ query: [1, 0] })
    for (const stream of all) await stream.json({ limit: 0 })
    expect(await count()).toEqual({ 200: { count: 15 }, 422: { count: 3 } })
    // Each thread beside answers once it knows the collection; until then it forwards.
    const answeredBeside = async () => {
      for (let times = 0; times < 20; times++) for (const stream of all) await stream.json({ query: [1, 0] })
      return (await service.threads.states()).map(({ routes }) =>
        routes.reduce((sum, { endpoint, count }) => (endpoint.endsWith('/points/query') ? sum + count : sum), 0),
      )
    }
    await expect
      .poll(async () => (await answeredBeside()).map((count) => count > 50))
      .toEqual(Array(threads).fill(true))
  })

  it('are told that the service stops, once their messages are answered', async () => {
    const all = await streams()
    for (const stream of all) await stream.json({ query: [1, 0] })
    const closed = all.map((stream) => stream.closed())
    const messages = Array.from({ length: 20 }, () => '{"query":[1,0],"limit":1}')
    for (const stream of all) stream.sendTogether(messages)
    const isAnswered = async (stream: Asking) => expect((await stream.next()).bytes.toString()).toContain('"ok"')
    await Promise.all(all.map(isAnswered))
    // By the suite's limit it ends by itself, since its own deadline is later.
    const closing = service.close(LATE_MS)
    for (const stream of all) for (let i = 1; i < messages.length; i++) await isAnswered(stream)
    expect(await Promise.all(closed)).toEqual([1001, 1001, 1001])
    await closing
  })

  const LARGE = '{"query":[1,0],"limit":100,"with_payload":true}'
  /** An answer to LARGE is half a megabyte. */
  const fillLarge = async () => {
    const points = Array.from({ length: 100 }, (_, id) => ({
      id,
      vector: [1, 1],
      payload: { text: 'x'.repeat(5_000) },
    }))
    await line.call('PUT', '/collections/a/points?wait=true', { points })
  }
  /** The service reads ahead of its answers by a chunk of the connection, which has few messages of this length. */
  const PADDED = LARGE.padEnd(2_000)
  const SENT = 300
  const answered = async () => {
    const { json } = await line.call('GET', '/telemetry?details_level=1')
    return json.result.requests.rest.responses['POST /collections/{name}/points/query']?.[200].count ?? 0
  }

  it('are answered completely when the service stops, or not at all', async () => {
    await fillLarge()
    const all = await streams()
    for (const stream of all) await stream.json(LARGE)
    const counts = all.map(() => 1)
    for (const [i, { socket }] of all.entries()) {
      socket.removeAllListeners('message')
      socket.on('message', (bytes) => {
        expect(JSON.parse(bytes.toString()).result.points).toHaveLength(100)
        counts[i] = (counts[i] as number) + 1
      })
      socket.pause()
      for (let i = 0; i < SENT; i++) socket.send(PADDED)
    }
    // Each stream had one answer before; the service is now answering those that nobody reads.
    await expect.poll(answered).toBeGreaterThan(all.length)
    const closed = all.map((stream) => stream.closed())
    const closing = service.close(STOP_MS)
    await untilRefused(service.url)
    for (const { socket } of all) socket.resume()
    expect(await Promise.all(closed)).toEqual([1001, 1001, 1001])
    await closing
    for (const count of counts) expect(count).toBeLessThan(SENT)
  })

  it('wait for readers that do not read, and lose no answer', async () => {
    await fillLarge()
    const [stream] = (await streams()) as [Asking]
    stream.socket.pause()
    const asked = 200
    for (let i = 0; i < asked; i++) stream.socket.send(LARGE)
    let before = -1
    for (let now = 0; now !== before; now = await answered()) {
      before = now
      // That nothing more is answered has no event.
      await sleep(300)
    }
    expect(before).toBeLessThan(asked / 2)
    stream.socket.resume()
    for (let i = 0; i < asked; i++)
      expect(JSON.parse((await stream.next()).bytes.toString()).result.points).toHaveLength(100)
  })

  it('leave requests that offer another protocol unchanged', async () => {
    const port = Number(new URL(service.url).port)
    const body = '{"query":[1,0],"limit":1}'
    const offer = (more: string) =>
      `POST ${QUERY} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: ${more}Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`
    const plain = `POST ${QUERY} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`
    const large = { id: 500, vector: [0, 0], payload: { text: 'x'.repeat(500_000) } }
    await line.call('PUT', '/collections/a/points?wait=true', { points: [large] })
    const warnings: Error[] = []
    const warn = (warning: Error) => void warnings.push(warning)
    process.on('warning', warn)
    onTestFinished(() => void process.off('warning', warn))
    const headers = { connection: 'Upgrade', upgrade: 'h2c' }
    for (const stubborn of [new Line(service.url), new Line(service.url), new Line(service.url)]) {
      for (let times = 0; times < 30; times++)
        expect((await stubborn.call('GET', '/healthz', undefined, { headers })).status).toBe(200)
    }
    expect(warnings).toEqual([])
    for (let times = 0; times < 6; times++) {
      const answers = (await raw(port, `${offer('')}${offer('')}${plain}`)).split('HTTP/1.1 ').slice(1)
      expect(answers).toHaveLength(3)
      for (const answer of answers) expect(answer).toMatch(/^200 OK[\s\S]*"id":39/)
      // Handed back piece by piece if the other thread has it.
      const asksLarge = 'GET /collections/a/points/500 HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n'
      const both = (await raw(port, `${asksLarge}${offer('close, ')}`)).split('HTTP/1.1 ').slice(1)
      expect(both.map((answer) => answer.length > 400_000)).toEqual([true, false])
      expect(await raw(port, offer('close, '))).toMatch(/^HTTP\/1.1 200 OK[\s\S]*"id":39/)
    }
    expect(service.trouble).toEqual([])
  })
})
