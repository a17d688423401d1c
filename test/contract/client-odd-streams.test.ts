/** Streams of somebody who is no service, or one that is going: queries are asked as requests. */
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, it, onTestFinished } from 'vitest'
import { type WebSocket, WebSocketServer } from 'ws'
import { type ConnectOptions, connect } from '../../src/client/index.js'
import { encodeMsgpack } from '../../src/wire/msgpack-encoder.js'

const FAST = { minDelayMs: 1, maxDelayMs: 5, streams: true }
const envelope = (result: unknown) => encodeMsgpack({ result, status: 'ok', time: 0 })
const POINT = { points: [{ id: 7, version: 1, score: 1 }] }

/** `talk` has each stream, or null: what was to become one is left alone. */
async function connectedTo(talk: ((stream: WebSocket) => void) | null, options: ConnectOptions = {}) {
  const counted = { streams: 0, requests: 0 }
  const server = createServer((request, response) => {
    request.resume().on('end', () => {
      const isQuery = request.url?.includes('/query') === true
      if (isQuery) counted.requests++
      response.writeHead(200, { 'content-type': 'application/msgpack' })
      response.end(envelope(isQuery ? POINT : { exists: true }))
    })
  })
  const streams = new WebSocketServer({ noServer: true })
  server.on('upgrade', (request: IncomingMessage, socket, head) => {
    counted.streams++
    socket.on('error', () => {})
    if (talk) streams.handleUpgrade(request, socket, head, talk)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const database = await connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, { ...FAST, ...options })
  onTestFinished(async () => {
    await database.close()
    for (const one of streams.clients) one.terminate()
    server.closeAllConnections()
    server.close()
  })
  return { database, collection: await database.collection('a'), counted }
}

describe('queries are asked as requests, and streams left alone for a while,', () => {
  it.each([
    ['closes each message', (stream: WebSocket) => stream.on('message', () => stream.close(1008))],
    ['cuts what it has opened', (stream: WebSocket) => stream.terminate()],
    ['says something first', (stream: WebSocket) => stream.send(envelope({ points: [] }))],
    ['answers in text', (stream: WebSocket) => stream.on('message', () => stream.send('{"status":"ok"}'))],
    ['answers nonsense', (stream: WebSocket) => stream.on('message', () => stream.send(Buffer.from('nonsense')))],
    ['says that it closes and does not', (stream: WebSocket) => stream.on('message', () => stuck(stream))],
  ])('where somebody %s', async (_what, talk) => {
    const { collection, counted } = await connectedTo(talk)
    for (let times = 0; times < 5; times++) expect(await collection.query({ query: [1] })).toMatchObject([{ id: 7 }])
    expect(counted.streams).toBe(1)
    expect(counted.requests).toBe(5)
  })

  /** A close frame, on a connection that stays. */
  function stuck(stream: WebSocket): void {
    const { _socket: socket } = stream as unknown as { _socket: { write(bytes: Buffer): void } }
    socket.write(Buffer.from([0x88, 2, 0x03, 0xe9]))
  }

  it('where nobody answers the handshake', async () => {
    const { collection, counted } = await connectedTo(null)
    for (let times = 0; times < 3; times++) expect(await collection.query({ query: [1] })).toMatchObject([{ id: 7 }])
    expect(counted).toEqual({ streams: 1, requests: 3 })
  })

  it('where a stream opens and nothing comes: the first takes its time', async () => {
    const { collection, counted } = await connectedTo(() => {}, { timeoutMs: 300 })
    await expect(collection.query({ query: [1] })).rejects.toMatchObject({ code: 'TIMEOUT' })
    expect(await collection.query({ query: [1] })).toMatchObject([{ id: 7 }])
    expect(counted).toEqual({ streams: 1, requests: 1 })
  })
})

it('a stream that is closing is not asked', async () => {
  const { collection, counted } = await connectedTo(
    (stream) => {
      stream.on('message', () => {
        stream.send(envelope(POINT))
        stream.close(1001)
      })
    },
    { retries: 0 },
  )
  for (let times = 0; times < 5; times++) expect(await collection.query({ query: [1] })).toMatchObject([{ id: 7 }])
  expect(counted.streams + counted.requests).toBeGreaterThanOrEqual(5)
})

it('closing ends what is opening, and what is asked', async () => {
  for (const talk of [null, () => {}]) {
    const { database, collection } = await connectedTo(talk)
    const found = collection.query({ query: [1] })
    found.catch(() => {})
    await new Promise((resolve) => setTimeout(resolve, 50))
    const started = performance.now()
    await database.close()
    await expect(found).rejects.toMatchObject({ code: 'CLOSED' })
    expect(performance.now() - started).toBeLessThan(1500)
  }
})

it('who is told to wait does, as by a header', async () => {
  const { collection } = await connectedTo((stream) => {
    stream.on('message', () => stream.send(encodeMsgpack({ status: { error: 'busy', code: 'OVERLOADED' }, time: 0 })))
  })
  const started = performance.now()
  expect(await collection.query({ query: [1] })).toMatchObject([{ id: 7 }])
  expect(performance.now() - started).toBeGreaterThan(950)
})
