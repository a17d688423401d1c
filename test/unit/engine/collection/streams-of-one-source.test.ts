/** Two streams of one source, and one stream whose writes fail: each row is stored once or in quarantine once. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { Collection } from '../../../../src/core/database.js'
import type { IngestionConfig } from '../../../../src/core/ingestion-rules.js'
import { LIMITS } from '../../../../src/core/limits.js'
import { schemaOf } from '../../../../src/core/schema.js'
import { nextTurn } from '../../../../src/core/turn-budget.js'
import { IngestPlan } from '../../../../src/engine/collection/ingest-plan.js'
import { verdictsIn } from '../../../../src/engine/collection/quarantine.js'
import { Sources } from '../../../../src/engine/collection/sources.js'
import { resolveConfig } from '../../../../src/engine/config/schema.js'
import { open } from '../../../../src/index.js'

const NDJSON = { type: 'application/x-ndjson' } as const
const CAMERA = { ...NDJSON, source: { name: 'camera', position: 0 } }
const line = (id: number, vector: readonly number[]) => Buffer.from(`${JSON.stringify({ id, vector })}\n`)

async function under(rules: IngestionConfig['rules']) {
  const folder = await mkdtemp(join(tmpdir(), 'vicinal-streams-'))
  const database = await open(folder)
  onTestFinished(async () => {
    await database.close()
    await rm(folder, { recursive: true })
  })
  const vectors = { size: 2, distance: 'Dot', hnswConfig: { m: 0 } } as const
  const collection = await database.createCollection('a', { vectors, ingestion: { quarantine: 'q', rules } })
  return { collection, quarantine: await database.collection('q') }
}

async function idsIn(collection: Collection): Promise<unknown[]> {
  return (await collection.scrollPage({ limit: 1_000 })).points.map(({ id }) => id)
}

/** Lines of which the last one comes once the work that the first one begins has ended. */
async function* held(lines: readonly Buffer[], work: () => Promise<unknown>): AsyncGenerator<Buffer> {
  yield lines[0] as Buffer
  await work()
  yield* lines.slice(1)
}

describe('two streams of one source', () => {
  it('do not quarantine rows that the other one has stored meanwhile', async () => {
    const { collection, quarantine } = await under([{ check: 'duplicate', action: 'quarantine' }])
    const lines = [1, 2, 3, 4].map((id) => line(id, [id, 0]))
    // The second stream has asked for its position before the first one begins.
    const first = async () => expect(await collection.ingest(lines, CAMERA)).toMatchObject({ accepted: 4 })
    const second = await collection.ingest(held(lines, first), CAMERA)
    expect(second).toMatchObject({ accepted: 0, quarantined: 0, byRule: {}, position: 4 })
    expect(await quarantine.count()).toBe(0)
    expect(await idsIn(collection)).toEqual([1, 2, 3, 4])
  })

  it('judge each row once where both write at the same time', async () => {
    const { collection, quarantine } = await under([{ check: 'duplicate', action: 'quarantine' }])
    const lines = Array.from({ length: 2_000 }, (_, id) => line(id, [id % 1_900, 1]))
    const results = await Promise.all([1, 2, 3].map(() => collection.ingest(lines, CAMERA)))
    expect(results.reduce((sum, { accepted }) => sum + accepted, 0)).toBe(2_000)
    expect(await quarantine.count()).toBe(0)
    const again = await collection.ingest([line(5_000, [1_899, 1])], {
      ...NDJSON,
      source: { name: 'camera', position: 2_000 },
    })
    expect(again).toMatchObject({ quarantined: 1 })
  })
})

it('a stream remembers its rows while streams of many other sources take turns with it', async () => {
  const { collection } = await under([{ check: 'duplicate', window: LIMITS.duplicateWindow, action: 'reject' }])
  const sources = Array.from({ length: LIMITS.keptWindowRows / LIMITS.duplicateWindow + 1 }, (_, at) => at)
  let begin = () => {}
  const begun = new Promise<void>((resolve) => {
    begin = resolve
  })
  let stored = 0
  async function* rowsOf(source: number) {
    for (let row = 0; row < LIMITS.ingestBatchRows; row++)
      yield { id: source * LIMITS.ingestBatchRows + row, vector: [row, 1] }
    await begun
    yield { id: 1_000_000 + source, vector: [1, 1] }
  }
  const onProgress = () => {
    if (++stored === sources.length) begin()
  }
  const results = await Promise.all(
    sources.map((at) => collection.ingest(rowsOf(at), { source: { name: String(at), position: 0 }, onProgress })),
  )
  expect(results.map(({ rejected }) => rejected)).toEqual(sources.map(() => 1))
}, 30_000)

describe('a batch that is lost once its rows are in quarantine', () => {
  const config = resolveConfig({ vectors: { size: 2, distance: 'Dot' } })
  const rules: IngestionConfig = {
    quarantine: 'q',
    rules: [{ check: 'norm', max: 2, action: 'quarantine', name: 'norm' }],
  }
  const points = [
    { id: 1, vector: [1, 0] },
    { id: 2, vector: [9, 0] },
  ]

  it('leaves them there when another stream sends them, whatever the rules are then', async () => {
    const { quarantine } = await under([])
    const sources = new Sources({}, true)
    const createdAt = new Date(0).toISOString()
    const batch = { points, rows: [0, 1], unread: [], source: 'camera', from: 0, to: 2, recent: null }
    const written = async (ingestion: IngestionConfig) => {
      const schema = schemaOf({ ...config, ingestion })
      const context = { shard: null as never, schema, strictMode: null, collection: 'a' }
      const read = (source: string, from: number) =>
        verdictsIn({ name: 'a', createdAt, schema }, async () => quarantine, { source, from })
      const ingest = new IngestPlan({ ...batch, verdicts: new Map() }, sources, read)
      const plan = await ingest.plan({ ...context, quarantine: async () => quarantine })
      return { ingest, plan }
    }
    // The first batch is never resolved, as if its call was cancelled.
    await written(rules)
    expect(await quarantine.count()).toBe(1)
    const { ingest, plan } = await written({ ...rules, rules: [] })
    const record = await plan.resolve()
    expect(record).toMatchObject({ op: 'upsert', columns: { count: 1 }, source: { name: 'camera', position: 2 } })
    expect(ingest.written).toMatchObject({ accepted: 1, refused: [{ row: 1, rule: 'norm', action: 'quarantine' }] })
  })
})

it('a write that finds no room puts nothing aside', async () => {
  const { collection, quarantine } = await under([{ check: 'norm', max: 2, action: 'quarantine' }])
  const writes = Array.from({ length: 2 * LIMITS.queuedWrites }, (_, id) => collection.upsert([{ id, vector: [1, 0] }]))
  const settled = Promise.allSettled(writes)
  const isFull = async () => (await collection.info()).updateQueue.length >= LIMITS.queuedWrites
  while (!(await isFull())) await nextTurn()
  await expect(collection.upsert([{ id: 1, vector: [9, 0] }])).rejects.toMatchObject({ code: 'OVERLOADED' })
  await settled
  expect(await quarantine.count()).toBe(0)
})
