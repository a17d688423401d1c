import { mkdtempSync, readFileSync, rmSync, truncateSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { CheckpointResult, SegmentSource } from '../../../src/native/addon.js'
import { Shard } from '../../../src/native/shard.js'
import { clusteredVectors, idsOf, query, sequence, spec } from './shard-data.js'

const DIM = 1024
const POINTS = 3000

let folder: string
const open = new Set<Shard>()
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'vicinal-cold-'))
})
afterEach(async () => {
  await Promise.all([...open].map((shard) => shard.close()))
  open.clear()
  rmSync(folder, { recursive: true, force: true })
})

function newShard(): Shard {
  const [vector] = spec(DIM).vectors
  const shard = new Shard(spec(DIM, { vectors: [{ ...(vector as NonNullable<typeof vector>), memory: 'cold' }] }))
  open.add(shard)
  return shard
}

async function insert(shard: Shard, data: Float32Array, from: number, count: number, seq: number): Promise<void> {
  const vectors = data.slice(from * DIM, (from + count) * DIM)
  await shard.upsert({
    ids: sequence(from, count),
    seq,
    vectors: [{ vector: 0, data: vectors, rows: null }],
    payloads: null,
  })
  await shard.waitForIndex()
}

async function answers(shard: Shard, data: Float32Array): Promise<string> {
  const found = []
  for (let at = 0; at < 30; at++) {
    const near = await shard.search(query(data.subarray(at * 80 * DIM, (at * 80 + 1) * DIM)))
    const exact = await shard.search(query(data.subarray(at * DIM, (at + 1) * DIM), { exact: true, limit: 3 }))
    found.push([idsOf(near), [...near.scores], idsOf(exact), [...exact.scores]])
  }
  return JSON.stringify(found)
}

function sources(result: CheckpointResult): SegmentSource[] {
  return result.segments.map(({ file, crc }) => ({ path: join(folder, file), crc, overlay: null, resume: true }))
}

async function reopened(result: CheckpointResult): Promise<Shard> {
  const shard = newShard()
  for (const source of sources(result)) await shard.openSegment(source)
  return shard
}

/** Anonymous memory of this process, without memory that files back. */
function anonymousBytes(): number {
  return Number(/RssAnon:\s+(\d+) kB/.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]) * 1024
}

test('cold vectors give the same answers bit for bit, through checkpoints, growth and reopening', async () => {
  const data = await clusteredVectors(POINTS, DIM, 5)
  const shard = newShard()
  const half = POINTS / 2
  await insert(shard, data, 0, half, 1)
  const inMemory = await answers(shard, data)
  await shard.checkpoint(folder)
  expect(await answers(shard, data)).toBe(inMemory)
  await insert(shard, data, half, half, 2)
  const grown = await answers(shard, data)
  const result = await shard.checkpoint(folder)
  expect(await answers(shard, data)).toBe(grown)
  expect(await answers(await reopened(result), data)).toBe(grown)
  expect(await shard.validate()).toEqual([])
})

test.skipIf(process.platform !== 'linux')('a checkpoint gives the memory of vectors back', async () => {
  const data = await clusteredVectors(POINTS, DIM, 5)
  const shard = newShard()
  await insert(shard, data, 0, POINTS, 1)
  const before = anonymousBytes()
  await shard.checkpoint(folder)
  expect(before - anonymousBytes()).toBeGreaterThan(0.8 * POINTS * DIM * 4)
})

test('a file that breaks off under an open collection fails the search, not the process', async () => {
  const data = await clusteredVectors(POINTS, DIM, 5)
  const shard = newShard()
  await insert(shard, data, 0, POINTS, 1)
  const result = await shard.checkpoint(folder)
  truncateSync(join(folder, result.segments[0]?.file as string), 65_536)
  await expect((async () => shard.search(query(data.subarray(0, DIM))))()).rejects.toMatchObject({ code: 'CORRUPT' })
})
