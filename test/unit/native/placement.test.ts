import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { CheckpointResult, VectorSpec } from '../../../src/native/addon.js'
import type { MemoryPartFacts, ShardMemory } from '../../../src/native/addon-stats.js'
import { Shard } from '../../../src/native/shard.js'
import { clusteredVectors, idsOf, query, sequence, spec, texts } from './shard-data.js'

const DIM = 256
const POINTS = 12_000
const QUERIES = 40

let folder: string
const open = new Set<Shard>()
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'vicinal-placement-'))
})
afterEach(async () => {
  await Promise.all([...open].map((shard) => shard.close()))
  open.clear()
  rmSync(folder, { recursive: true, force: true })
})

function newShard(placement: Partial<VectorSpec> = {}): Shard {
  const [vector] = spec(DIM).vectors
  const shard = new Shard(spec(DIM, { vectors: [{ ...(vector as VectorSpec), ...placement }] }))
  open.add(shard)
  return shard
}

async function insert(shard: Shard, data: Float32Array, from: number, count: number, seq: number): Promise<void> {
  await shard.upsert({
    ids: sequence(from, count),
    seq,
    vectors: [{ vector: 0, data: data.slice(from * DIM, (from + count) * DIM), rows: null }],
    payloads: texts(Array.from({ length: count }, (_, at) => ({ at, text: 'some text '.repeat(10) }))),
  })
  await shard.waitForIndex()
}

async function answers(shard: Shard, data: Float32Array): Promise<string> {
  const found = []
  for (let at = 0; at < QUERIES; at++) {
    const vector = data.subarray(at * 200 * DIM, (at * 200 + 1) * DIM)
    const near = await shard.search(query(vector, { fields: { payload: true, vectors: Uint32Array.of(0) } }))
    found.push([idsOf(near), [...near.scores], near.payloads?.bytes.length, near.vectors[0]?.data.at(-1)])
  }
  return JSON.stringify(found)
}

async function reopened(result: CheckpointResult, placement: Partial<VectorSpec>): Promise<Shard> {
  const shard = newShard(placement)
  for (const { file, crc } of result.segments)
    await shard.openSegment({ path: join(folder, file), crc, overlay: null, resume: true })
  return shard
}

const shareInRam = ({ residentBytes, bytes }: MemoryPartFacts) => residentBytes / bytes

test.skipIf(process.platform !== 'linux')(
  'a checkpoint leaves cold graphs and codes to the file, with the same answers, also after growth and reopening',
  async () => {
    const data = await clusteredVectors(POINTS, DIM, 5)
    const placement = { graphMemory: 'cold', codeMemory: 'cold' } as const
    const shard = newShard(placement)
    const half = POINTS / 2
    await insert(shard, data, 0, half, 1)
    const before = await answers(shard, data)
    const [built] = (await shard.memory()).vectors
    expect(shareInRam(built?.graph as MemoryPartFacts)).toBeGreaterThan(0.99)
    await shard.checkpoint(folder)
    const [cold] = (await shard.memory()).vectors
    expect(shareInRam(cold?.graph as MemoryPartFacts)).toBeLessThan(0.2)
    expect(shareInRam(cold?.codes as MemoryPartFacts)).toBeLessThan(0.2)
    expect(shareInRam(cold?.vectors as MemoryPartFacts)).toBeGreaterThan(0.99)
    expect(await answers(shard, data)).toBe(before)
    await insert(shard, data, half, half, 2)
    const grown = await answers(shard, data)
    const result = await shard.checkpoint(folder)
    expect(await answers(shard, data)).toBe(grown)
    expect(await shard.validate()).toEqual([])
    const again = await reopened(result, placement)
    expect(shareInRam((await again.memory()).vectors[0]?.graph as MemoryPartFacts)).toBeLessThan(0.2)
    expect(await answers(again, data)).toBe(grown)
  },
)

test.skipIf(process.platform !== 'linux')('what is pinned is in RAM and locked there', async () => {
  const data = await clusteredVectors(POINTS, DIM, 5)
  const shard = newShard()
  await insert(shard, data, 0, POINTS, 1)
  const before = await answers(shard, data)
  const result = await shard.checkpoint(folder)
  await shard.close()
  const pinned = await reopened(result, { memory: 'pinned', graphMemory: 'pinned', codeMemory: 'pinned' })
  const { vectors, graph, codes } = (await pinned.memory()).vectors[0] as ShardMemory['vectors'][number]
  const parts = [vectors, graph, codes]
  for (const part of parts) {
    expect(shareInRam(part)).toBeGreaterThan(0.99)
    expect(part.cacheBytes).toBe(0)
  }
  const bytes = parts.reduce((sum, part) => sum + part.bytes - part.heapBytes, 0)
  const locked = Number(/VmLck:\s+(\d+) kB/.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]) * 1024
  const unlocked = parts.reduce((sum, part) => sum + part.unlockedBytes, 0)
  expect(locked + unlocked).toBeGreaterThanOrEqual(bytes)
  await pinned.shed(true)
  for (const part of Object.values((await pinned.memory()).vectors[0] ?? {}).filter((each) => typeof each === 'object'))
    expect(shareInRam(part as MemoryPartFacts)).toBeGreaterThan(0.99)
  expect(await answers(pinned, data)).toBe(before)
})

test.skipIf(process.platform !== 'linux')(
  'dropped memory is read again when used, and nothing is lost, including changed and grown parts',
  async () => {
    const data = await clusteredVectors(POINTS, DIM, 5)
    const shard = newShard()
    const most = POINTS - 2_000
    await insert(shard, data, 0, most, 1)
    const first = await shard.checkpoint(folder)
    const before = await answers(shard, data)
    await shard.shed(true)
    const shed = await shard.memory()
    for (const part of [shed.payload, ...Object.values(shed.vectors[0] ?? {})]) {
      if (typeof part === 'object') expect(part.residentBytes).toBeLessThan(300_000)
    }
    expect(await answers(shard, data)).toBe(before)

    // New rows change pages of the graph, which the file no longer backs.
    await insert(shard, data, most, POINTS - most, 2)
    const grown = await answers(shard, data)
    await shard.shed(true)
    expect(await answers(shard, data)).toBe(grown)
    expect(await shard.validate()).toEqual([])
    const second = await shard.checkpoint(folder)
    await shard.shed(true)
    expect(await answers(shard, data)).toBe(grown)
    expect(await answers(await reopened(second, {}), data)).toBe(grown)

    // The same for an opened segment: its pages come from the file from the start.
    const mapped = await reopened(first, {})
    await insert(mapped, data, most, POINTS - most, 2)
    const mappedGrown = await answers(mapped, data)
    await mapped.shed(true)
    expect(await answers(mapped, data)).toBe(mappedGrown)
    expect(await mapped.validate()).toEqual([])
  },
)

test.skipIf(spawnSync('setpriv', ['--version']).status !== 0)(
  'if the system does not allow locking that much memory, the collection works and reports it',
  () => {
    const root = JSON.stringify(join(import.meta.dirname, '../../../dist/index.js'))
    const script = `
      import { open } from ${root}
      const c = await (await open(':memory:')).createCollection('c', { vectors: { size: 64, distance: 'Dot', memory: 'pinned' } })
      await c.upsert({ ids: Array.from({ length: 20000 }, (_, id) => id), vectors: new Float32Array(20000 * 64).fill(1) })
      const { warnings, memory } = await c.info()
      console.log(JSON.stringify({ warnings, points: await c.count() }))
      process.exit(0)`
    const args = ['--bounding-set', '-ipc_lock', 'prlimit', '--memlock=65536', process.execPath]
    const { stdout, stderr } = spawnSync('setpriv', [...args, '--input-type=module', '-e', script], {
      encoding: 'utf8',
    })
    expect(stderr).toBe('')
    expect(JSON.parse(stdout)).toEqual({
      warnings: [expect.stringMatching(/^memory: \d+ bytes of pinned memory are not locked in RAM.*RLIMIT_MEMLOCK/)],
      points: 20_000,
    })
  },
)
