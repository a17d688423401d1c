/** Requests that end without an answer: overload, timeouts, clients that hang up, a service that stops. */
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { type ClientRequest, request } from 'node:http'
import { get } from 'node:https'
import { connect as connectSocket, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { Deadline } from '../../../src/client/deadline.js'
import { connect } from '../../../src/client/index.js'
import { QueryStreams } from '../../../src/client/query-streams.js'
import type { CallOptions, Collection } from '../../../src/core/database.js'
import { VicinalError } from '../../../src/core/errors.js'
import { innerOf } from '../../../src/core/inner-call.js'
import { encodeMsgpack } from '../../../src/wire/msgpack-encoder.js'
import { startService } from '../../contract/service.js'
import { MemoryCollection } from '../../oracle/memory-collection.js'
import { MemoryDatabase } from '../../oracle/memory-database.js'

/** A real database whose counts wait until the test releases them, or until they are aborted. */
class HeldDatabase extends MemoryDatabase {
  readonly calls: CallOptions[] = []
  readonly #waiting: (() => void)[] = []

  override async collection<P>(): Promise<Collection<P>> {
    const collection = new MemoryCollection('held', {
      vectors: [],
      sparseVectors: [],
      hnswConfig: { m: 16, efConstruct: 200 },
      quantization: 'auto',
      quantizationConfig: null,
      optimizersConfig: {},
      walConfig: {},
      strictModeConfig: null,
      metadata: null,
    })
    collection.count = (options: CallOptions = {}) => this.#hold(options)
    return collection as unknown as Collection<P>
  }

  release(): void {
    for (const resolve of this.#waiting.splice(0)) resolve()
  }

  #hold(options: CallOptions): Promise<number> {
    this.calls.push(options)
    return new Promise((resolve, reject) => {
      this.#waiting.push(() => resolve(42))
      innerOf(options)?.stop?.onStop(() => reject(new VicinalError('CANCELLED', 'cancelled')))
    })
  }
}

const COUNT = '/collections/held/points/count'

/** The service has as many open on its side, and both must fit into the process's limit. */
const SLOW_CLIENTS = 2000
/** No more at once than the accept queue holds: further clients only believe that they are connected. */
const CONNECTING_AT_ONCE = 100
const DRIP_MS = 500

/** Clients that connect, begin a request and never get far. */
class SlowClients {
  open = 0
  /** Clients that got a connection, even if it was cut since. */
  taken = 0
  readonly #sockets: Socket[] = []
  readonly #port: number
  readonly #dripping = setInterval(() => this.#drip(), DRIP_MS)

  constructor(port: number) {
    this.#port = port
  }

  async connect(count: number): Promise<void> {
    for (let made = 0; made < count; made += CONNECTING_AT_ONCE) {
      await Promise.all(Array.from({ length: CONNECTING_AT_ONCE }, (_, at) => this.#connect(made + at)))
    }
  }

  close(): void {
    clearInterval(this.#dripping)
    for (const socket of this.#sockets) socket.destroy()
  }

  #connect(at: number): Promise<void> {
    return new Promise((resolve) => {
      const socket = connectSocket(this.#port, '127.0.0.1', () => {
        this.open++
        this.taken++
        socket.write(slowness(at)[0])
        socket.once('close', () => this.open--)
        resolve()
      })
      socket.on('error', () => resolve())
      // A client that writes notices by the close that it was cut; it never reads.
      if (slowness(at)[1] === '') socket.resume()
      this.#sockets.push(socket)
    })
  }

  #drip(): void {
    for (const [at, socket] of this.#sockets.entries()) if (socket.writable) socket.write(slowness(at)[1])
  }
}

/** The first bytes of the client, and its later ones: nothing, or a byte now and then. */
function slowness(client: number): readonly [string, string] {
  const head = `POST ${COUNT} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n`
  const kinds = [
    ['', ''],
    ['POST', ' '],
    [`${head}X-Long: `, 'x'],
    [`${head}Content-Length: 1000\r\n\r\n{`, ' '],
  ] as const
  return kinds[client % kinds.length] as (typeof kinds)[number]
}

function startCount(port: number): ClientRequest {
  const sent = request({ host: '127.0.0.1', port, method: 'POST', path: COUNT, agent: false })
  sent.on('error', () => {})
  sent.end()
  return sent
}

describe('the service under load', () => {
  it('answers 429 with Retry-After beyond the bound, and health all the while', async () => {
    const database = new HeldDatabase()
    const service = await startService({ database, maxConcurrentReads: 2 })
    const taken = [service.call('POST', COUNT), service.call('POST', COUNT)]
    await expect.poll(() => database.calls.length).toBe(2)
    const refused = await service.call('POST', COUNT)
    expect(refused).toMatchObject({ status: 429, json: { status: { code: 'OVERLOADED' } } })
    expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0)
    expect((await service.call('GET', '/healthz')).status).toBe(200)
    expect((await service.call('GET', '/metrics')).text).toContain('rest_requests_in_work 2')
    database.release()
    for (const answer of await Promise.all(taken)) expect(answer.json.result).toEqual({ count: 42 })
    const next = service.call('POST', COUNT)
    await expect.poll(() => database.calls.length).toBe(3)
    database.release()
    expect((await next).status).toBe(200)
  })

  it('stops the work of a client that hangs up, and gives its place to the next', async () => {
    const database = new HeldDatabase()
    const service = await startService({ database, maxConcurrentReads: 1 })
    const sent = startCount(service.port)
    await expect.poll(() => database.calls.length).toBe(1)
    expect(innerOf(database.calls[0])?.stop?.isStopped).toBe(false)
    sent.destroy()
    await expect.poll(() => innerOf(database.calls[0])?.stop?.isStopped).toBe(true)
    const next = service.call('POST', COUNT)
    await expect.poll(() => database.calls.length).toBe(2)
    database.release()
    expect((await next).status).toBe(200)
    expect((await service.call('GET', '/metrics')).text).toMatch(/rest_responses_total\{.*status="499"\} 1/)
  })

  it('hands the deadline of a request to the database', async () => {
    const database = new HeldDatabase()
    const service = await startService({ database, timeoutMs: 1234 })
    const answers = [service.call('POST', COUNT), service.call('POST', `${COUNT}?timeout=7`)]
    await expect
      .poll(() => database.calls.map((call) => call.timeoutMs ?? innerOf(call)?.defaultTimeoutMs).sort())
      .toEqual([1234, 7000])
    database.release()
    await Promise.all(answers)
  })

  it('cuts off heads and bodies that do not come', async () => {
    const service = await startService({ headersTimeoutMs: 1_000, requestTimeoutMs: 1_500 })
    const head = 'POST /collections HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n'
    for (const bytes of [head, `${head}Content-Length: 10\r\n\r\n{`]) {
      const answer = await service.raw(bytes)
      expect(answer).toMatch(/^(HTTP\/1\.1 408 |$)/)
    }
    expect((await service.call('GET', '/healthz')).status).toBe(200)
  })

  it('answers others beside thousands of clients that trickle bytes or nothing, and never read', async () => {
    const service = await startService({ headersTimeoutMs: 3000, requestTimeoutMs: 4000 })
    const slow = new SlowClients(service.port)
    onTestFinished(() => slow.close())
    await slow.connect(SLOW_CLIENTS)
    expect(slow.taken).toBeGreaterThan(SLOW_CLIENTS / 2)
    // A good client gets all its answers meanwhile, and the slow ones are cut off although they keep sending.
    for (let calls = 0; calls < 50; calls++) {
      expect((await service.call('GET', '/collections')).status).toBe(200)
    }
    await expect.poll(() => slow.open, { interval: 200 }).toBe(0)
    expect((await service.call('GET', '/metrics')).text).toContain('rest_requests_in_work 0')
  })

  it('accepts no more connections than its bound', async () => {
    const service = await startService({ maxConnections: 2 })
    const open = await Promise.all(
      [1, 2].map(
        () =>
          new Promise<ReturnType<typeof connectSocket>>((resolve) => {
            const socket = connectSocket(service.port, '127.0.0.1', () => resolve(socket))
          }),
      ),
    )
    onTestFinished(() => {
      for (const socket of open) socket.destroy()
    })
    await expect(service.call('GET', '/healthz')).rejects.toThrow()
    open[0]?.destroy()
    await expect
      .poll(() =>
        service.call('GET', '/healthz').then(
          (answer) => answer.status,
          () => 0,
        ),
      )
      .toBe(200)
  })
})

describe('the service on its way out', () => {
  it('finishes accepted requests, refuses new ones, and ends', async () => {
    const database = new HeldDatabase()
    const service = await startService({ database })
    const taken = service.call('POST', COUNT)
    await expect.poll(() => database.calls.length).toBe(1)
    const closed = service.close(10_000)
    await expect(service.call('GET', '/healthz')).rejects.toThrow(/ECONNREFUSED/)
    database.release()
    expect((await taken).json.result).toEqual({ count: 42 })
    await closed
  })

  it('cuts off requests beyond the deadline', async () => {
    const database = new HeldDatabase()
    const service = await startService({ database })
    const taken = service.call('POST', COUNT).catch((error: Error) => error)
    await expect.poll(() => database.calls.length).toBe(1)
    await service.close(100)
    expect(await taken).toBeInstanceOf(Error)
    expect(innerOf(database.calls[0])?.stop?.isStopped).toBe(true)
  })
})

describe('TLS', () => {
  const hasOpenssl = spawnSync('openssl', ['version']).status === 0

  it.skipIf(!hasOpenssl)('serves by certificate and key', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'vicinal-tls-'))
    onTestFinished(() => rmSync(folder, { recursive: true }))
    const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')]
    const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1']
    execFileSync(
      'openssl',
      ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '1', '-keyout', key, '-out', cert, ...subject],
      { stdio: 'ignore' },
    )
    const service = await startService({ tls: { cert: readFileSync(cert), key: readFileSync(key) } })
    expect(service.url).toMatch(/^https:/)
    const status = await new Promise((resolve, reject) => {
      get(`${service.url}/readyz`, { ca: readFileSync(cert), agent: false }, (response) => {
        response.resume()
        resolve(response.statusCode)
      }).on('error', reject)
    })
    expect(status).toBe(200)
    const database = await connect(service.url, { ca: readFileSync(cert) })
    expect(await database.collections()).toEqual([])
    await database.close()
    const asked = encodeMsgpack({ query: [1, 2] }, { rawJson: 'text' })
    const askBy = async (ca: Buffer | undefined) => {
      const streams = new QueryStreams(new URL(service.url), { headers: {}, ca, most: 1 })
      onTestFinished(() => streams.close())
      const deadline = new Deadline(10_000, undefined)
      onTestFinished(() => deadline.end())
      return streams.ask('/collections/gone/points/query', asked, deadline)
    }
    expect(await askBy(undefined)).toBe(null)
    expect((await askBy(readFileSync(cert)))?.toString('latin1')).toContain('NOT_FOUND')
    await expect(connect(service.url, { retries: 0 })).rejects.toMatchObject({ code: 'UNAVAILABLE' })
  })
})
