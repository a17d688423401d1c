/** Odd points meet the same rules, whichever way they come: by the library, its client, JSON, or a stream. */
import { expect, it, onTestFinished } from 'vitest'
import { connect } from '../../src/client/index.js'
import type { Database } from '../../src/core/database.js'
import type { Payload, Point } from '../../src/core/point.js'
import type { IngestionConfig } from '../../src/core/schema.js'
import { open } from '../../src/index.js'
import { createServer } from '../../src/server/app.js'

const MAX_SIM = { comparator: 'max_sim' } as const
const OPTIONS = {
  vectors: {
    image: { size: 2, distance: 'Dot' },
    parts: { size: 2, distance: 'Dot', multivectorConfig: MAX_SIM },
  },
  sparseVectors: { words: {} },
} as const
const RULES: IngestionConfig = {
  quarantine: 'aside',
  rules: [
    { check: 'finite', action: 'quarantine' },
    { check: 'dimension', action: 'quarantine' },
  ],
}
/** With the rule that decides on each; null: it is stored. */
const ODD: readonly (readonly [point: unknown, rule: string | null])[] = [
  [{ id: 1, vector: { image: [1, 2] } }, null],
  [{ id: 2, vector: { image: [1, null] } }, 'invalid'],
  [{ id: 3, vector: { words: { indices: [1, 2], values: [1, 1e39] } } }, 'finite'],
  [{ id: 4, vector: { words: { indices: [1, 1], values: [1, 2] } } }, 'invalid'],
  [{ id: 5, vector: { words: { indices: [1], values: [1, 2] } } }, 'invalid'],
  [{ id: 6, vector: { image: [] } }, 'dimension'],
  [{ id: 7, vector: { image: [1, 2, 3] } }, 'dimension'],
  [{ id: 8, vector: { parts: [[1, 2], [3]] } }, 'dimension'],
  [{ id: 9, vector: { parts: [[], []] } }, 'dimension'],
  [{ id: 11, vector: { parts: [[1, 2], null] } }, 'invalid'],
  [{ id: 12, vector: 5 }, 'invalid'],
  [{ id: 13, vector: { image: [1, 2] }, payload: 5 }, 'invalid'],
  [{ id: -1, vector: { image: [1, 2] } }, 'invalid'],
  [null, 'invalid'],
  [{ id: 16, vector: { parts: [[1, 2]] } }, null],
]
/** JSON bodies leave out keys that no point has, as in Qdrant; the library and its client refuse them. */
const MISSPELT = [{ id: 20, vector: { image: [1, 2] }, colour: 'red' }, 'invalid'] as const
const LONE = [{ id: 21, vector: { image: [1, 2], '\ud800': [1] } }, 'invalid'] as const

interface Outcome {
  rejected: number
  quarantined?: number
  errors: readonly { row: number; rule?: string; action?: string; error: string }[]
  byRule?: Readonly<Record<string, number>>
}

function expectJudged(outcome: Outcome | undefined, odd: readonly (readonly [unknown, string | null])[]): void {
  const judged = (outcome?.errors ?? []).map(({ row, rule = 'invalid' }) => [row, rule])
  expect(judged).toEqual(odd.flatMap(([, rule], row) => (rule === null ? [] : [[row, rule]])))
  const aside = odd.filter(([, rule]) => rule === 'finite' || rule === 'dimension').length
  expect(outcome).toMatchObject({ rejected: judged.length - aside, quarantined: aside })
  for (const { error } of outcome?.errors ?? []) expect(error).not.toMatch(/points\[/)
}

async function places(): Promise<{ local: Database; remote: Database; url: string }> {
  const local = await open(':memory:')
  const server = createServer({ database: local, port: 0, logLevel: 'silent' })
  const url = await server.listen()
  const remote = await connect(url)
  onTestFinished(async () => {
    await remote.close()
    await server.close()
    await local.close()
  })
  return { local, remote, url }
}

it.each(['local', 'remote'] as const)('the library judges odd points alike: %s', async (place) => {
  const database = (await places())[place]
  const collection = await database.createCollection('odd', { ...OPTIONS, ingestion: RULES })
  const odd = [...ODD, MISSPELT, LONE]
  const points = odd.map(([point]) => point) as Point<Payload>[]
  expectJudged((await collection.upsert(points)).cleaning, odd)
  expectJudged((await collection.upsert(points.values())).cleaning, odd)
  expectJudged(await collection.ingest(points), odd)
  const [told] = await collection.batch([{ op: 'upsert', points }])
  expectJudged(told?.cleaning, odd)
  expect(await collection.count()).toBe(2)
  const words = [1, 1e39, 2].map((value) => ({ indices: [1], values: [value] }))
  const columns = { ids: [1, 2, 3], vectors: { image: new Float32Array(6), words }, payloads: [null, null, 5] }
  const { cleaning } = await collection.upsert(columns as never)
  expect(cleaning).toMatchObject({ accepted: 1, errors: [{ row: 1, rule: 'finite' }, { row: 2 }] })
})

it('bodies and lines judge odd points alike', async () => {
  const { local, url } = await places()
  const collection = await local.createCollection('odd', { ...OPTIONS, ingestion: RULES })
  const points = ODD.map(([point]) => point)
  const send = async (method: string, path: string, type: string, body: string) => {
    const answer = await fetch(`${url}/collections/odd${path}`, { method, body, headers: { 'content-type': type } })
    return { status: answer.status, text: await answer.text() }
  }
  const put = await send('PUT', '/points?wait=true', 'application/json', JSON.stringify({ points }))
  expectJudged(JSON.parse(put.text).result.cleaning, ODD)
  const lines = points.map((point) => `${JSON.stringify(point)}\n`).join('')
  const streamed = await send('POST', '/ingest', 'application/x-ndjson', lines)
  expectJudged(JSON.parse(streamed.text.trim().split('\n').at(-1) as string).result, ODD)
  // Without rules the answer is Qdrant's.
  await collection.updateConfig({ ingestion: null })
  const empty = JSON.stringify({ points: [{ id: 1, vector: { image: [] } }] })
  const plain = await send('PUT', '/points?wait=true', 'application/json', empty)
  expect(plain).toMatchObject({ status: 422, text: expect.stringContaining('dense vector must not be empty') })
})

it('without rules, and for whole batches, the client refuses them before anything is sent', async () => {
  const { remote } = await places()
  const plain = await remote.createCollection('plain', OPTIONS)
  const whole = await remote.createCollection('whole', { ...OPTIONS, ingestion: { ...RULES, wholeBatches: true } })
  for (const collection of [plain, whole]) {
    for (const [point] of [ODD[1], ODD[2], MISSPELT] as [object, string][]) {
      const points = [ODD[0]?.[0], point] as never
      await expect(collection.upsert(points)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
      await expect(collection.upsert(points)).rejects.toThrow(/points\[1\]/)
      await expect(collection.batch([{ op: 'upsert', points }])).rejects.toThrow(/points\[1\]/)
    }
    expect(await collection.count()).toBe(0)
  }
})
