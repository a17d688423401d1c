/** A changed configuration reaches existing segments. */
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeEach, expect, it, onTestFinished } from 'vitest'
import { Disk } from '../../../../src/disk/disk.js'
import { open } from '../../../../src/index.js'
import { inspectSegment } from '../../../../src/native/inspect.js'
import { readManifest } from '../../../../src/storage/manifest.js'
import { clusteredVectors } from '../../native/shard-data.js'

const POINTS = 6000
const SIZE = 8
const WORD_BYTES = 4

/** Deterministic and unordered. */
const vector = (seed: number) => Float32Array.from({ length: SIZE }, (_, i) => Math.sin(seed * 12.9898 + i * 78.233))
const points = (from: number, count: number) =>
  Array.from({ length: count }, (_, i) => ({ id: from + i, vector: vector(from + i), payload: { at: from + i } }))

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'vicinal-rebuild-'))
  onTestFinished(() => rm(folder, { recursive: true }))
})

async function opened() {
  const database = await open(folder)
  onTestFinished(() => database.close())
  return database
}

async function fill(): Promise<void> {
  const database = await opened()
  const rows = await database.createCollection('rows', { vectors: { size: SIZE, distance: 'Euclid' } })
  await rows.upsert(points(0, POINTS))
  await rows.waitForIndex()
  await database.close()
}

async function collectionFolder(): Promise<string> {
  return (await readdir(folder)).find((name) => name.startsWith('c-')) as string
}

/** `m` of each segment in the manifest, from its file: neighbour lists have room for four times m. */
async function neighboursInFiles(): Promise<number[]> {
  const name = await collectionFolder()
  const { segments } = await readManifest(new Disk(folder), join(name, 'manifest'))
  const found: number[] = []
  for (const { file } of segments) {
    const { vectors, sections } = await inspectSegment(join(folder, name, 'segments', file))
    const level0 = sections.find((section) => section.name === 'graphLevel0')
    const words = (level0?.bytes ?? 0) / WORD_BYTES / (vectors[0]?.indexed ?? 0)
    found.push((words - 1) / 4)
  }
  return found
}

async function expectAllFound(rows: Awaited<ReturnType<typeof opened>>): Promise<void> {
  const collection = await rows.collection('rows')
  for (let id = 0; id < POINTS; id += 997) {
    const [hit] = await collection.query({ query: vector(id), limit: 1, recall: 1 })
    expect(hit).toMatchObject({ id, payload: { at: id } })
  }
}

it('rebuilds existing segments beside writes and reads', async () => {
  await fill()
  expect(await neighboursInFiles()).toEqual([16])
  const database = await opened()
  const rows = await database.collection('rows')
  await rows.updateConfig({ hnswConfig: { m: 6 } })
  expect(await rows.info()).toMatchObject({ status: 'yellow', config: { hnswConfig: { m: 6 } } })
  await rows.upsert(points(POINTS, 500))
  await rows.delete([3])
  await rows.waitForIndex()
  expect(await rows.info()).toMatchObject({ status: 'green', segmentsCount: 1, pointsCount: POINTS + 499 })
  await expectAllFound(database)
  await database.close()
  expect(await neighboursInFiles()).toEqual([6])
})

it('continues after a close in the middle', async () => {
  await fill()
  const first = await opened()
  const changing = await first.collection('rows')
  await changing.updateConfig({ vectors: { '': { hnswConfig: { m: 5 } } } })
  await first.close()
  const manifest = await readManifest(new Disk(folder), join(await collectionFolder(), 'manifest'))
  expect(manifest.segments[0]).toMatchObject({ outdated: true })
  const second = await opened()
  await expectAllFound(second)
  const rows = await second.collection('rows')
  await rows.waitForIndex()
  expect(await rows.info()).toMatchObject({ status: 'green', pointsCount: POINTS, config: { vectors: [{ m: 5 }] } })
  await expectAllFound(second)
  await second.close()
  expect(await neighboursInFiles()).toEqual([5])
})

it('keeps the recall from codes to codes, also across a close', async () => {
  const size = 96
  const rows = await clusteredVectors(4000, size, 11)
  const first = await opened()
  const created = await first.createCollection('codes', { vectors: { size, distance: 'Cosine' }, quantization: 'sq8' })
  await created.upsert({ ids: Uint32Array.from({ length: 4000 }, (_, id) => id), vectors: rows })
  await created.waitForIndex()
  await first.close()
  for (const quantization of ['rabitq1', 'none', 'rabitq4', 'sq8', 'auto'] as const) {
    const changing = await opened()
    await (await changing.collection('codes')).updateConfig({ quantization })
    await changing.close()
    const database = await opened()
    const collection = await database.collection('codes')
    await collection.waitForIndex()
    expect((await collection.info()).config.vectors[0]).toMatchObject({ quantization })
    let found = 0
    for (let at = 0; at < 4000; at += 80) {
      const query = rows.slice(at * size, (at + 1) * size)
      const near = (await collection.query({ query })).map(({ id }) => id)
      const truth = (await collection.query({ query, params: { exact: true } })).map(({ id }) => id)
      found += near.filter((id) => truth.includes(id)).length
    }
    expect(found / 500, quantization).toBeGreaterThanOrEqual(0.93)
    await database.close()
  }
})

it('leaves segments alone that the change does not affect', async () => {
  await fill()
  const segments = join(folder, await collectionFolder(), 'segments')
  const before = await readdir(segments)
  const database = await opened()
  const rows = await database.collection('rows')
  await rows.updateConfig({ hnswConfig: { m: 16 }, quantization: 'auto' })
  expect(await rows.info()).toMatchObject({ status: 'green' })
  await rows.waitForIndex()
  await database.close()
  expect(await readdir(segments)).toEqual(before)
})

it('accepts several changes in a row and loses none', async () => {
  const database = await open(':memory:')
  onTestFinished(() => database.close())
  const rows = await database.createCollection('rows', { vectors: { size: SIZE, distance: 'Euclid' } })
  await rows.upsert(points(0, 2000))
  await Promise.all([
    rows.updateConfig({ hnswConfig: { m: 8 } }),
    rows.updateConfig({ hnswConfig: { efConstruct: 64 } }),
    rows.updateConfig({ quantization: 'none' }),
    rows.updateConfig({ vectors: { '': { onDisk: true } } }),
  ])
  await rows.waitForIndex()
  expect(await rows.info()).toMatchObject({
    status: 'green',
    indexedVectorsCount: 2000,
    config: {
      vectors: [
        { m: 8, efConstruct: 64, quantization: 'none', memory: { vectors: 'cold', graph: 'cached', codes: 'cached' } },
      ],
    },
  })
})
