import { connect } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { VicinalError } from '../../../../src/core/errors.js'
import { LIMITS } from '../../../../src/core/limits.js'
import { Stop } from '../../../../src/core/stop.js'
import { MemoryBudget } from '../../../../src/engine/memory/memory-budget.js'
import { startService } from '../../../contract/service.js'
import { LoneHolder } from './room-holder.js'

const MB = 1_000_000
const WAIT_MS = 150
/** The share of memory that may be used before requests wait. */
const FULL_SHARE = 0.92

const unlimits: (() => void)[] = []
afterEach(() => {
  for (const unlimit of unlimits.splice(0)) unlimit()
})

/** A budget with this much left in addition to the process's present memory. */
function budgetWith(leftBytes: number): MemoryBudget {
  const budget = new MemoryBudget({ waitMs: WAIT_MS })
  unlimits.push(budget.limit(Math.round((budget.usedBytes + leftBytes) / FULL_SHARE)))
  return budget
}

describe('the budget of memory', () => {
  it('lets everything through while there is no limit', async () => {
    const budget = new MemoryBudget()
    expect(budget.limitBytes).toBeNull()
    const release = await budget.reserve(1e15)
    release()
  })

  it('makes requests wait in order until room is freed', async () => {
    const budget = budgetWith(100 * MB)
    const first = await budget.reserve(60 * MB)
    const entered: string[] = []
    const second = Promise.resolve(budget.reserve(70 * MB)).then((release) => {
      entered.push('second')
      return release
    })
    const third = Promise.resolve(budget.reserve(5 * MB)).then((release) => {
      entered.push('third')
      return release
    })
    await new Promise((resolve) => setImmediate(resolve))
    expect(entered).toEqual([])
    expect(budget.waiting).toBe(2)
    first()
    const releases = await Promise.all([second, third])
    expect(entered).toEqual(['second', 'third'])
    expect(budget.reservedBytes).toBe(75 * MB)
    for (const release of releases) release()
    expect(budget.reservedBytes).toBe(0)
  })

  it('lets a holder continue with the room that it holds, before waiting requests', async () => {
    const budget = budgetWith(100 * MB)
    const holder = new LoneHolder()
    holder.hold(await budget.reserve(60 * MB))
    const entered: string[] = []
    const other = Promise.resolve(budget.reserve(70 * MB)).then((release) => {
      entered.push('other')
      return release
    })
    const release = await budget.reserve(50 * MB, undefined, holder)
    expect([budget.reservedBytes, budget.waiting, entered]).toEqual([50 * MB, 1, []])
    // A request that wants more than exists still goes first.
    holder.hold(release)
    const more = Promise.resolve(budget.reserve(90 * MB, undefined, holder)).then((release) => {
      entered.push('holder')
      return release
    })
    ;(await more)()
    ;(await other)()
    expect(entered).toEqual(['holder', 'other'])
    expect(budget.reservedBytes).toBe(0)
  })

  it('refuses a request that has waited for its time, and says when to retry', async () => {
    const budget = budgetWith(20 * MB)
    const startedMs = performance.now()
    await expect(budget.reserve(40 * MB)).rejects.toMatchObject({
      code: 'RESOURCE_EXHAUSTED',
      status: 503,
      retryable: true,
      retryAfterMs: expect.any(Number),
      message: expect.stringMatching(
        /no memory became free in time: the request needs about 40000000 bytes; of \d+, \d+ are in use and 0 reserved/,
      ),
    })
    expect(performance.now() - startedMs).toBeGreaterThanOrEqual(WAIT_MS - 5)
    expect(budget.waiting).toBe(0)
  })

  it('refuses at once if too many wait, or if a request would never fit', async () => {
    const budget = budgetWith(20 * MB)
    const waiting = Array.from({ length: LIMITS.queuedForMemory }, () => budget.reserve(40 * MB) as Promise<() => void>)
    for (const each of waiting) each.catch(() => undefined)
    expect(() => budget.reserve(40 * MB)).toThrow(
      expect.objectContaining({ code: 'RESOURCE_EXHAUSTED', message: expect.stringContaining('too many') }),
    )
    expect(() => budget.reserve(budget.limitBytes as number)).toThrow(expect.objectContaining({ code: 'TOO_LARGE' }))
    await Promise.allSettled(waiting)
  })

  it('drops cancelled requests, and all of them when the limit is lifted', async () => {
    const budget = budgetWith(20 * MB)
    const stop = new Stop()
    const cancelled = budget.reserve(40 * MB, stop)
    stop.stop()
    await expect(cancelled).rejects.toMatchObject({ code: 'CANCELLED' })
    // A request that is already cancelled does not enter the queue.
    expect(() => budget.reserve(40 * MB, stop)).toThrow(expect.objectContaining({ code: 'CANCELLED' }))
    const late = new Stop()
    late.stop(new VicinalError('TIMEOUT', 'too late'))
    expect(() => budget.reserve(1, late)).toThrow('too late')
    expect(budget.waiting).toBe(0)
    const waits = budget.reserve(40 * MB)
    unlimits.pop()?.()
    await expect(waits).resolves.toBeTypeOf('function')
  })

  it('asks collections for memory, the cheapest first, when little is left', async () => {
    const budget = new MemoryBudget({ waitMs: WAIT_MS })
    const asked: string[] = []
    budget.add({
      shed: async (everything) => void asked.push(everything ? 'everything' : 'data'),
      spill: async () => void asked.push('spill'),
    })
    unlimits.push(budget.limit(budget.usedBytes))
    await expect.poll(() => [...new Set(asked)]).toEqual(['data', 'everything', 'spill'])
  })

  it('makes the service leave large bodies unread while small requests go on', async () => {
    const budget = budgetWith(2 * MB)
    const service = await startService({ memory: budget })
    await service.call('PUT', '/collections/a', { vectors: { size: 1, distance: 'Dot' } })
    const points = Array.from({ length: 200_000 }, (_, id) => ({ id, vector: [id] }))
    const refused = await service.call('PUT', '/collections/a/points', { points })
    expect(refused).toMatchObject({ status: 503, json: { status: { code: 'RESOURCE_EXHAUSTED' } } })
    expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0)
    expect((await service.call('PUT', '/collections/a/points', { points: points.slice(0, 3) })).status).toBe(200)
    expect((await service.call('POST', '/collections/a/points/query', { query: [1] })).status).toBe(200)
    const { text } = await service.call('GET', '/metrics')
    expect(text).toContain(`\nmemory_limit_bytes ${budget.limitBytes}\n`)
    expect(text).toMatch(/\nmemory_reserved_bytes 0\n/)
    expect(text).toMatch(/\nmemory_waiting_requests 0\n/)
  })

  it('logs no error for a client that hangs up while waiting', async () => {
    const budget = new MemoryBudget({ waitMs: 20_000 })
    unlimits.push(budget.limit(Math.round(budget.usedBytes / 2)))
    const service = await startService({ memory: budget, logLevel: 'warn' })
    const head =
      'PUT /collections/a/points HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\ncontent-length: 1000000'
    const connection = connect(service.port, '127.0.0.1').on('error', () => {})
    // Enough bytes to reserve room, since declared bytes that have not come reserve none. Unread bytes would hide the
    // hang-up.
    connection.write(`${head}\r\n\r\n{${' '.repeat(70_000)}`)
    const waiting = async () =>
      (await service.call('GET', '/metrics')).text.match(/\nmemory_waiting_requests (\d)/)?.[1]
    await expect.poll(waiting).toBe('1')
    connection.destroy()
    await expect.poll(waiting).toBe('0')
    expect(service.log).toEqual([])
  })
})
