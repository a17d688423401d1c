/** Clients that take their answers slowly, or never. */
import { mkdtemp, rm } from 'node:fs/promises'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it, onTestFinished } from 'vitest'
import { openSharing } from '../../src/engine/database/open.js'
import type { ServerOptions } from '../../src/server/app.js'
import { Asking } from './asking.js'
import { Line, startThreaded, type ThreadedService } from './threaded.js'

const KIB = 1024
const MIB = 1024 * KIB
const SCROLL = '/collections/a/points/scroll'
const POINT_BYTES = 32 * KIB
/** More than the system buffers for a connection whose other end does not read. */
const POINTS = 600
/** Of one value: nearly as many as a payload may have. */
const LONG_BYTES = 15 * MIB
/** A busy machine may hold a steady reader up for a part of this. */
const STALLED_MS = 3_000
/** The time of a steady reader, in those of a stalled one. */
const SPREAD = 2.5

async function start(options: Partial<ServerOptions> & { count: number }): Promise<ThreadedService> {
  const folder = await mkdtemp(join(tmpdir(), 'vicinal-readers-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  const database = await openSharing(folder)
  onTestFinished(() => database.close())
  const service = await startThreaded(database, { stalledReaderMs: STALLED_MS, ...options })
  onTestFinished(() => service.close(0))
  const line = new Line(service.url)
  await line.call('PUT', '/collections/a', { vectors: { size: 1, distance: 'Dot' } })
  const text = 'x'.repeat(POINT_BYTES)
  for (let from = 0; from < POINTS; from += 100) {
    const points = Array.from({ length: 100 }, (_, at) => ({ id: from + at, vector: [1], payload: { text } }))
    expect((await line.call('PUT', '/collections/a/points?wait=true', { points })).status).toBe(200)
  }
  return service
}

/** Adds a point with one long value. */
async function putLong(service: ThreadedService, id: number): Promise<void> {
  const points = [{ id, vector: [1], payload: { text: 'x'.repeat(LONG_BYTES) } }]
  const put = await new Line(service.url).call('PUT', '/collections/a/points?wait=true', { points })
  expect(put.status).toBe(200)
}

/** Sends requests, and reads nothing until told to. */
class Reader {
  bytes = 0
  isClosed = false
  readonly socket: Socket

  constructor(service: ThreadedService, asked: { limit: number; offset?: number }, times = 1) {
    const body = JSON.stringify({ ...asked, with_payload: true })
    const head = `POST ${SCROLL} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n`
    this.socket = connect(Number(new URL(service.url).port), '127.0.0.1').pause()
    this.socket.on('error', () => {}).on('close', () => (this.isClosed = true))
    this.socket.on('data', (chunk) => (this.bytes += chunk.length))
    this.socket.pause()
    this.socket.write(`${head}${body}`.repeat(times))
    onTestFinished(() => void this.socket.destroy())
  }
}

const inWork = async (service: ThreadedService) => {
  const { bytes } = await new Line(service.url).call('GET', '/metrics')
  return Number(/^rest_requests_in_work (\d+)/m.exec(bytes.toString())?.[1])
}
const scroll = (service: ThreadedService, limit = POINTS) =>
  new Line(service.url).call('POST', SCROLL, { limit, with_payload: true })

describe.each([
  ['one thread', 0],
  ['threads beside it', 2],
])('slow readers, of %s', (_name, count) => {
  it('a client that stops reading is cut, and its memory is freed', async () => {
    const service = await start({ count, maxAnswerBytesInWork: 30 * MIB, stalledReaderMs: 3 * STALLED_MS })
    const reader = new Reader(service, { limit: POINTS })
    await expect.poll(() => inWork(service)).toBe(1)
    // Until the answer of the first has its room, that of another one does.
    const refusal = async () => {
      const { status, json, headers } = await scroll(service)
      return [status, json.status.code, Number(headers['retry-after'])]
    }
    await expect.poll(refusal).toEqual([429, 'OVERLOADED', expect.any(Number)])
    expect((await scroll(service, 1)).status).toBe(200)
    await expect.poll(() => inWork(service)).toBe(0)
    expect((await scroll(service)).json.result.points).toHaveLength(POINTS)
    reader.socket.resume()
    await expect.poll(() => reader.isClosed).toBe(true)
    expect(reader.bytes).toBeLessThan(POINTS * POINT_BYTES)
  })

  it.each([
    ['many points', { limit: POINTS, offset: 0 }, POINTS * POINT_BYTES],
    ['one long value', { limit: 1, offset: POINTS }, LONG_BYTES],
  ])(
    'a client that reads %s slowly but steadily gets everything, and its connection stays',
    async (_, asked, bytes) => {
      const service = await start({ count })
      if (asked.offset > 0) await putLong(service, asked.offset)
      const reader = new Reader(service, asked)
      // It begins late, but within the stall limit.
      await sleep(STALLED_MS / 4)
      const startedMs = performance.now()
      while (reader.bytes < bytes) {
        reader.socket.once('data', () => reader.socket.pause())
        reader.socket.resume()
        const part = reader.bytes / bytes
        // Spread over more than the stall limit.
        await sleep(Math.max(0, part * SPREAD * STALLED_MS - (performance.now() - startedMs)))
        expect(reader.isClosed).toBe(false)
      }
      // That it is not cut has no event.
      await sleep(1.5 * STALLED_MS)
      expect(reader.isClosed).toBe(false)
    },
  )
})

describe('slow readers', () => {
  it('a client that requests small answers again and again without reading is cut as well', async () => {
    const service = await start({ count: 2 })
    const reader = new Reader(service, { limit: 1 }, 1_000)
    // Only by reading would it learn that it was cut.
    await sleep(3 * STALLED_MS)
    reader.socket.resume()
    await expect.poll(() => reader.isClosed).toBe(true)
    expect(reader.bytes).toBeLessThan(1_000 * POINT_BYTES)
  })

  it('a stream is cut as well', async () => {
    const service = await start({ count: 2 })
    const stream = await new Asking(service.url, SCROLL).opened()
    stream.socket.pause()
    for (let i = 0; i < 4; i++) stream.socket.send(JSON.stringify({ limit: POINTS, with_payload: true }))
    // Only by reading would it learn that it was cut.
    await sleep(3 * STALLED_MS)
    stream.socket.resume()
    expect(await stream.closed()).toBe(1006)
  })
})
