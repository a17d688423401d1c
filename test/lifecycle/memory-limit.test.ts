import { once } from 'node:events'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, expect, onTestFinished, test } from 'vitest'
import { serviceMemoryLimitOf } from '../../src/cli/memory-limit.js'
import { open } from '../../src/index.js'
import { ended, outcomeOf, scratchFolder, startChild } from '../durability/child.js'
import { listening, start, vicinal } from '../unit/cli/process.js'
import { ControlGroup } from './control-group.js'

const MIB = 1024 * 1024
const LIMIT = 420 * MIB
const SIZE = 2048
/** The data is this many times the limit, counting only float32 vectors: `VICINAL_MEMORY_TIMES=4` sets 4. */
const TIMES = Number(process.env.VICINAL_MEMORY_TIMES ?? 2)
const POINTS = Math.ceil((TIMES * LIMIT) / (SIZE * 4))
/** The memory of a table commit, and of data read between two checks, comes on top of the limit (docs/memory.md). */
const SLACK = 320 * MIB
const MINUTE = 60_000

interface Outcome {
  points: number
  recall: number
  peakOfImport: number
  peak: number
  warnings: string[]
  process: { limitBytes: number }
}

const folder = scratchFolder()
/**
 * Like a container: a process beyond the limit is killed. Where no group can be made, only the greatest resident memory
 * is checked.
 */
const container = ControlGroup.make('vicinal-limit', LIMIT + SLACK)
afterAll(async () => {
  container?.remove()
  await rm(folder, { recursive: true })
})

const RUNNER = 'memory-limit-runner'
async function run(): Promise<Outcome> {
  const child = startChild(RUNNER, [join(folder, 'data'), String(LIMIT), String(POINTS), String(SIZE)])
  container?.take(child)
  return outcomeOf<Outcome>(RUNNER, await ended(child))
}

test.skipIf(process.platform !== 'linux')(
  `a process imports ${TIMES} times its memory limit, reopens and queries it within the limit`,
  async () => {
    const imported = await run()
    process.stdout.write(`imported: ${JSON.stringify(imported)}\n`)
    expect(imported).toMatchObject({ points: POINTS, warnings: [], process: { limitBytes: LIMIT } })
    expect(imported.recall).toBeGreaterThanOrEqual(0.95)
    expect(imported.peak).toBeLessThan(LIMIT + SLACK)
    const reopened = await run()
    process.stdout.write(`reopened: ${JSON.stringify(reopened)}\n`)
    expect(reopened.points).toBe(POINTS)
    expect(reopened.recall).toBeGreaterThanOrEqual(0.95)
    expect(reopened.peak).toBeLessThan(LIMIT + SLACK)
    if (container) expect(container.killed).toBe(0)
    else process.stdout.write('no control group can be made here: what a container allows was not enforced\n')
  },
  120 * MINUTE,
)

async function metricsOf(within: ControlGroup | null, ...flags: string[]): Promise<string> {
  const service = start(['serve', '--port', '0', '--data', join(folder, `told-${flags.length}`), ...flags], folder)
  within?.take(service)
  const { url } = await listening(service)
  const metrics = await (await fetch(`${url}/metrics`)).text()
  service.kill()
  await once(service, 'close')
  return metrics
}

test.skipIf(container === null)("a service without settings stays below its container's limit", async () => {
  expect(await metricsOf(container)).toMatch(new RegExp(`^memory_limit_bytes ${LIMIT}$`, 'm'))
  expect(await metricsOf(container, '--memory-limit', 'none')).not.toMatch(/^memory_limit_bytes/m)
})

test('a service without settings and without a container stays below a share of the machine', async () => {
  expect(await metricsOf(null)).toMatch(new RegExp(`^memory_limit_bytes ${serviceMemoryLimitOf('auto')}$`, 'm'))
})

test.skipIf(container === null)(
  'many concurrent answers with very large payloads do not end the process',
  async () => {
    const limit = 640 * MIB
    const around = ControlGroup.make('vicinal-answers', limit + SLACK) as ControlGroup
    onTestFinished(() => around.remove())
    const flags = ['--data', join(folder, 'answers'), '--memory-limit', String(limit)]
    const service = start(['serve', '--port', '0', ...flags], folder)
    around.take(service)
    const { url } = await listening(service)
    const send = (method: string, path: string, body: unknown) =>
      fetch(url + path, { method, headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) })
    await send('PUT', '/collections/c', { vectors: { size: 1, distance: 'Dot' } })
    const text = 'x'.repeat(2 * MIB)
    for (let id = 0; id < 40; id++) {
      const points = [{ id, vector: [id], payload: { text } }]
      expect((await send('PUT', '/collections/c/points?wait=true', { points })).status).toBe(200)
    }
    const reads: [string, object][] = [
      ['/collections/c/points/scroll', { limit: 10 }],
      ['/collections/c/points/query', { query: [1], limit: 10, with_payload: true }],
    ]
    // 48 times 20 MB, each of which is in memory more than once.
    const outcomes = await Promise.all(
      Array.from({ length: 48 }, async (_, i) => {
        const answer = await send('POST', ...(reads[i % 2] as [string, object]))
        let bytes = 0
        for await (const chunk of answer.body as unknown as AsyncIterable<Uint8Array>) bytes += chunk.length
        return { status: answer.status, isWhole: bytes > 10 * text.length }
      }),
    )
    expect(around.killed).toBe(0)
    // A request that has waited too long for memory gets an error.
    for (const { status, isWhole } of outcomes) expect([200, 503]).toContain(isWhole ? status : 503)
    expect(outcomes.filter(({ isWhole }) => isWhole).length).toBeGreaterThan(24)
    service.kill()
    await once(service, 'close')
  },
  5 * MINUTE,
)

test('a memory limit that is invalid or too small is refused', async () => {
  await expect(open(':memory:', { memoryLimitBytes: 1000 })).rejects.toMatchObject({
    code: 'INVALID_ARGUMENT',
    message: expect.stringContaining('memoryLimitBytes'),
  })
  expect(await vicinal(['serve', '--memory-limit', 'much'], folder)).toMatchObject({
    code: 2,
    stderr: expect.stringMatching(/--memory-limit: expected a size such as 2GiB/),
  })
})

test('under a memory limit, a bigint is a limit of points as without one', async () => {
  const database = await open(':memory:', { memoryLimitBytes: 4096 * MIB })
  try {
    const collection = await database.createCollection('c', { vectors: { size: 1, distance: 'Dot' } })
    const limit = 3n as never
    await collection.upsert({ ids: [1, 2, 3, 4], vectors: new Float32Array(4) })
    expect(await collection.query({ query: [1], limit })).toHaveLength(3)
    expect((await collection.scrollPage({ limit })).points).toHaveLength(3)
  } finally {
    await database.close()
  }
})
