import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { inspectSegment } from '../../../src/native/inspect.js'
import { Shard } from '../../../src/native/shard.js'
import { clusteredVectors, idsOf, query, recall, sequence, spec } from './shard-data.js'

const DIM = 320
/** Fewer vectors are not enough to learn directions. */
const LEAST_SAMPLE = 4096

let folder: string
const open = new Set<Shard>()
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'vicinal-projected-'))
})
afterEach(async () => {
  await Promise.all([...open].map((shard) => shard.close()))
  open.clear()
  rmSync(folder, { recursive: true, force: true })
})

function newShard(): Shard {
  const shard = new Shard(spec(DIM))
  open.add(shard)
  return shard
}

let seq = 0
async function insert(shard: Shard, from: number, data: Float32Array): Promise<void> {
  const vectors = [{ vector: 0, data: data.slice(), rows: null }]
  await shard.upsert({ ids: sequence(from, data.length / DIM), seq: ++seq, vectors, payloads: null })
  await shard.waitForIndex()
}

async function meanRecall(shard: Shard, queries: Float32Array): Promise<number> {
  let sum = 0
  const count = queries.length / DIM
  for (let at = 0; at < count; at++) {
    const target = queries.subarray(at * DIM, (at + 1) * DIM)
    const exact = await shard.search(query(target, { exact: true }))
    sum += recall(idsOf(await shard.search(query(target))), idsOf(exact))
  }
  return sum / count
}

/** Bytes of each code in a shard's file, and whether there are directions. */
async function codesOf(
  shard: Shard,
  points: number,
): Promise<{ stride: number; hasDirections: boolean; path: string }> {
  const { segments } = await shard.checkpoint(folder)
  const path = join(folder, segments[0]?.file as string)
  const { sections } = await inspectSegment(path)
  const bytes = sections.find(({ name }) => name === 'codes')?.bytes as number
  return { stride: bytes / points, hasDirections: sections.some(({ name }) => name === 'directions'), path }
}

test('codes take fewer dimensions once there are enough vectors to learn directions, and keep their recall', async () => {
  const shard = newShard()
  const data = await clusteredVectors(6000, DIM, 3)
  const queries = await clusteredVectors(50, DIM, 3)
  await insert(shard, 0, data.subarray(0, 2000 * DIM))
  expect(await codesOf(shard, 2000)).toMatchObject({ stride: 384, hasDirections: false })
  await insert(shard, 2000, data.subarray(2000 * DIM))
  expect(await meanRecall(shard, queries)).toBeGreaterThan(0.97)
  expect(await shard.validate()).toEqual([])
  const written = await codesOf(shard, 6000)
  expect(written).toMatchObject({ stride: 128, hasDirections: true })

  const again = newShard()
  await again.openSegment({ path: written.path, crc: null, overlay: null, resume: true })
  const target = query(queries.subarray(0, DIM))
  const before = await shard.search(target)
  const after = await again.search(target)
  expect([idsOf(after), after.scores]).toEqual([idsOf(before), before.scores])
  // It goes on growing with the directions from the file.
  await insert(again, 6000, await clusteredVectors(500, DIM, 4))
  expect(await meanRecall(again, queries)).toBeGreaterThan(0.97)
  expect(await again.validate()).toEqual([])
})

test('after vectors of another kind, directions are learnt again', async () => {
  const shard = newShard()
  const first = await clusteredVectors(LEAST_SAMPLE, DIM, 3)
  const later = await clusteredVectors(3 * LEAST_SAMPLE, DIM, 77)
  await insert(shard, 0, first)
  await insert(shard, LEAST_SAMPLE, later)
  const mixed = new Float32Array(40 * DIM)
  mixed.set((await clusteredVectors(20, DIM, 3)).subarray(0, 20 * DIM))
  mixed.set((await clusteredVectors(20, DIM, 77)).subarray(0, 20 * DIM), 20 * DIM)
  expect(await meanRecall(shard, mixed)).toBeGreaterThan(0.95)
})

test('searches and inserts go on while codes are made again', async () => {
  const shard = newShard()
  const data = await clusteredVectors(9000, DIM, 3)
  await insert(shard, 0, data.subarray(0, 4000 * DIM))
  let isDone = false
  const filling = insert(shard, 4000, data.subarray(4000 * DIM)).finally(() => {
    isDone = true
  })
  let searches = 0
  for (; !isDone; searches++) {
    const at = searches % 4000
    const near = await shard.search(query(data.subarray(at * DIM, (at + 1) * DIM)))
    expect(idsOf(near)[0]).toBe(at)
    if (searches % 20 === 0) await new Promise((resolve) => setImmediate(resolve))
  }
  await filling
  expect(searches).toBeGreaterThan(0)
  expect(await codesOf(shard, 9000)).toMatchObject({ stride: 128 })
})
