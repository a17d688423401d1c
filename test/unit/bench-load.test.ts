import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { afterEach, beforeAll, expect, test } from 'vitest'

interface Timed {
  seconds: number
  micros: number[]
}
interface Asked {
  requests: Buffer[]
  connections: number
}
type Load = (
  asked: Asked & {
    port: number
    protocol: string
    opening?: Buffer[]
    passes?: number
    seconds?: number
    writes?: Asked & { perSecond: number }
  },
) => Promise<{ passes: Timed[]; writes?: Timed; answers: { at: number; bytes: Buffer }[] }>

const PAUSE_MS = 4
const BENCH = new URL('../../bench/lib/', import.meta.url)
let load: Load
const open: Server[] = []

beforeAll(async () => {
  const { startRun } = await import(new URL('datasets.mjs', BENCH).href)
  startRun()
  load = (await import(new URL('load.mjs', BENCH).href)).load
})

afterEach(() => {
  for (const server of open.splice(0)) server.closeAllConnections()
})

async function bodyOf(request: IncomingMessage): Promise<string> {
  const parts: Buffer[] = []
  for await (const part of request) parts.push(part as Buffer)
  return Buffer.concat(parts).toString()
}

/** Answers each body with itself, in two pieces with a pause between them. */
async function echo(statusOf: (body: string) => number = () => 200): Promise<{ port: number; seen: string[] }> {
  const seen: string[] = []
  const server = createServer(async (request, response) => {
    const body = await bodyOf(request)
    seen.push(body)
    response.writeHead(statusOf(body), { 'Content-Length': body.length })
    response.write(body.slice(0, 1))
    // The test measures this pause.
    await delay(PAUSE_MS)
    response.end(body.slice(1))
  })
  open.push(server)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return { port: (server.address() as AddressInfo).port, seen }
}

const post = (body: string) =>
  Buffer.from(`POST / HTTP/1.1\r\nhost: x\r\ncontent-length: ${body.length}\r\n\r\n${body}`)
const textsOf = (answers: { bytes: Buffer }[]) => answers.map(({ bytes }) => bytes.toString().split('\r\n\r\n')[1])

test('each request is sent once and then repeated as often as configured, with the first and the last answers kept', async () => {
  const { port, seen } = await echo()
  const bodies = Array.from({ length: 20 }, (_, i) => `body ${i}`)
  const { passes, answers } = await load({
    port,
    protocol: 'http',
    opening: [post('hello')],
    requests: bodies.map(post),
    connections: 3,
    passes: 2,
  })
  expect(passes.map(({ micros }) => micros.length)).toEqual([20, 20])
  // An answer takes at least its pause.
  for (const { micros } of passes) expect(Math.min(...micros)).toBeGreaterThan((PAUSE_MS * 1000) / 2)
  for (const some of [answers.slice(0, bodies.length), answers.slice(bodies.length)])
    expect(some.map(({ at }) => at).toSorted((a, b) => a - b)).toEqual(bodies.map((_, i) => i))
  expect(textsOf(answers)).toEqual(answers.map(({ at }) => bodies[at]))
  expect(seen.filter((body) => body === 'hello').length).toBe(3)
  expect(seen.length).toBe(3 + 3 * bodies.length)
})

test('writes are sent at their rate beside searches, each once and in order', async () => {
  const { port, seen } = await echo()
  const writes = Array.from({ length: 30 }, (_, i) => `write ${i}`)
  const started = performance.now()
  const found = await load({
    port,
    protocol: 'http',
    // Every connection is accepted before the first write is due.
    opening: [post('hello')],
    requests: [post('search a'), post('search b')],
    connections: 2,
    seconds: 0.2,
    writes: { requests: writes.map(post), connections: 4, perSecond: 100 },
  })
  expect(performance.now() - started).toBeGreaterThanOrEqual(290)
  expect(found.writes?.micros.length).toBe(30)
  expect(seen.filter((body) => body.startsWith('write'))).toEqual(writes)
  expect(found.answers.length).toBe(found.passes[0]?.micros.length)
  expect(new Set(textsOf(found.answers))).toEqual(new Set(['search a', 'search b']))
})

test("an unsuccessful answer ends the load, with the server's message", async () => {
  const { port } = await echo((body) => (body === 'bad' ? 500 : 200))
  const asking = { port, protocol: 'http', connections: 1, passes: 1 }
  await expect(load({ ...asking, requests: [post('good'), post('bad')] })).rejects.toThrow(/answered HTTP\/1.1 500/)
})
