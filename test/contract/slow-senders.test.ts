/** Clients that send their bodies slowly, or never, beside others that must be served meanwhile. */
import { mkdtemp, rm } from 'node:fs/promises'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Worker } from 'node:worker_threads'
import { describe, expect, it, onTestFinished } from 'vitest'
import WebSocket from 'ws'
import { openSharing } from '../../src/engine/database/open.js'
import { memoryBudget } from '../../src/engine/memory/memory-budget.js'
import type { ServerOptions } from '../../src/server/app.js'
import { Asking } from './asking.js'
import { Line, startThreaded, type ThreadedService } from './threaded.js'

const KIB = 1024
const MIB = 1024 * KIB
/** Far above the present use, because the tests' own process has to fit. */
const LIMIT = 16_384 * MIB
/** Of the rate that bodies have to come with: a busy machine may hold a steady client up for a part of it. */
const WINDOW_MS = 4_000
/** A steady client sends a piece at each of its steps, which is many times the least rate. */
const PIECE_BYTES = 16 * KIB
const STEP_MS = 150
const POINTS = '/collections/a/points'
const QUERY = `${POINTS}/query`

async function start(options: Partial<ServerOptions> & { count?: number } = {}): Promise<ThreadedService> {
  const folder = await mkdtemp(join(tmpdir(), 'vicinal-slow-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  const database = await openSharing(folder, options.memory ? { memoryLimitBytes: LIMIT } : {})
  onTestFinished(() => database.close())
  const service = await startThreaded(database, { count: 0, ...options })
  onTestFinished(() => service.close(0))
  const [key] = options.apiKeys ?? []
  const made = await new Line(service.url).call(
    'PUT',
    '/collections/a',
    { vectors: { size: 2, distance: 'Dot' } },
    key ? { headers: { 'api-key': key } } : {},
  )
  expect(made.status).toBe(200)
  return service
}

/** A request whose body the test sends piece by piece. */
class Sender {
  answer = ''
  isClosed = false
  readonly #socket: Socket

  constructor(
    service: ThreadedService,
    declared: number | null,
    { path = POINTS, method = 'PUT', key = '', type = 'application/json' } = {},
  ) {
    const framing = declared === null ? 'transfer-encoding: chunked' : `content-length: ${declared}`
    const head = `${method} ${path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: ${type}\r\n${framing}\r\n`
    this.#socket = connect(Number(new URL(service.url).port), '127.0.0.1')
    this.#socket.on('error', () => {}).on('close', () => (this.isClosed = true))
    this.#socket.on('data', (chunk) => (this.answer += chunk.toString('latin1')))
    this.#socket.write(`${head}${key && `api-key: ${key}\r\n`}\r\n`)
    onTestFinished(() => void this.#socket.destroy())
  }

  send(text: string): this {
    if (this.#socket.writable) this.#socket.write(text)
    return this
  }

  /** Bytes that the service has not taken. */
  get unsent(): number {
    return this.#socket.writableLength
  }

  get status(): number {
    return Number(/^HTTP\/1\.1 (\d+)/.exec(this.answer)?.[1] ?? 0)
  }
}

/** Resolves once so many requests have begun. */
const begun = (service: ThreadedService, count: number, key = '') =>
  expect
    .poll(async () => {
      const { bytes } = await new Line(service.url).call('GET', '/metrics', undefined, { headers: { 'api-key': key } })
      return Number(/^rest_requests_in_work (\d+)/m.exec(bytes.toString())?.[1])
    })
    .toBe(count)

const upsert = (bytes: number) => `{"points":[{"id":1,"vector":[1,2]}]${' '.repeat(bytes - 36)}}`
const put = (service: ThreadedService, bytes: number, key = '') =>
  new Line(service.url).call('PUT', POINTS, Buffer.from(upsert(bytes)), key ? { headers: { 'api-key': key } } : {})

describe.each([
  ['one thread', 0],
  ['threads beside it', 2],
])('slow bodies, of %s', (_name, count) => {
  it('16 clients that declare 64 MiB and send a byte leave room for others', async () => {
    const service = await start({ count })
    const senders = Array.from({ length: 16 }, () => new Sender(service, 64 * MIB).send('{'))
    await begun(service, senders.length)
    for (let i = 0; i < 4; i++) expect((await put(service, MIB)).status).toBe(200)
    expect(senders.filter(({ status }) => status !== 0)).toEqual([])
  })

  it('a trickling client is cut whatever it declares; a steady one is not', async () => {
    const service = await start({ count, bodyWindowMs: WINDOW_MS })
    const tricklers = [40, 64 * KIB * 2, null].map((declared) => new Sender(service, declared))
    const text = upsert(50 * PIECE_BYTES)
    const steady = new Sender(service, text.length)
    for (let sent = 0; sent < text.length; sent += PIECE_BYTES) {
      steady.send(text.slice(sent, sent + PIECE_BYTES))
      if (sent % (4 * PIECE_BYTES) === 0)
        for (const [at, { send }] of tricklers.entries()) send.call(tricklers[at], at === 2 ? '1\r\n{\r\n' : '{')
      // The test is about the rate.
      await sleep(STEP_MS)
    }
    await expect
      .poll(() => tricklers.map(({ status, isClosed }) => [status, isClosed]))
      .toEqual([
        [408, true],
        [408, true],
        [408, true],
      ])
    await expect.poll(() => steady.status).toBe(200)
    expect(tricklers[0]?.answer).toMatch(/at least 16384 bytes a second/)
  })

  it('a client that the service itself holds up is not cut, and continues once there is room', async () => {
    const service = await start({ count, bodyWindowMs: WINDOW_MS, maxBodyBytesInWork: 256 * KIB })
    // The first exceeds the bound; while it comes, the second waits.
    const text = upsert(75 * PIECE_BYTES)
    const head = 25 * PIECE_BYTES
    const first = new Sender(service, text.length).send(text.slice(0, head))
    await begun(service, 1)
    const second = new Sender(service, text.length).send(text)
    for (let sent = head; sent < text.length; sent += PIECE_BYTES) {
      first.send(text.slice(sent, sent + PIECE_BYTES))
      // The test is about the rate.
      await sleep(STEP_MS)
    }
    await expect.poll(() => first.status).toBe(200)
    await expect.poll(() => second.status).toBe(200)
  })

  it('a client that waits too long is refused, and its room is freed', async () => {
    const service = await start({ count, bodyWindowMs: 60_000, bodyWaitMs: 300, maxBodyBytesInWork: 256 * KIB })
    const text = upsert(600 * KIB)
    const senders = [1, 2, 3].map(() => new Sender(service, text.length).send(text.slice(0, 300 * KIB)))
    await expect.poll(() => senders.map(({ status }) => status).sort()).toEqual([0, 429, 429])
    for (const sender of senders) if (sender.status === 0) sender.send(text.slice(300 * KIB))
    await expect.poll(() => senders.map(({ status }) => status).sort()).toEqual([200, 429, 429])
    expect((await put(service, 300 * KIB)).status).toBe(200)
  })

  it('what they hold of each bound is told, with the bound', async () => {
    const service = await start({ count, maxBodyBytesInWork: 2 * MIB, maxAnswerBytesInWork: 3 * MIB })
    const gauges = async () => {
      const { bytes } = await new Line(service.url).call('GET', '/metrics')
      const told = bytes.toString().matchAll(/^rest_(\w+_bytes|streams)(_limit)? (\d+)$/gm)
      return Object.fromEntries(Array.from(told, ([, name, limit = '', value]) => [`${name}${limit}`, Number(value)]))
    }
    const bounds = { read_body_bytes_limit: 2 * MIB, write_body_bytes_limit: 2 * MIB, answer_bytes_limit: 3 * MIB }
    const none = { read_body_bytes: 0, write_body_bytes: 0, answer_bytes: 0, streams: 0, streams_limit: 4, ...bounds }
    expect(await gauges()).toEqual(none)
    const text = upsert(600 * KIB)
    const sender = new Sender(service, text.length).send(text.slice(0, 300 * KIB))
    await expect.poll(gauges).toEqual({ ...none, write_body_bytes: 300 * KIB })
    const stream = await new Asking(service.url).opened()
    await expect.poll(gauges).toEqual({ ...none, write_body_bytes: 300 * KIB, streams: 1 })
    stream.socket.close()
    sender.send(text.slice(300 * KIB))
    await expect.poll(() => sender.status).toBe(200)
    await expect.poll(gauges).toEqual(none)
  })

  it('a message of a stream that trickles ends its stream; one that comes steadily is answered', async () => {
    const service = await start({ count, bodyWindowMs: WINDOW_MS })
    const open = () => new Asking(service.url).opened()
    const [trickling, fragmented, steady, idle] = [await open(), await open(), await open(), await open()]
    const ends = Promise.all([trickling.closed(), fragmented.closed()])
    const bytesTo = ({ socket }: Asking) => (socket as unknown as { _socket: Socket })._socket
    const length = 25 * PIECE_BYTES
    // A frame of a text, with a mask of zeros.
    const head = (of: number) =>
      Buffer.from([0x81, 0x80 | 127, 0, 0, 0, 0, of >> 24, of >> 16, of >> 8, of, 0, 0, 0, 0])
    const text = Buffer.from(`{"query":[1,2]${' '.repeat(length - 15)}}`)
    bytesTo(trickling).write(head(length))
    bytesTo(steady).write(head(length))
    let isOver = false
    void ends.then(() => (isOver = true))
    for (let sent = 0; sent < length || !isOver; sent += PIECE_BYTES) {
      bytesTo(steady).write(text.subarray(sent, sent + PIECE_BYTES))
      if (bytesTo(trickling).writable) bytesTo(trickling).write(text.subarray(0, 1))
      if (fragmented.socket.readyState === WebSocket.OPEN) fragmented.socket.send('{', { fin: false })
      idle.socket.ping()
      // The test is about the rate.
      await sleep(STEP_MS)
    }
    expect(await ends).toEqual([1008, 1008])
    const { bytes } = await steady.next()
    expect(JSON.parse(bytes.toString()).status).toBe('ok')
    expect((await idle.json({ query: [1, 2] })).status).toBe('ok')
  })

  it('those of writes leave those of reads their own room', async () => {
    const service = await start({ count, maxBodyBytesInWork: 256 * KIB, bodyWaitMs: 60_000 })
    const text = upsert(600 * KIB)
    for (let i = 0; i < 3; i++) new Sender(service, text.length).send(text.slice(0, 300 * KIB))
    await begun(service, 3)
    const query = Buffer.from(`{"query":[1,2]${' '.repeat(200 * KIB)}}`)
    expect((await new Line(service.url).call('POST', QUERY, query)).status).toBe(200)
  })

  it('one key at its share leaves others theirs, in places and in bytes', async () => {
    const keys = { apiKeys: ['one', 'two'], readOnlyApiKeys: ['look'] }
    const bounds = { maxBodyBytesInWork: 4 * MIB, maxConcurrentReads: 4, bodyWaitMs: 60_000 }
    const service = await start({ count, ...keys, ...bounds })
    const text = upsert(600 * KIB)
    const senders = Array.from({ length: 8 }, () =>
      new Sender(service, text.length, { key: 'one' }).send(text.slice(0, 550 * KIB)),
    )
    await begun(service, senders.length, 'two')
    for (let i = 0; i < 3; i++) expect((await put(service, 256 * KIB, 'two')).status).toBe(200)
    const reads = { path: QUERY, method: 'POST', key: 'look' }
    const stalled = [1, 2, 3].map(() => new Sender(service, 100, reads).send('{'))
    await expect.poll(() => stalled.map(({ status }) => status).sort()).toEqual([0, 0, 429])
    const headers = { 'api-key': 'two' }
    expect((await new Line(service.url).call('POST', QUERY, { query: [1, 2] }, { headers })).status).toBe(200)
    expect(senders.filter(({ status }) => status !== 0)).toEqual([])
  })
})

it('a trickling upload is cut', async () => {
  const service = await start({ bodyWindowMs: 500 })
  const type = 'multipart/form-data; boundary=x'
  const upload = new Sender(service, 64 * MIB, { path: '/collections/b/snapshots/upload', method: 'POST', type })
  upload.send('--x\r\ncontent-disposition: form-data; name="snapshot"; filename="s"\r\n\r\n')
  const trickling = setInterval(() => upload.send('x'), 20)
  onTestFinished(() => clearInterval(trickling))
  await expect.poll(() => [upload.status, upload.isClosed]).toEqual([408, true])
})

it('under a memory limit, a body reserves room for what arrives, not for what it declares', async () => {
  const service = await start({ memory: memoryBudget })
  const senders = Array.from({ length: 16 }, () => new Sender(service, 64 * MIB).send(' '.repeat(300 * KIB)))
  await expect.poll(() => senders.every(({ unsent }) => unsent === 0)).toBe(true)
  await expect.poll(() => memoryBudget.reservedBytes).toBeGreaterThan(16 * 64 * KIB)
  expect(memoryBudget.reservedBytes).toBeLessThanOrEqual(16 * 300 * KIB)
  expect((await put(service, MIB)).status).toBe(200)
})

it('places are shared by all threads, and a thread that ends frees its places', async () => {
  const workers: Worker[] = []
  const onWorker = (worker: Worker) => void workers.push(worker)
  process.on('worker', onWorker)
  onTestFinished(() => void process.off('worker', onWorker))
  const service = await start({ count: 1, maxConcurrentReads: 4 })
  const reads = { path: QUERY, method: 'POST' }
  for (let i = 0; i < 4; i++) new Sender(service, 100, reads).send('{')
  await begun(service, 4)
  const statuses = () =>
    Promise.all([1, 2].map(async () => (await new Line(service.url).call('POST', QUERY, { query: [1, 2] })).status))
  expect(await statuses()).toEqual([429, 429])
  await workers[0]?.terminate()
  await expect.poll(statuses).toEqual([200, 200])
})

it('a body sent byte by byte takes no more memory than one of large pieces', async () => {
  const service = await start({ bodyWindowMs: 60_000 })
  const sender = new Sender(service, null)
  const text = upsert(MIB)
  const before = process.memoryUsage().rss
  for (let at = 0; at < text.length; at += 64 * KIB) {
    sender.send([...text.slice(at, at + 64 * KIB)].map((byte) => `1\r\n${byte}\r\n`).join(''))
    // The service gets a turn to read each piece.
    await sleep(1)
  }
  await expect.poll(() => sender.unsent).toBe(0)
  expect(process.memoryUsage().rss - before).toBeLessThan(100 * MIB)
  sender.send('0\r\n\r\n')
  await expect.poll(() => sender.status).toBe(200)
})
