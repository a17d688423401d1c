/** Requests that are sent ahead of their answers on one connection. */
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { mkdtemp, rm } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { openSharing } from '../../src/engine/database/open.js'
import { MOST_UNANSWERED } from '../../src/server/unanswered-requests.js'
import { MemoryCollection } from '../oracle/memory-collection.js'
import { MemoryDatabase } from '../oracle/memory-database.js'
import { startService } from './service.js'
import { startThreaded } from './threaded.js'

const REQUESTS = 6_000
const CHUNK_BYTES = 65_536

it.each(['GET', 'POST'])('%s requests are not read past a bound while the first is unanswered', async (method) => {
  let answer = () => {}
  const gate = new Promise<void>((resolve) => {
    answer = resolve
  })
  class Waiting extends MemoryCollection {
    override async count() {
      await gate
      return 0
    }
  }
  class Database extends MemoryDatabase {
    override async collection(name: string): Promise<never> {
      const { config } = await (await super.collection(name)).info()
      return new Waiting(name, config) as never
    }
  }
  const database = new Database()
  await database.createCollection('a', { vectors: { size: 1, distance: 'Dot' } })
  const service = await startService({ database, logLevel: 'silent' })
  let seen = 0
  const note = () => void seen++
  subscribe('http.server.request.start', note)
  onTestFinished(() => void unsubscribe('http.server.request.start', note))
  const head = 'host: localhost\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}'
  const count = `POST /collections/a/points/count HTTP/1.1\r\n${head}`
  const next = method === 'GET' ? 'GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n' : count
  const socket = connect(service.port, '127.0.0.1')
  onTestFinished(() => void socket.destroy())
  socket.write(count + next.repeat(REQUESTS - 1))
  let answered = 0
  let rest = ''
  const all = new Promise<void>((resolve) => {
    socket.setEncoding('latin1').on('data', (text: string) => {
      const parts = (rest + text).split('HTTP/1.1 ')
      answered += parts.length - 1
      rest = parts.at(-1) ?? ''
      if (answered === REQUESTS) resolve()
    })
  })
  const most = MOST_UNANSWERED + CHUNK_BYTES / next.length
  await expect.poll(() => seen).toBeGreaterThanOrEqual(MOST_UNANSWERED)
  // That no more requests are read has no event.
  await new Promise((resolve) => setTimeout(resolve, 500))
  expect(seen).toBeLessThanOrEqual(most)
  expect(answered).toBe(0)
  answer()
  await all
  expect(seen).toBe(REQUESTS)
})

const head = (method: string, path: string, body?: string) =>
  `${method} ${path} HTTP/1.1\r\nhost: localhost\r\n${
    body === undefined ? '' : `content-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n`
  }\r\n${body ?? ''}`

/** Sends all at once, and resolves to the answers once there are as many. */
function answersTo(port: number, requests: readonly string[]): Promise<string[]> {
  const socket = connect(port, '127.0.0.1')
  onTestFinished(() => void socket.destroy())
  socket.write(requests.join(''))
  let text = ''
  return new Promise((resolve, reject) => {
    socket
      .setEncoding('latin1')
      .on('data', (more: string) => {
        text += more
        const answers = text.split(/(?=HTTP\/1\.1 )/)
        const last = answers.at(-1) as string
        const bytes = Number(/content-length: (\d+)/i.exec(last)?.[1])
        const isWhole = last.length - last.indexOf('\r\n\r\n') - 4 === bytes
        if (answers.length === requests.length && isWhole) resolve(answers)
      })
      .on('error', reject)
      .on('close', () => reject(new Error(`closed after ${text}`)))
  })
}

const statusOf = (answer: string) => Number(answer.slice('HTTP/1.1 '.length, 'HTTP/1.1 200'.length))
const bodyOf = (answer: string) => JSON.parse(answer.slice(answer.indexOf('\r\n\r\n')))

describe.each(['without threads', 'with threads'])('requests sent ahead of their answers, %s', (threads) => {
  const POINTS = '/collections/a/points'
  async function started(): Promise<number> {
    const folder = await mkdtemp(join(tmpdir(), 'vicinal-pipelined-'))
    onTestFinished(() => rm(folder, { recursive: true }))
    const database = await openSharing(folder)
    onTestFinished(() => database.close())
    await database.createCollection('a', { vectors: { size: 1, distance: 'Dot' } })
    if (threads === 'without threads') return (await startService({ database: database, logLevel: 'silent' })).port
    const service = await startThreaded(database, { count: 1 })
    onTestFinished(() => service.close())
    // One of two connections is answered by the other thread.
    return Number(new URL(service.url).port)
  }
  const put = (id: number) => head('PUT', `${POINTS}?wait=true`, JSON.stringify({ points: [{ id, vector: [id] }] }))
  const count = head('POST', `${POINTS}/count`, '{}')

  it('see the writes before them, and none behind them', async () => {
    const port = await started()
    for (const line of ['first', 'second']) {
      const requests = Array.from({ length: 20 }, (_, i) => [
        put(i),
        head('GET', `${POINTS}/${i}`),
        count,
        head('POST', `${POINTS}/delete?wait=true`, JSON.stringify({ points: [i] })),
        count,
      ])
      const answers = await answersTo(port, requests.flat())
      expect(answers.map(statusOf), line).toEqual(answers.map(() => 200))
      const counts = answers.filter((_, i) => i % 5 === 2 || i % 5 === 4).map((answer) => bodyOf(answer).result.count)
      expect(counts, line).toEqual(Array.from({ length: 40 }, (_, i) => (i + 1) % 2))
    }
  })

  it('a body that is no JSON ends no connection', async () => {
    const port = await started()
    const warnings: Error[] = []
    const note = (warning: Error) => void warnings.push(warning)
    process.on('warning', note)
    onTestFinished(() => void process.off('warning', note))
    for (let line = 0; line < 2; line++) {
      const answers = await answersTo(port, [
        head('POST', `${POINTS}/query`, '{'),
        head('PUT', POINTS, '{'),
        head('GET', '/collections/%zz'),
        head('POST', '/collections/%zz/points/query', '{}'),
        ...Array.from({ length: 30 }, () => head('PUT', POINTS, '{')),
        count,
      ])
      expect(answers.map(statusOf)).toEqual([...Array(34).fill(400), 200])
      for (const answer of answers) expect(answer).not.toMatch(/connection: close/i)
    }
    expect(warnings).toEqual([])
  })
})
