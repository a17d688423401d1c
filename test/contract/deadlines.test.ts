/** Requests cost nothing more once they are answered or their client is gone. Also tests the deadlines of callers. */
import { request } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest'
// @ts-expect-error: a script without types
import { dearRequests, payloadOf } from '../../scripts/dear-requests.mjs'
import type { Database } from '../../src/core/database.js'
import { open } from '../../src/index.js'
import { type Service, startService } from './service.js'

const POINTS = 10_000
const CONDITIONS = 20_000
const PATH = '/collections/a/points'
/** Time for stopped work to end. */
const STOPPED_MS = 100
const WINDOW_MS = 500
/** Of a dear request. */
const TIMEOUT_MS = 300
const DIM = 2
/** An idle process uses some milliseconds of a window; a working one uses all that a busy machine leaves it. */
const IDLE_CPU_MS = 60

const list = <T>(length: number, one: (at: number) => T) => Array.from({ length }, (_, at) => one(at))
const ring = (points: number) => {
  const around = list(points, (at) => {
    const angle = (at / points) * 2 * Math.PI
    return { lon: 0.5 + Math.cos(angle), lat: 0.5 + Math.sin(angle) }
  })
  return { points: [...around, around[0]] }
}

const FILTERS: Record<string, unknown> = {
  'conditions on as many fields': {
    must_not: list(CONDITIONS, (at) => ({ key: `absent${at}`, match: { value: 'a' } })),
  },
  'nested conditions': {
    must_not: list(10_000, (at) => ({
      nested: { key: `list${at % 2 === 0 ? '' : '[]'}`, filter: { must: [{ key: 'b', range: { gt: at + 10 } }] } },
    })),
  },
  texts: { must_not: list(10_000, (at) => ({ key: `text`, match: { phrase: `absent ${at}` } })) },
  polygons: { must_not: list(20, () => ({ key: 'at', geo_polygon: { exterior: ring(800) } })) },
  values: { must_not: [{ key: 'text', match: { any: list(CONDITIONS, (at) => `absent ${at}`) } }] },
  ids: { must_not: [{ has_id: list(CONDITIONS, (at) => POINTS + at) }, { key: 'absent', match: { value: 1 } }] },
}

const BODIES: Record<string, (filter: unknown) => object> = {
  count: (filter) => ({ filter }),
  query: (filter) => ({ query: [1, 0.5], filter, params: { exact: true } }),
  scroll: (filter) => ({ filter, limit: POINTS }),
  facet: (filter) => ({ key: 'kind', filter }),
}

let database: Database

beforeAll(async () => {
  database = await open(':memory:')
  const points = await database.createCollection('a', { vectors: { size: DIM, distance: 'Dot' } })
  await points.createPayloadIndex('kind', 'keyword')
  await points.createPayloadIndex('n', 'integer')
  for (let from = 0; from < POINTS; from += 1000) {
    await points.upsert(
      list(1000, (at) => ({
        id: from + at,
        vector: [at, 1],
        payload: {
          ...payloadOf(from + at),
          at: { lon: (at % 100) / 100, lat: (at % 90) / 90 },
          list: list(5, (b) => ({ b })),
        },
      })),
    )
  }
  await points.waitForIndex()
  return async () => await database.close()
})

async function startWith(options: Parameters<typeof startService>[0] = {}): Promise<Service> {
  return await startService({ database, ...options })
}

async function cpuMsOf(ms: number): Promise<number> {
  const before = process.cpuUsage()
  // Measures the CPU of a span of time.
  await sleep(ms)
  const { user, system } = process.cpuUsage(before)
  return (user + system) / 1000
}

/** Checks twice, because the garbage collector may still handle the finished request. */
async function expectIdle(what: string): Promise<void> {
  // Work that ends has no event.
  await sleep(STOPPED_MS)
  const first = await cpuMsOf(WINDOW_MS)
  if (first >= IDLE_CPU_MS)
    expect(await cpuMsOf(WINDOW_MS), `${what}: after ${first} ms of CPU`).toBeLessThan(IDLE_CPU_MS)
}

async function expectStopped(service: Service, verb: string, filter: unknown): Promise<void> {
  const path = verb === 'facet' ? '/collections/a/facet' : `${PATH}/${verb}`
  const { status, text } = await service.call('POST', `${path}?timeout=1`, BODIES[verb]?.(filter))
  expect([200, 408], `${verb}: ${text.slice(0, 200)}`).toContain(status)
  await expectIdle(verb)
}

describe('a dear request', () => {
  for (const [name, [place, body]] of Object.entries(dearRequests(DIM) as Record<string, [string, object]>)) {
    it(`does no more work after its answer: ${name}`, async () => {
      const service = await startWith({ timeoutMs: TIMEOUT_MS })
      const { status, text } = await service.call('POST', `/collections/a/${place}`, body)
      expect([200, 408], text.slice(0, 200)).toContain(status)
      if (status === 408) expect(text).toContain(`its timeout of ${TIMEOUT_MS} ms`)
      await expectIdle(name)
    })
  }
})

describe('a read that was answered', () => {
  for (const [name, filter] of Object.entries(FILTERS)) {
    it(`does no more work, by a filter of many ${name}`, async () => {
      const service = await startWith()
      await expectStopped(service, 'count', filter)
    })
  }

  for (const verb of ['query', 'scroll', 'facet']) {
    it(`does no more work, of a ${verb}`, async () => {
      await expectStopped(await startWith(), verb, FILTERS['conditions on as many fields'])
    })
  }

  it('does no more work after its deadline', async () => {
    const service = await startWith()
    const body = { filter: FILTERS['conditions on as many fields'] }
    const { status, text } = await service.call('POST', `${PATH}/count?timeout=1`, body)
    expect(status, text).toBe(408)
    await expectIdle('count')
  })

  it('has its deadline from the arrival of its body, which is read within it', async () => {
    const service = await startWith({ timeoutMs: 1 })
    // To read as much takes longer, and to count all points does not.
    const { status, text } = await service.call('POST', `${PATH}/count`, `{${' '.repeat(4_000_000)}}`)
    expect(status, text).toBe(408)
  })

  it('does no more work once its client has hung up', async () => {
    const service = await startWith()
    const body = JSON.stringify({ filter: FILTERS['conditions on as many fields'] })
    const asking = request(`${service.url}${PATH}/count`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'content-length': body.length },
    })
    asking.on('error', () => {})
    asking.end(body)
    // The client hangs up in the middle of the work.
    await sleep(2_000)
    asking.destroy()
    await expectIdle('count')
  })
})

describe('a key that may only read', () => {
  const KEYS = { apiKeys: ['writer'], readOnlyApiKeys: ['reader'] }
  const slow = { filter: FILTERS['conditions on as many fields'] }

  it('cannot have a longer timeout than the service', async () => {
    const service = await startWith({ ...KEYS, timeoutMs: 700 })
    const asked = await service.call('POST', `${PATH}/count?timeout=600`, slow, { 'api-key': 'reader' })
    expect(asked.status).toBe(408)
    expect(asked.text).toContain('its timeout of 700 ms')
    const other = await service.call('POST', `${PATH}/count?timeout=1`, slow, { 'api-key': 'writer' })
    expect(other.text).toContain('its timeout of 1000 ms')
  })

  it('can have a shorter one', async () => {
    const service = await startWith({ ...KEYS, timeoutMs: 30_000 })
    const asked = await service.call('POST', `${PATH}/count?timeout=1`, slow, { 'api-key': 'reader' })
    expect(asked.text).toContain('its timeout of 1000 ms')
  })

  it('cannot have a longer timeout by a stream either', async () => {
    const service = await startWith({ ...KEYS, timeoutMs: 700 })
    const { WebSocket } = await import('ws')
    const url = `${service.url.replace('http', 'ws')}${PATH}/count?timeout=600`
    const stream = new WebSocket(url, { headers: { 'api-key': 'reader' } })
    onTestFinished(() => stream.terminate())
    await new Promise((resolve, reject) => stream.once('open', resolve).once('error', reject))
    const answer = new Promise<string>((resolve, reject) => {
      stream.once('message', (bytes) => resolve(String(bytes))).once('close', reject)
    })
    // Within the bound of a message.
    const conditions = list(6_000, (at) => ({ key: `absent${at}`, match: { value: 'a' } }))
    stream.send(JSON.stringify({ filter: { must_not: conditions } }))
    expect(await answer).toContain('its timeout of 700 ms')
  })
})
