/** Requests that are sent ahead of their answers on one connection. */
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { connect } from 'node:net'
import { expect, it, onTestFinished } from 'vitest'
import { MOST_UNANSWERED } from '../../src/server/unanswered-requests.js'
import { MemoryCollection } from '../oracle/memory-collection.js'
import { MemoryDatabase } from '../oracle/memory-database.js'
import { startService } from './service.js'

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
