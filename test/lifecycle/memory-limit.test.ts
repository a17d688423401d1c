import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { open } from '../../src/index.js'
import { childOutcome, scratchFolder } from '../durability/child.js'
import { vicinal } from '../unit/cli/process.js'

const MIB = 1024 * 1024
const LIMIT = 420 * MIB
const SIZE = 2048
/** Float32 of the vectors alone. A quarter of the data is the limit with 4: `VICINAL_MEMORY_TIMES=4`. */
const TIMES = Number(process.env.VICINAL_MEMORY_TIMES ?? 2)
const POINTS = Math.ceil((TIMES * LIMIT) / (SIZE * 4))
/** What a commit of the table takes, and what is read between two looks, come on top of the limit (docs/memory.md). */
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
afterAll(() => rm(folder, { recursive: true }))

test.skipIf(process.platform !== 'linux')(
  `a process imports ${TIMES} times its limit of memory, opens it again and answers, within the limit`,
  async () => {
    const run = () =>
      childOutcome<Outcome>('memory-limit-runner', [join(folder, 'data'), String(LIMIT), String(POINTS), String(SIZE)])
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
  },
  30 * MINUTE,
)

test('a limit that is no size, or too little to live on, is refused', async () => {
  await expect(open(':memory:', { memoryLimitBytes: 1000 })).rejects.toMatchObject({
    code: 'INVALID_ARGUMENT',
    message: expect.stringContaining('memoryLimitBytes'),
  })
  expect(await vicinal(['serve', '--memory-limit', 'much'], folder)).toMatchObject({
    code: 2,
    stderr: expect.stringMatching(/--memory-limit: expected a size such as 2GiB/),
  })
})

test('within a limit, a limit of points that is a bigint is refused as it is without one', async () => {
  const database = await open(':memory:', { memoryLimitBytes: 4096 * MIB })
  try {
    const collection = await database.createCollection('c', { vectors: { size: 1, distance: 'Dot' } })
    const limit = 3n as never
    const refused = { code: 'INVALID_ARGUMENT', message: expect.stringMatching(/limit.*3/) }
    await expect(collection.query({ query: [1], limit })).rejects.toMatchObject(refused)
    await expect(collection.scrollPage({ limit })).rejects.toMatchObject(refused)
  } finally {
    await database.close()
  }
})
