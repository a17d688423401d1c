/** Waits, flushes and snapshots have no deadline, unless their caller names one. */
import { beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest'
import { connect } from '../../src/client/index.js'
import type { Collection, Database } from '../../src/core/database.js'
import { LIMITS } from '../../src/core/limits.js'
import { open } from '../../src/index.js'
import { startService } from './service.js'

const POINTS = 3_000
const DIMENSIONS = 256
const SHORT_MS = 100
const KEYS = { apiKeys: ['writer'], readOnlyApiKeys: ['reader'] }

let database: Database
let made = 0

beforeAll(async () => {
  database = await open(':memory:')
  return async () => await database.close()
})

async function created(): Promise<Collection> {
  return await database.createCollection(`slow-${made++}`, {
    vectors: { size: DIMENSIONS, distance: 'Dot' },
    hnswConfig: { m: 64, efConstruct: 2000 },
  })
}

/** Gives the collection a graph that takes seconds to build. */
async function fill(collection: Collection): Promise<void> {
  const vectors = Float32Array.from({ length: POINTS * DIMENSIONS }, (_, at) => Math.sin(at * at))
  await collection.upsert({ ids: Array.from({ length: POINTS }, (_, id) => id), vectors })
}

describe('waiting for the index', () => {
  it('of the library goes on past the default of other calls', async () => {
    const slow = await created()
    await fill(slow)
    // Any default deadline that has begun by now passes at once.
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    onTestFinished(() => void vi.useRealTimers())
    const waits = slow.waitForIndex()
    vi.advanceTimersByTime(LIMITS.maxTimeoutMs)
    vi.useRealTimers()
    await waits
    expect((await slow.info()).indexedVectorsCount).toBe(POINTS)
  })

  it('of a service goes on past its timeout and the client`s, with any key, unless the caller names one', async () => {
    const { url } = await startService({ database, ...KEYS, timeoutMs: SHORT_MS })
    const slow = await created()
    const asked: Collection[] = []
    for (const apiKey of ['writer', 'reader']) {
      const client = await connect(url, { apiKey, timeoutMs: 3 * SHORT_MS })
      onTestFinished(() => client.close())
      asked.push(await client.collection(slow.name))
    }
    await fill(slow)
    const waits = asked.map((collection) => collection.waitForIndex())
    const cancelled = [slow, ...asked].map((one) =>
      expect(one.waitForIndex({ signal: AbortSignal.timeout(SHORT_MS) })).rejects.toMatchObject({ code: 'CANCELLED' }),
    )
    const late = asked.map((one) =>
      expect(one.waitForIndex({ timeoutMs: SHORT_MS })).rejects.toMatchObject({ code: 'TIMEOUT' }),
    )
    await Promise.all([...cancelled, ...late])
    await Promise.all(waits)
    expect((await slow.info()).indexedVectorsCount).toBe(POINTS)
  })

  it('over plain HTTP has the deadline that the request names', async () => {
    const service = await startService({ database })
    const slow = await created()
    const { name } = slow
    await fill(slow)
    const answer = await service.call('POST', `/collections/${name}/wait-for-index?timeout=1`)
    expect([200, 408], answer.text).toContain(answer.status)
    expect((await service.call('POST', `/collections/${name}/wait-for-index`)).status).toBe(200)
  })
})
