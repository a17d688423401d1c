/** The client against a real HTTP server whose answers the test decides. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, it, onTestFinished } from 'vitest'
import { type ConnectOptions, connect } from '../../../src/client/index.js'
import { withInner } from '../../../src/core/inner-call.js'
import { Stop } from '../../../src/core/stop.js'
import { encodeMsgpack } from '../../../src/wire/msgpack-encoder.js'

type Answer = (request: IncomingMessage, response: ServerResponse, attempt: number) => void

const FAST = { minDelayMs: 1, maxDelayMs: 5 }

function ok(response: ServerResponse, result: unknown): void {
  response
    .writeHead(200, { 'content-type': 'application/msgpack' })
    .end(encodeMsgpack({ result, status: 'ok', time: 0 }))
}

function refuse(response: ServerResponse, status: number, code: string, headers: Record<string, string> = {}): void {
  response.writeHead(status, { 'content-type': 'application/msgpack', ...headers })
  response.end(encodeMsgpack({ status: { error: `it was ${code}`, code }, time: 0 }))
}

/** Answers `exists` with true, which `connect` needs; the test answers everything else. */
async function connected(answer: Answer, options: ConnectOptions = {}) {
  const requests: { method: string; url: string }[] = []
  const server = createServer((request, response) => {
    request.resume().on('end', () => {
      if (request.url?.includes('/exists')) {
        ok(response, { exists: true })
        return
      }
      requests.push({ method: request.method ?? '', url: request.url ?? '' })
      answer(request, response, requests.length)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const database = await connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, { ...FAST, ...options })
  onTestFinished(async () => {
    await database.close()
    server.closeAllConnections()
    server.close()
  })
  return { database, collection: await database.collection('a'), requests }
}

describe('retries', () => {
  it.each([
    [429, 'OVERLOADED'],
    [503, 'UNAVAILABLE'],
    [507, 'DISK_FULL'],
  ])('%d %s until it works', async (status, code) => {
    const { collection, requests } = await connected((_request, response, attempt) =>
      attempt < 4 ? refuse(response, status, code) : ok(response, { count: 7 }),
    )
    expect(await collection.count()).toBe(7)
    expect(requests).toHaveLength(4)
  })

  it('wait as long as Retry-After says', async () => {
    const { collection } = await connected((_request, response, attempt) =>
      attempt === 1 ? refuse(response, 429, 'OVERLOADED', { 'retry-after': '1' }) : ok(response, { count: 1 }),
    )
    const started = performance.now()
    await collection.count()
    expect(performance.now() - started).toBeGreaterThan(950)
  })

  it('end after the configured number, with the last error', async () => {
    const { collection, requests } = await connected((_request, response) => refuse(response, 503, 'UNAVAILABLE'), {
      retries: 2,
    })
    await expect(collection.count()).rejects.toMatchObject({ code: 'UNAVAILABLE', message: 'it was UNAVAILABLE' })
    expect(requests).toHaveLength(3)
  })

  it.each([
    [
      'of the service',
      { status: { error: 'Service unavailable: it is stopping', code: 'UNAVAILABLE' } },
      'UNAVAILABLE',
    ],
    ['of another program', { status: 'error', message: 'no upstream' }, 'RESOURCE_EXHAUSTED'],
    ['of a list', [null], 'RESOURCE_EXHAUSTED'],
    ['of null', null, 'RESOURCE_EXHAUSTED'],
  ])('end with an error that JSON %s tells', async (_whose, body, code) => {
    const { collection } = await connected(
      (_request, response) => {
        response.writeHead(503, { 'content-type': 'application/json' }).end(JSON.stringify(body))
      },
      { retries: 0 },
    )
    const calls = [() => collection.count(), () => collection.ingest([{ id: 1, vector: [1] }])]
    for (const call of calls)
      await expect(call()).rejects.toMatchObject({
        code,
        message: code === 'UNAVAILABLE' ? 'Service unavailable: it is stopping' : expect.stringContaining('status 503'),
      })
  })

  it('are not made if they would fail again', async () => {
    const { collection, requests } = await connected((_request, response) => refuse(response, 400, 'INVALID_ARGUMENT'))
    await expect(collection.count()).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
    expect(requests).toHaveLength(1)
  })

  it('follow a broken connection if the request is idempotent', async () => {
    const { collection, requests } = await connected((request, response, attempt) =>
      attempt < 3 ? request.socket.destroy() : ok(response, { operation_id: 3, status: 'completed' }),
    )
    expect(await collection.upsert([{ id: 1, vector: [1] }])).toEqual({
      operationId: 3,
      status: 'completed',
      points: 1,
      batches: 1,
    })
    expect(requests).toHaveLength(3)
  })

  it('do not follow a broken connection for the creation of a collection', async () => {
    const { database, requests } = await connected((request) => request.socket.destroy())
    const creation = database.createCollection('b', { vectors: { size: 1, distance: 'Dot' } })
    await expect(creation).rejects.toMatchObject({ code: 'UNAVAILABLE', retryable: true })
    expect(requests).toHaveLength(1)
  })

  it('follow an answer that breaks off in the middle', async () => {
    const { collection, requests } = await connected((_request, response, attempt) => {
      if (attempt > 1) {
        ok(response, { count: 5 })
        return
      }
      response.writeHead(200, { 'content-type': 'application/msgpack', 'content-length': '1000' })
      response.write(Buffer.from([0x81]), () => response.destroy())
    })
    expect(await collection.count()).toBe(5)
    expect(requests).toHaveLength(2)
  })
})

describe('deadlines', () => {
  it('end a call that gets no answer, and are sent to the service', async () => {
    const { collection, requests } = await connected(() => {})
    await expect(collection.count({ timeoutMs: 1_000 })).rejects.toMatchObject({ code: 'TIMEOUT', retryable: true })
    expect(requests[0]?.url).toContain('timeout=1')
  })

  it('bound retries too', async () => {
    const { collection } = await connected((_request, response) =>
      refuse(response, 503, 'UNAVAILABLE', { 'retry-after': '60' }),
    )
    // A retry would wait for a minute, and end with TIMEOUT.
    await expect(collection.count({ timeoutMs: 30_000 })).rejects.toMatchObject({ code: 'UNAVAILABLE' })
  })

  it('are not the only way: a signal ends a call and its connection at once', async () => {
    const controller = new AbortController()
    let hungUp = false
    const { collection, requests } = await connected((_request, response) => {
      response.on('close', () => {
        hungUp = true
      })
    })
    const counting = collection.count({ signal: controller.signal })
    await expect.poll(() => requests.length).toBe(1)
    controller.abort()
    await expect(counting).rejects.toMatchObject({ code: 'CANCELLED' })
    await expect.poll(() => hungUp).toBe(true)
  })

  it('and so does a stop', async () => {
    const stop = new Stop()
    const { collection, requests } = await connected(() => {})
    const counting = collection.count(withInner({}, { stop }))
    await expect.poll(() => requests.length).toBe(1)
    stop.stop()
    await expect(counting).rejects.toMatchObject({ code: 'CANCELLED' })
    await expect(collection.count(withInner({}, { stop }))).rejects.toMatchObject({ code: 'CANCELLED' })
  })

  it.each([0, -1, Number.NaN, 4_000_000])('of %d ms are refused', async (timeoutMs) => {
    const { collection } = await connected(() => {})
    await expect(collection.count({ timeoutMs })).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
  })
})

describe('answers that are not from a service', () => {
  it.each([
    [502, 'UNAVAILABLE'],
    [504, 'UNAVAILABLE'],
    [404, 'NOT_FOUND'],
    [418, 'INVALID_ARGUMENT'],
    [500, 'INTERNAL'],
    [200, 'INTERNAL'],
  ])('of status %d are %s', async (status, code) => {
    const { collection } = await connected((_request, response) => response.writeHead(status).end('<html>'), {
      retries: 0,
    })
    await expect(collection.count()).rejects.toMatchObject({ code, message: expect.stringContaining(String(status)) })
  })
})

describe('connect', () => {
  it('tells the address if nobody answers', async () => {
    const attempt = connect('http://127.0.0.1:1', { retries: 1, ...FAST })
    await expect(attempt).rejects.toMatchObject({
      code: 'UNAVAILABLE',
      message: expect.stringContaining('127.0.0.1:1'),
    })
  })

  it.each(['', 'localhost', 'ftp://localhost'])('refuses the URL %j', async (url) => {
    await expect(connect(url)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
  })

  it('rejects calls after close', async () => {
    const { database, collection } = await connected(() => {})
    await database.close()
    await expect(collection.count()).rejects.toMatchObject({ code: 'CLOSED' })
  })
})
