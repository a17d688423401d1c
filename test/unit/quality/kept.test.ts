/** What stays of reports when a collection closes, and what a reader of the folder sees. */
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { open } from '../../../src/index.js'
import { ended, start, vicinal } from '../cli/process.js'
import { Gauss, SEED } from './data.js'

const random = new Gauss(SEED)
const TODAY = /^\d{4}-\d\d-\d\d$/
const WITH_RULES = {
  vectors: { size: 4, distance: 'Euclid' as const },
  ingestion: { rules: [{ check: 'zero' as const, action: 'reject' as const, name: 'no zeros' }] },
}
let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'vicinal-quality-'))
})
afterEach(() => rm(folder, { recursive: true }))

const points = (count: number, from = 0) =>
  Array.from({ length: count }, (_, at) => ({ id: from + at, vector: random.vector(4) }))

it('reports, their reference and counts of rules stay in the folder', async () => {
  const before = await open(folder)
  const collection = await before.createCollection('kept', WITH_RULES)
  await collection.upsert(points(60))
  await collection.setQualityReference()
  await collection.upsert([...points(60, 100), { id: 500, vector: [0, 0, 0, 0] }])
  const report = await collection.quality({ seed: SEED })
  expect(report.rules).toEqual([{ day: expect.stringMatching(TODAY), rule: 'no zeros', count: 1 }])
  expect(report.vectors[0]?.drift).toMatchObject({ reference: 60, current: 60 })
  await collection.ingest([Buffer.from('{"id":600,"vector":[0,0,0,0]}\n{"id":601}\n')], {
    type: 'application/x-ndjson',
  })
  await before.close()

  const after = await open(folder)
  const again = await after.collection('kept')
  expect(await again.qualityHistory()).toEqual([report])
  const { rules, reference, vectors } = await again.quality({ seed: SEED })
  expect(reference).toEqual(report.reference)
  expect(vectors[0]?.drift).toMatchObject({ reference: 60, current: 60 })
  const counted = new Map<string, number>()
  for (const { rule, count } of rules) counted.set(rule, (counted.get(rule) ?? 0) + count)
  expect(counted.get('no zeros')).toBe(2)
  await after.close()
})

it('only so many reports are kept, and a damaged file counts as none', async () => {
  const database = await open(folder)
  const collection = await database.createCollection('many', { vectors: { size: 4, distance: 'Cosine' } })
  await collection.upsert(points(10))
  for (let seed = 0; seed < 31; seed++) await collection.quality({ seed })
  const seeds = (await collection.qualityHistory()).map((report) => report.seed)
  expect(seeds).toEqual(Array.from({ length: 30 }, (_, at) => at + 1))
  await database.close()
  const [own] = (await readdir(folder)).filter((name) => name.startsWith('c-')) as [string]
  await writeFile(join(folder, own, 'quality'), 'no file of this kind')
  const again = await open(folder)
  expect(await (await again.collection('many')).qualityHistory()).toEqual([])
  await again.close()
})

it('a reader of the folder makes reports, and cannot set a reference', async () => {
  const writer = await open(folder)
  const collection = await writer.createCollection('shared', { vectors: { size: 4, distance: 'Euclid' } })
  await collection.upsert(points(50))
  await collection.setQualityReference({ filter: { must: [{ hasId: Array.from({ length: 25 }, (_, at) => at) }] } })
  const reader = await open(folder, { readOnly: true })
  const read = await reader.collection('shared')
  const { vectors, reference } = await read.quality({ seed: SEED })
  expect(reference?.filter).toBeDefined()
  expect(vectors[0]?.drift).toMatchObject({ reference: 25, current: 25 })
  expect(await read.qualityHistory()).toHaveLength(1)
  expect((await read.pairs({ threshold: 100, limit: 3 })).pairs).toHaveLength(3)
  await expect(read.setQualityReference()).rejects.toMatchObject({ code: 'READ_ONLY' })
  await expect(read.deleteQualityReference()).rejects.toMatchObject({ code: 'READ_ONLY' })
  await reader.close()
  await writer.close()
})

it('`vicinal quality` prints a report of a folder, as text and as JSON', async () => {
  const database = await open(folder)
  const collection = await database.createCollection('printed', { vectors: { size: 4, distance: 'Euclid' } })
  await collection.upsert([...points(50), { id: 50, vector: [1, 2, 3, 4] }, { id: 51, vector: [1, 2, 3, 4] }])
  await collection.setQualityReference({ operationId: 0 })
  await database.close()
  const text = await vicinal(['quality', 'printed', '--data', folder, '--seed', '7', '--threshold', '0.01'], folder)
  expect(text).toMatchObject({ code: 0, stderr: '' })
  expect(text.stdout).toMatch(/^printed: 52 points, .*seed 7\n/)
  for (const part of ['lengths', 'intrinsic dimension', 'near duplicates', '2 points: ', 'hubs', 'note: drift: ']) {
    expect(text.stdout).toContain(part)
  }
  const json = await vicinal(['quality', 'printed', '--data', folder, '--json'], folder)
  expect(JSON.parse(json.stdout)).toMatchObject({ points: 52, vectors: [{ size: 4 }] })
  expect(await ended(start(['quality', 'none', '--data', folder], folder))).toMatchObject({ code: 1 })
  expect(await ended(start(['quality'], folder))).toMatchObject({ code: 2 })
})
