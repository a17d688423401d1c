/**
 * Concurrent searches of many connections go to the pool together; each caller gets its own answer.
 */
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { describe, expect, it, onTestFinished } from 'vitest'
import { open } from '../../../src/index.js'
import { startService } from '../../contract/service.js'

const DIM = 16
const POINTS = 600
const CONNECTIONS = 24
const PATH = '/collections/c/points/query'

/** Each point is its own nearest neighbour. */
function vectorOf(n: number): number[] {
  return Array.from({ length: DIM }, (_, i) => Math.sin(n * 12.9898 + i * 78.233))
}

async function started() {
  const database = await open(':memory:')
  onTestFinished(() => database.close())
  const collection = await database.createCollection('c', { vectors: { size: DIM, distance: 'Euclid' } })
  await collection.upsert(Array.from({ length: POINTS }, (_, n) => ({ id: n, vector: vectorOf(n), payload: { n } })))
  await collection.waitForIndex()
  return await startService({ database, maxConcurrentReads: CONNECTIONS })
}

/** One keep-alive connection; the lengths of answers separate them. */
class Connection {
  readonly socket: Socket
  #received = Buffer.alloc(0)
  #waiting: ((answer: { head: string; body: Buffer }) => void)[] = []

  constructor(port: number) {
    this.socket = connect(port, '127.0.0.1')
    this.socket.on('error', () => {})
    this.socket.on('data', (bytes) => {
      this.#received = Buffer.concat([this.#received, bytes])
      this.#read()
    })
  }

  #read(): void {
    for (;;) {
      const end = this.#received.indexOf('\r\n\r\n')
      if (end < 0) return
      const head = this.#received.toString('latin1', 0, end)
      const length = Number(/\r\ncontent-length: (\d+)/i.exec(head)?.[1])
      if (this.#received.length < end + 4 + length) return
      const body = this.#received.subarray(end + 4, end + 4 + length)
      this.#received = this.#received.subarray(end + 4 + length)
      this.#waiting.shift()?.({ head, body })
    }
  }

  ask(body: unknown): Promise<{ head: string; body: Buffer }> {
    const text = JSON.stringify(body)
    const answer = new Promise<{ head: string; body: Buffer }>((resolve) => this.#waiting.push(resolve))
    this.socket.write(requestFor(text))
    return answer
  }
}

const requestFor = (text: string) =>
  `POST ${PATH} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: ${text.length}\r\n\r\n${text}`
const queryFor = (n: number, more: object = {}) => ({ query: vectorOf(n), limit: 3, params: { exact: true }, ...more })

function firstOf(body: Buffer): { id: number; payload?: unknown } {
  const { result } = JSON.parse(body.toString()) as { result: { points: { id: number; payload?: unknown }[] } }
  return result.points[0] as { id: number }
}

describe('searches that arrive together', () => {
  it('get their own answers, including refusals', async () => {
    const { port } = await started()
    const connections = Array.from({ length: CONNECTIONS }, () => new Connection(port))
    onTestFinished(() => {
      for (const { socket } of connections) socket.destroy()
    })
    await Promise.all(
      connections.map(async (connection, k) => {
        for (let round = 0; round < 20; round++) {
          const n = (k * 31 + round * 7) % POINTS
          const isWrong = (k + round) % 5 === 0
          const more = isWrong ? { query: vectorOf(n).slice(1) } : { with_payload: round % 2 === 0 }
          const { head, body } = await connection.ask(queryFor(n, more))
          expect(head).toMatch(isWrong ? /^HTTP\/1.1 400/ : /^HTTP\/1.1 200/)
          expect(head).toMatch(/\r\nx-vicinal-version: /)
          if (isWrong) expect(head).toMatch(/\r\nx-request-id: /)
          else expect(firstOf(body)).toMatchObject({ id: n, ...(round % 2 === 0 ? { payload: { n } } : {}) })
        }
      }),
    )
  })

  it('leave no place taken when clients hang up', async () => {
    const service = await started()
    for (let round = 0; round < 5; round++) {
      const leaving = Array.from({ length: CONNECTIONS }, () => new Connection(service.port))
      for (const [n, connection] of leaving.entries()) {
        void connection.ask(queryFor(n))
        connection.socket.once('data', () => {}).once('connect', () => setImmediate(() => connection.socket.destroy()))
      }
    }
    await expect.poll(async () => (await service.call('GET', '/metrics')).text).toMatch(/\nrest_requests_in_work 0\n/)
    // As many as the bound allows are still admitted.
    const staying = Array.from({ length: CONNECTIONS }, () => new Connection(service.port))
    const answers = await Promise.all(staying.map((connection, n) => connection.ask(queryFor(n))))
    for (const { socket } of staying) socket.destroy()
    expect(answers.map(({ body }) => firstOf(body).id)).toEqual(Array.from({ length: CONNECTIONS }, (_, n) => n))
  })

  it('leave no place taken when clients hang up with several requests under way', async () => {
    const service = await started()
    for (let round = 0; round < 20; round++) {
      const socket = connect(service.port, '127.0.0.1')
      socket.on('error', () => {})
      await once(socket, 'connect')
      socket.write(Array.from({ length: 8 }, (_, n) => requestFor(JSON.stringify(queryFor(n)))).join(''))
      setImmediate(() => socket.resetAndDestroy())
    }
    await expect.poll(async () => (await service.call('GET', '/metrics')).text).toMatch(/\nrest_requests_in_work 0\n/)
  })
})
