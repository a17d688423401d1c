/** Answers that are streamed while they are written: their content, and the memory held meanwhile. */
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { type ClientRequest, type IncomingMessage, request } from 'node:http'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { LIMITS } from '../../src/core/limits.js'
import { openSharing } from '../../src/engine/database/open.js'
import { memoryBudget } from '../../src/engine/memory/memory-budget.js'
import { Asking, MSGPACK, packr } from './asking.js'
import { Line, startThreaded, type ThreadedService } from './threaded.js'

const SCROLL = '/collections/a/points/scroll'
const POINTS = 600
const SIZE = 256
const MIB = 1024 * 1024

/** Far above the present use, because the tests' own process has to fit. */
const LIMIT = 16_384 * MIB

describe.each([
  ['the thread that has the database', 0, false],
  ['it below a limit of memory', 0, true],
  ['threads beside it', 2, false],
  ['threads beside it, below a limit', 2, true],
])('large answers of %s', (_name, threads, isLimited) => {
  let service: ThreadedService
  let line: Line

  beforeEach(async () => {
    const folder = await mkdtemp(join(tmpdir(), 'vicinal-large-'))
    onTestFinished(() => rm(folder, { recursive: true }))
    const database = await openSharing(folder, isLimited ? { memoryLimitBytes: LIMIT } : {})
    onTestFinished(() => database.close())
    service = await startThreaded(database, { count: threads, ...(isLimited ? { memory: memoryBudget } : {}) })
    onTestFinished(() => service.close(0))
    line = new Line(service.url)
    await line.call('PUT', '/collections/a', { vectors: { size: SIZE, distance: 'Dot' } })
    for (let from = 0; from < POINTS; from += 100) {
      const points = Array.from({ length: 100 }, (_, i) => ({
        id: from + i,
        vector: Array.from({ length: SIZE }, (_, at) => Math.fround(Math.sin((from + i) * SIZE + at))),
        payload: { text: 'ä'.repeat((from + i) % 50), quote: '"\\' },
      }))
      await line.call('PUT', '/collections/a/points?wait=true', { points })
    }
  })

  const asked = { limit: POINTS, with_vector: true, with_payload: true }

  it('have the stored content, in each format, by requests and by streams', async () => {
    const headers = { accept: MSGPACK }
    const stream = await new Asking(service.url, SCROLL).opened()
    const told = [
      (await line.call('POST', SCROLL, asked)).json,
      packr.unpack((await line.call('POST', SCROLL, asked, { headers })).bytes),
      await stream.json(asked),
      await stream.msgpack(asked),
      // One after the other.
      await stream.json(asked),
    ]
    for (const { result, status } of told) {
      expect(status).toBe('ok')
      expect(result.next_page_offset).toBe(null)
      expect(result.points).toHaveLength(POINTS)
      for (const [id, { vector, payload, ...point }] of result.points.entries()) {
        expect(point.id).toBe(id)
        expect(payload).toEqual({ text: 'ä'.repeat(id % 50), quote: '"\\' })
        const floats = Buffer.isBuffer(vector) ? new Float32Array(Uint8Array.from(vector).buffer) : vector
        expect(floats).toHaveLength(SIZE)
        expect(Math.fround(floats[7])).toBe(Math.fround(Math.sin(id * SIZE + 7)))
      }
    }
  })

  /** An answer that has begun and is not read any further. */
  const begun = async (): Promise<[ClientRequest, IncomingMessage]> => {
    const body = JSON.stringify(asked)
    const headers = { 'content-type': 'application/json', 'content-length': body.length }
    const sent = request(`${service.url}${SCROLL}`, { method: 'POST', headers, agent: false })
    sent.on('error', () => {})
    sent.end(body)
    const [answer] = (await once(sent, 'response')) as [IncomingMessage]
    return [sent, answer]
  }

  it('block no one while their readers do not read, and hold their memory meanwhile', async () => {
    const stalled = await Promise.all(Array.from({ length: 8 }, begun))
    for (const [, answer] of stalled) expect(answer.statusCode).toBe(200)
    for (let i = 0; i < 4; i++) {
      const other = new Line(service.url)
      expect((await other.call('POST', '/collections/a/points/count', {})).json.result.count).toBe(POINTS)
    }
    // Of eight; the system's socket buffers may take in some of them whole.
    const least = isLimited ? 2 * POINTS * SIZE * 4 : 0
    expect(memoryBudget.reservedBytes).toBeGreaterThanOrEqual(least)
    for (const [sent] of stalled.slice(4)) sent.destroy()
    for (const [, answer] of stalled.slice(0, 4)) {
      const chunks: Buffer[] = []
      for await (const chunk of answer) chunks.push(chunk as Buffer)
      expect(JSON.parse(Buffer.concat(chunks).toString()).result.points).toHaveLength(POINTS)
    }
    await expect.poll(() => memoryBudget.reservedBytes, { timeout: LIMITS.timeoutMs }).toBe(0)
  })

  it("are read one after the other on request, without each other's memory", async () => {
    const port = Number(new URL(service.url).port)
    const body = JSON.stringify(asked)
    const ask = `POST ${SCROLL} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`
    const socket = connect(port, '127.0.0.1').pause()
    onTestFinished(() => void socket.destroy())
    socket.write(ask.repeat(6))
    const one = 3 * POINTS * SIZE * 4
    if (isLimited) await expect.poll(() => memoryBudget.reservedBytes).toBeGreaterThanOrEqual(one)
    // That a second answer takes no memory has no event.
    await sleep(200)
    expect(memoryBudget.reservedBytes).toBeLessThan(isLimited ? 2 * one : 1)
    let text = ''
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1')
    })
    socket.resume()
    await expect.poll(() => text.split('"next_page_offset":null').length - 1, { timeout: LIMITS.timeoutMs }).toBe(6)
    await expect.poll(() => memoryBudget.reservedBytes).toBe(0)
  })

  it('hold memory while the reader of a stream does not read, and free it when it hangs up', async () => {
    const stream = await new Asking(service.url, SCROLL).opened()
    await stream.json({ limit: 1 })
    stream.socket.pause()
    for (let i = 0; i < 8; i++) stream.socket.send(JSON.stringify(asked))
    const least = isLimited ? POINTS * SIZE * 4 : 0
    await expect.poll(() => memoryBudget.reservedBytes).toBeGreaterThanOrEqual(least)
    stream.socket.terminate()
    await expect.poll(() => memoryBudget.reservedBytes, { timeout: LIMITS.timeoutMs }).toBe(0)
  })
})
