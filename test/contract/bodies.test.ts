/**
 * Bodies with very many values, beside other requests: they are refused in time or waited for, and the service stays
 * up.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { openSharing } from '../../src/engine/database/open.js'
import { MemoryBudget } from '../../src/engine/memory/memory-budget.js'
import { open } from '../../src/index.js'
import type { ServerOptions } from '../../src/server/app.js'
import { encodeMsgpack } from '../../src/wire/msgpack-encoder.js'
import { longestSlice } from '../unit/cpu.js'
import { type Service, startService } from './service.js'
import { Line, startThreaded } from './threaded.js'

const MIB = 1024 * 1024
const QUERY = '/collections/a/points/query'
const POINTS = '/collections/a/points'
const NOWHERE = '/collections/nowhere/points'
const MSGPACK = { 'content-type': 'application/msgpack' }
/**
 * The values of the whole body took sixty times its bytes. The client's end of the connection is in this process too.
 */
const MOST_GROWTH = 6
/** Of CPU between two turns of the event loop: checking a body takes a part of this; making its values took seconds. */
const MOST_STALL_MS = 1_000

async function start(options: Partial<ServerOptions> = {}): Promise<Service> {
  const folder = await mkdtemp(join(tmpdir(), 'vicinal-bodies-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  const database = await open(folder)
  onTestFinished(() => database.close())
  const service = await startService({ database, ...options })
  const made = await service.call(
    'PUT',
    '/collections/a',
    { vectors: { size: 2, distance: 'Dot' } },
    keyOf(options.apiKeys?.[0]),
  )
  expect(made.status, made.text).toBe(200)
  return service
}

const keyOf = (key: string | undefined): Record<string, string> => (key === undefined ? {} : { 'api-key': key })

function emptyMaps(bytes: number): Buffer {
  const body = Buffer.alloc(bytes, 0x80)
  body.writeUInt8(0xdd)
  body.writeUInt32BE(bytes - 5, 1)
  return body
}

/** A body with this many values of each kind, in a field that is ignored. */
const withJunk = (count: number, body: object) => ({ ...body, junk: new Array(count).fill({}) })

describe('64 MiB of empty maps, with a key that may read', () => {
  const keys = { apiKeys: ['all'], readOnlyApiKeys: ['reads'] }
  it.each([
    ['MessagePack', MSGPACK, emptyMaps(64 * MIB)],
    ['JSON', {}, Buffer.from(`[${'{},'.repeat((64 * MIB) / 3 - 1)}{}]`)],
  ])('in %s are refused at once: others are answered meanwhile, and memory stays', async (_, type, body) => {
    const service = await start({ ...keys, maxReadBodyBytes: 64 * MIB })
    let isOver = false
    const asking = (async () => {
      while (!isOver) expect((await service.call('GET', '/healthz')).status).toBe(200)
    })()
    const before = process.memoryUsage().rss
    let most = before
    const watch = setInterval(() => {
      most = Math.max(most, process.memoryUsage().rss)
    }, 5)
    const longestMs = await longestSlice(async () => {
      for (const path of [QUERY, `${NOWHERE}/query`]) {
        const answer = await service.call('POST', path, body, { ...type, ...keyOf('reads') })
        expect([404, 413], answer.text.slice(0, 300)).toContain(answer.status)
      }
    })
    isOver = true
    await asking
    clearInterval(watch)
    expect(longestMs).toBeLessThan(MOST_STALL_MS)
    expect(most - before).toBeLessThan(MOST_GROWTH * body.length)
    const still = await service.call('POST', QUERY, { query: [1, 2] }, keyOf('reads'))
    expect(still.status, still.text).toBe(200)
  })
})

it('threads beside the main thread refuse the same bodies and go on', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'vicinal-bodies-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  const database = await openSharing(folder)
  onTestFinished(() => database.close())
  const service = await startThreaded(database)
  onTestFinished(() => service.close(0))
  const lines = Array.from({ length: 4 }, () => new Line(service.url))
  const [first] = lines as [Line]
  expect((await first.call('PUT', '/collections/a', { vectors: { size: 2, distance: 'Dot' } })).status).toBe(200)
  const type = { headers: MSGPACK }
  const body = emptyMaps(15 * MIB)
  for (const line of lines) {
    const refused = await line.call('POST', QUERY, body, type)
    expect([refused.status, refused.json.status.error]).toEqual([
      413,
      expect.stringContaining('at most 4194304 values'),
    ])
    expect((await line.call('POST', `${NOWHERE}/query`, body, type)).status).toBe(404)
    expect((await line.call('POST', QUERY, { query: [1, 2] })).status).toBe(200)
  }
  expect(service.trouble).toEqual([])
})

describe('the body of a read', () => {
  it('has a smaller bound than that of a write, and the refusal tells it with the length', async () => {
    const service = await start({ maxBodyBytes: 256 * 1024, maxReadBodyBytes: 128 * 1024 })
    const padded = (bytes: number, body: string) => `${body}${' '.repeat(bytes - body.length)}`
    const refused = await service.call('POST', QUERY, padded(128 * 1024 + 1, '{"query":[1,2]}'))
    expect(refused.status).toBe(413)
    expect(refused.json.status).toMatchObject({
      error: 'Payload too large: expected at most 131072 bytes, got 131073',
      details: { field: 'body', bound: 131_072, seen: 131_073 },
    })
    expect((await service.call('POST', QUERY, padded(128 * 1024, '{"query":[1,2]}'))).status).toBe(200)
    expect((await service.call('PUT', POINTS, padded(256 * 1024, '{"points":[]}'))).status).toBe(200)
    expect((await service.call('PUT', POINTS, padded(256 * 1024 + 1, '{"points":[]}'))).status).toBe(413)
  })

  it('is at most 16 MiB by default', async () => {
    const service = await start()
    const refused = await service.call('POST', QUERY, Buffer.alloc(16 * MIB + 1, 0x20))
    expect([refused.status, (refused.json.status as { error: string }).error]).toEqual([
      413,
      'Payload too large: expected at most 16777216 bytes, got 16777217',
    ])
  })
})

describe('a collection that is not there', () => {
  it.each([
    ['MessagePack', MSGPACK],
    ['JSON', {}],
  ])(
    'is reported before a body above 64 KiB is checked, and after the check of a smaller body: in %s',
    async (_, type) => {
      const service = await start()
      const broken = (bytes: number) => Buffer.alloc(bytes, 0xc1)
      for (const [method, path] of [
        ['POST', `${NOWHERE}/query`],
        ['PUT', NOWHERE],
        ['POST', `${NOWHERE}/payload`],
      ] as const) {
        const large = await service.call(method, path, broken(64 * 1024 + 1), type)
        expect([large.status, large.text]).toEqual([404, expect.stringContaining('nowhere')])
        expect((await service.call(method, path, broken(64 * 1024), type)).status).toBe(400)
      }
      expect((await service.call('POST', QUERY, broken(64 * 1024 + 1), type)).status).toBe(400)
      const made = { vectors: { size: 2, distance: 'Dot' }, junk: 'x'.repeat(65 * 1024) }
      expect((await service.call('PUT', '/collections/new', made)).status).toBe(200)
    },
  )
})

describe('below a limit of memory', () => {
  /** Far above the present use, because the tests' own process has to fit. */
  const LIMIT = 16_384 * MIB
  const FULL = 0.92 * LIMIT
  /** Few bytes, which reserve nothing: its values take sixty times as much. */
  const body = encodeMsgpack(withJunk(60_000, { points: [{ id: 1, vector: [1, 2] }] }))

  /** The memory use of the process varies, so this budget reads a constant. */
  class SteadyBudget extends MemoryBudget {
    override get usedBytes(): number {
      return LIMIT / 8
    }
  }

  /** A service with no memory left until the returned function frees some. */
  async function full(
    waitMs: number,
    options: Partial<ServerOptions> = {},
  ): Promise<{ service: Service; memory: MemoryBudget; release: () => void }> {
    const memory = new SteadyBudget({ waitMs })
    onTestFinished(memory.limit(LIMIT))
    const service = await start({ memory, ...options })
    expect((await service.call('PUT', POINTS, body, MSGPACK)).status).toBe(200)
    const releases = [await memory.reserve(LIMIT * 0.4), await memory.reserve(FULL - LIMIT * 0.4 - memory.usedBytes)]
    return { service, memory, release: () => releases.map((release) => release()) }
  }

  it('values reserve room before they are made, and wait for it', async () => {
    const { service, memory, release } = await full(30_000)
    const answering = service.call('PUT', POINTS, body, MSGPACK)
    await expect.poll(() => memory.waiting).toBe(1)
    release()
    const answer = await answering
    expect(answer.status, answer.text).toBe(200)
    await expect.poll(() => memory.reservedBytes).toBe(0)
  })

  it('values count as bytes of bodies: beyond the bound further bodies wait, and finally get 429', async () => {
    const bounds = { maxBodyBytesInWork: 4 * MIB, bodyWaitMs: 300 }
    const { service, memory, release } = await full(30_000, bounds)
    const sent = Array.from({ length: 8 }, () => service.call('PUT', POINTS, body, MSGPACK))
    const statuses: number[] = []
    for (const answering of sent) void answering.then(({ status }) => statuses.push(status))
    // The bodies that fit, those admitted just below the bound, and one beyond it wait for memory. The others have
    // waited in vain.
    await expect.poll(() => statuses.length > 0 && statuses.length + memory.waiting).toBe(sent.length)
    const refused = statuses.length
    expect(statuses).toEqual(Array.from({ length: refused }, () => 429))
    expect(refused).toBeGreaterThanOrEqual(5)
    expect(refused).toBeLessThan(sent.length)
    release()
    await Promise.all(sent)
    expect(statuses.slice(refused)).toEqual(Array.from({ length: sent.length - refused }, () => 200))
    // None of them counts any more.
    expect((await service.call('PUT', POINTS, body, MSGPACK)).status).toBe(200)
  })

  it('values without room in time are refused with 503', async () => {
    const { service, memory, release } = await full(50)
    const before = memory.reservedBytes
    const answer = await service.call('PUT', POINTS, body, MSGPACK)
    expect([answer.status, (answer.json.status as { code: string }).code]).toEqual([503, 'RESOURCE_EXHAUSTED'])
    expect(memory.reservedBytes).toBe(before)
    // A few values reserve nothing.
    expect((await service.call('PUT', POINTS, { points: [{ id: 2, vector: [1, 2] }] })).status).toBe(200)
    release()
  })
})

describe('large upserts', () => {
  it.each([
    ['MessagePack', MSGPACK, (body: object) => encodeMsgpack(body)],
    ['JSON', {}, (body: object) => Buffer.from(JSON.stringify(body))],
  ])('of the largest allowed number of points, with payloads, are taken in %s', async (_, type, encode) => {
    const service = await start()
    const point = (id: number) => ({ id, vector: [1, 2], payload: { city: 'Berlin', tags: ['a', 'b'], n: id / 7 } })
    const points = (count: number) => encode({ points: Array.from({ length: count }, (_, id) => point(id)) })
    const taken = await service.call('PUT', `${POINTS}?wait=true`, points(100_000), type)
    expect(taken.status, taken.text).toBe(200)
    const count = await service.call('POST', `${POINTS}/count`, {})
    expect(count.json.result).toEqual({ count: 100_000 })
    const refused = await service.call('PUT', POINTS, points(500_000), type)
    expect(refused.status).toBe(413)
    expect(refused.text).toMatch(
      /Payload too large: expected at most 1048576 arrays, maps, texts, bins and long integers, got at least \d+/,
    )
  })
})
