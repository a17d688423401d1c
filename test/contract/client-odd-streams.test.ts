/** Streams to a server that is no Vicinal service, or to one that stops: queries are then sent as requests. */
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, it, onTestFinished } from 'vitest'
import { type WebSocket, WebSocketServer } from 'ws'
import { type ConnectOptions, connect } from '../../src/client/index.js'
import { encodeMsgpack } from '../../src/wire/msgpack-encoder.js'

const FAST = { minDelayMs: 1, maxDelayMs: 5, streams: true }
const envelope = (result: unknown) => encodeMsgpack({ result, status: 'ok', time: 0 })
const POINT = { points: [{ id: 7, version: 1, score: 1 }] }

/** `talk` gets each stream; null: upgrades are never answered. */
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

describe('queries are sent as requests, and streams are not tried for a while,', () => {
  it.each([
    ['closes the stream at each message', (stream: WebSocket) => stream.on('message', () => stream.close(1008))],
    ['cuts the stream once it is open', (stream: WebSocket) => stream.terminate()],
    ['sends a message before any query', (stream: WebSocket) => stream.send(envelope({ points: [] }))],
    ['answers in text', (stream: WebSocket) => stream.on('message', () => stream.send('{"status":"ok"}'))],
    [
      'answers with bytes that are no MessagePack',
      (stream: WebSocket) => stream.on('message', () => stream.send(Buffer.from('nonsense'))),
    ],
    ['announces a close and leaves the stream open', (stream: WebSocket) => stream.on('message', () => stuck(stream))],
  ])('if the server %s', async (_what, talk) => {
    const { collection, counted } = await connectedTo(talk)
    for (let times = 0; times < 5; times++) expect(await collection.query({ query: [1] })).toMatchObject([{ id: 7 }])
    expect(counted.streams).toBe(1)
    expect(counted.requests).toBe(5)
  })

  /** Sends a close frame and keeps the connection open. */
  function stuck(stream: WebSocket): void {
    const { _socket: socket } = stream as unknown as { _socket: { write(bytes: Buffer): void } }
    socket.write(Buffer.from([0x88, 2, 0x03, 0xe9]))
  }

  it('if nobody answers the handshake', async () => {
    const { collection, counted } = await connectedTo(null)
    for (let times = 0; times < 3; times++) expect(await collection.query({ query: [1] })).toMatchObject([{ id: 7 }])
    expect(counted).toEqual({ streams: 1, requests: 3 })
  })

  it('if a stream opens and no answer comes, after a timeout', async () => {
    const { collection, counted } = await connectedTo(() => {}, { timeoutMs: 1_500 })
    await expect(collection.query({ query: [1] })).rejects.toMatchObject({ code: 'TIMEOUT' })
    expect(await collection.query({ query: [1] })).toMatchObject([{ id: 7 }])
    expect(counted).toEqual({ streams: 1, requests: 1 })
  })
})

it('a closing stream gets no questions', async () => {
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

it('closing the client ends opening streams and pending questions', async () => {
  for (const talk of [null, () => {}]) {
    const { database, collection } = await connectedTo(talk)
    const found = collection.query({ query: [1] })
    found.catch(() => {})
    // Long enough for the stream to be opening; whether it is open makes no difference.
    await new Promise((resolve) => setTimeout(resolve, 50))
    await database.close()
    await expect(found).rejects.toMatchObject({ code: 'CLOSED' })
  }
})

it('a client that is told to wait does so, as with a header', async () => {
  const { collection } = await connectedTo((stream) => {
    stream.on('message', () => stream.send(encodeMsgpack({ status: { error: 'busy', code: 'OVERLOADED' }, time: 0 })))
  })
  const started = performance.now()
  expect(await collection.query({ query: [1] })).toMatchObject([{ id: 7 }])
  expect(performance.now() - started).toBeGreaterThan(950)
})
