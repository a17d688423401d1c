import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { CheckpointResult, SegmentSource, ShardSpec } from '../../../src/native/addon.js'
import { crc32c } from '../../../src/native/checksum.js'
import { inspectSegment } from '../../../src/native/inspect.js'
import { Shard } from '../../../src/native/shard.js'
import { clusteredVectors, idsOf, NO_FIELDS, payloadsOf, query, sequence, texts } from './shard-data.js'

const DIM = 24
const SPEC: ShardSpec = {
  vectors: [
    { name: 'a', dim: DIM, metric: 'cosine', m: 12, efConstruct: 80 },
    { name: 'b', dim: 5, metric: 'l2', m: 8, efConstruct: 40 },
  ],
  segmentBytes: 2 ** 30,
  trackChanges: true,
}
const EVERYTHING = { payload: true, vectors: Uint32Array.of(0, 1) }

let folder: string
const open = new Set<Shard>()
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'vicinal-segments-'))
})
afterEach(async () => {
  await Promise.all([...open].map((shard) => shard.close()))
  open.clear()
  rmSync(folder, { recursive: true, force: true })
})

function newShard(): Shard {
  const shard = new Shard(SPEC)
  open.add(shard)
  return shard
}

/** Points 0 to count - 1; every other one lacks vector `b`, every seventh a payload. */
async function filled(count: number): Promise<{ shard: Shard; data: Float32Array }> {
  const shard = newShard()
  const data = await clusteredVectors(count, DIM, 11)
  const rows = Uint32Array.from({ length: count / 2 }, (_, at) => at * 2 + 1)
  const second = Float32Array.from({ length: (count / 2) * 5 }, (_, at) => Math.sin(at))
  const payloads = texts(
    Array.from({ length: count }, (_, at) => (at % 7 ? { n: at, text: `point ${at}` } : undefined)),
  )
  await shard.upsert({
    ids: sequence(0, count),
    seq: 1,
    vectors: [
      { vector: 0, data, rows: null },
      { vector: 1, data: second, rows },
    ],
    payloads,
  })
  return { shard, data }
}

/** All answers of the shard: all rows, and searches by both vectors. */
async function answers(shard: Shard, data: Float32Array): Promise<string> {
  const all = await shard.scroll({ from: null, limit: 100_000, filter: null, fields: EVERYTHING })
  const found = []
  for (let at = 0; at < 40; at++) {
    const near = await shard.search(query(data.subarray(at * DIM, (at + 1) * DIM), { fields: EVERYTHING }))
    found.push(
      { ...near, stats: null },
      { ...(await shard.search(query(Float32Array.of(0.1 * at, 0, 1, 0, -1), { vector: 1 }))), stats: null },
    )
  }
  return JSON.stringify([all, found])
}

function sources(result: CheckpointResult, resume = true): SegmentSource[] {
  return result.segments.map(({ file, crc, overlay }, at) => ({
    path: join(folder, file),
    crc,
    overlay: overlay && { path: join(folder, overlay.file), crc: overlay.crc },
    resume: resume && at === result.segments.length - 1,
  }))
}

async function reopened(result: CheckpointResult): Promise<Shard> {
  const shard = newShard()
  for (const source of sources(result)) await shard.openSegment(source)
  return shard
}

test('a checkpoint opens to the same answers bit for bit and takes further rows', async () => {
  const { shard, data } = await filled(3000)
  await shard.deletePoints(sequence(100, 50), 2)
  await shard.setPayloads(sequence(500, 2), texts([{ set: 1 }, { set: 2 }]), 3)
  await shard.waitForIndex()
  const before = await answers(shard, data)
  const result = await shard.checkpoint(folder)
  expect(result.throughSeq).toBe(3)
  expect(result.segments).toHaveLength(1)
  expect(result.segments[0]?.bytes).toBe(statSync(join(folder, result.segments[0]?.file as string)).size)
  expect(await answers(shard, data)).toBe(before)

  const again = await reopened(result)
  expect(await answers(again, data)).toBe(before)
  expect(await again.validate()).toEqual([])
  expect(again.stats()).toMatchObject({ seq: 3, points: 2950, dirty: 0 })
  expect(again.tailBytes()).toBe(0)
  await again.upsert({
    ids: sequence(2990, 20),
    seq: 4,
    vectors: [{ vector: 0, data: data.slice(0, 20 * DIM), rows: null }],
    payloads: null,
  })
  await again.waitForIndex()
  expect(again.stats().points).toBe(2960)
  expect(await again.validate()).toEqual([])
  const near = await again.search(query(data.subarray(0, DIM), { limit: 2 }))
  expect(new Set(idsOf(near))).toEqual(new Set([0, 2990]))
})

test('unchanged segments are not rewritten, and deletes and payloads become an overlay', async () => {
  const { shard, data } = await filled(2000)
  await shard.waitForIndex()
  const first = await shard.checkpoint(folder)
  expect(await shard.checkpoint(folder)).toEqual(first)
  expect(readdirSync(folder)).toHaveLength(1)
  await shard.deletePoints(sequence(0, 10), 2)
  await shard.setPayloads(sequence(20, 1), texts([{ changed: true }]), 3)
  const second = await shard.checkpoint(folder)
  expect(second.segments[0]?.file).toBe(first.segments[0]?.file)
  expect(second.segments[0]?.overlay).not.toBeNull()
  const before = await answers(shard, data)
  expect(await answers(await reopened(second), data)).toBe(before)
  // A new row leads to a whole file again, which includes the overlay.
  await shard.upsert({ ids: sequence(5000, 1), seq: 4, vectors: [], payloads: null })
  const third = await shard.checkpoint(folder)
  expect(third.segments[0]?.overlay).toBeNull()
  expect(await answers(await reopened(third), data)).toBe(await answers(shard, data))
  expect(await answers(await reopened(first), data)).not.toBe(before)
})

test('a checkpoint beside writes is the state after one operation', async () => {
  const { shard, data } = await filled(2000)
  let seq = 1
  let stop = false
  const writes = (async () => {
    // Each operation sets one payload on all ten points and adds a point.
    while (!stop) {
      seq += 1
      await shard.setPayloads(sequence(0, 10), texts(Array.from({ length: 10 }, () => ({ seq }))), seq)
      seq += 1
      await shard.upsert({
        ids: sequence(10_000 + seq, 1),
        seq,
        vectors: [{ vector: 0, data: data.slice(0, DIM), rows: null }],
        payloads: null,
      })
    }
  })()
  for (let at = 0; at < 8; at++) {
    const result = await shard.checkpoint(folder)
    const again = await reopened(result)
    const block = await again.retrieve(sequence(0, 10), EVERYTHING)
    const seen = new Set(payloadsOf(block).map((payload) => (payload as { seq?: number } | null)?.seq))
    expect(seen.size).toBe(1)
    const [last] = seen
    if (last !== undefined) expect([result.throughSeq, result.throughSeq - 1]).toContain(last)
    expect(again.stats().points).toBe(2000 + Math.floor((result.throughSeq - 1) / 2))
    expect(await again.validate()).toEqual([])
    await again.close()
  }
  stop = true
  await writes
})

test('every flipped bit and every cut is reported as CORRUPT, naming the file', async () => {
  const { shard } = await filled(600)
  await shard.waitForIndex()
  await shard.checkpoint(folder)
  await shard.deletePoints(sequence(0, 5), 2)
  await shard.setPayloads(sequence(7, 1), texts([{ a: 1 }]), 3)
  const [source] = sources(await shard.checkpoint(folder)) as [SegmentSource]
  const overlayPath = source.overlay?.path as string
  for (const path of [source.path, overlayPath]) {
    const whole = readFileSync(path)
    const attempt = async (bytes: Uint8Array) => {
      writeFileSync(path, bytes)
      const error = await newShard()
        .openSegment({ ...source, crc: null, overlay: { path: overlayPath, crc: null } })
        .then(
          () => null,
          (caught: { code: string; message: string }) => caught,
        )
      expect(error).toMatchObject({ code: 'CORRUPT' })
      expect(error?.message).toContain(basename(path))
    }
    const step = path === overlayPath ? 611 : 3571
    for (let at = 0; at < whole.length; at += at < 64 ? 1 : step) {
      const bytes = Uint8Array.from(whole)
      bytes[at] = (bytes[at] as number) ^ (1 << (at % 8))
      await attempt(bytes)
    }
    for (const length of [0, 1, 63, 64, 4096, whole.length >> 1, whole.length - 1])
      await attempt(whole.subarray(0, length))
    await attempt(Buffer.concat([whole, Buffer.alloc(1)]))
    writeFileSync(path, whole)
  }
})

test('an intact file other than the recorded one, or of another collection, is CORRUPT', async () => {
  const { shard, data } = await filled(600)
  const [old] = sources(await shard.checkpoint(folder)) as [SegmentSource]
  await shard.upsert({
    ids: sequence(900, 1),
    seq: 2,
    vectors: [{ vector: 0, data: data.slice(0, DIM), rows: null }],
    payloads: null,
  })
  const [current] = sources(await shard.checkpoint(folder)) as [SegmentSource]
  await expect(newShard().openSegment({ ...current, path: old.path })).rejects.toMatchObject({ code: 'CORRUPT' })
  const other = new Shard({ ...SPEC, vectors: SPEC.vectors.map((vector) => ({ ...vector, dim: vector.dim + 1 })) })
  open.add(other)
  await expect(other.openSegment(current)).rejects.toMatchObject({ code: 'CORRUPT' })
  await expect(newShard().openSegment({ ...current, path: join(folder, 'absent.vseg') })).rejects.toMatchObject({
    code: 'NOT_FOUND',
  })
})

test('a file that needs a newer reader is refused as UNSUPPORTED_FORMAT and left unchanged', async () => {
  const { shard } = await filled(200)
  const [source] = sources(await shard.checkpoint(folder)) as [SegmentSource]
  const bytes = readFileSync(source.path)
  bytes.writeUInt32LE(10, 8)
  bytes.writeUInt32LE(10, 12)
  bytes.writeUInt32LE(crc32c(bytes.subarray(0, 60)), 60)
  writeFileSync(source.path, bytes)
  await expect(newShard().openSegment({ ...source, crc: null })).rejects.toMatchObject({ code: 'UNSUPPORTED_FORMAT' })
  await expect(inspectSegment(source.path)).rejects.toMatchObject({ code: 'UNSUPPORTED_FORMAT' })
  expect(readFileSync(source.path).equals(bytes)).toBe(true)
})

test('inspect describes a file', async () => {
  const { shard } = await filled(400)
  await shard.waitForIndex()
  const [source] = sources(await shard.checkpoint(folder)) as [SegmentSource]
  const info = await inspectSegment(source.path)
  expect(info).toMatchObject({ formatVersion: 9, rows: 400, bytes: statSync(source.path).size })
  expect(info.vectors).toEqual([
    { name: 'a', dim: DIM, metric: 'cosine', datatype: 'float32', vertices: 400, indexed: 400 },
    { name: 'b', dim: 5, metric: 'l2', datatype: 'float32', vertices: 200, indexed: 200 },
  ])
})

test('compaction moves live rows chunk by chunk, and every point is present exactly once', async () => {
  const { shard, data } = await filled(4000)
  await shard.waitForIndex()
  await shard.checkpoint(folder)
  await shard.deletePoints(sequence(0, 1000), 2)
  const segment = shard.freeze()
  expect(segment).toBeGreaterThanOrEqual(0)
  expect(shard.freeze()).toBe(-1)
  const before = await answers(shard, data)
  let stop = false
  const watch = (async () => {
    while (!stop) {
      expect(await shard.count(null)).toBe(3000)
      const block = await shard.retrieve(sequence(1000, 3000), NO_FIELDS)
      expect(block.count).toBe(3000)
      const all = await shard.scroll({ from: null, limit: 10_000, filter: null, fields: NO_FIELDS })
      expect(new Set(idsOf(all)).size).toBe(3000)
      expect(all.count).toBe(3000)
    }
  })()
  expect(() => shard.dropSegment(segment)).toThrowError(expect.objectContaining({ code: 'INVALID_ARGUMENT' }))
  while ((await shard.moveRows(segment, 250)) > 0);
  stop = true
  await watch
  shard.dropSegment(segment)
  await shard.waitForIndex()
  expect(await shard.validate()).toEqual([])
  expect(shard.stats().segments).toHaveLength(1)
  const after = await answers(shard, data)
  const rows = (text: string) => JSON.stringify(JSON.parse(text)[0])
  expect(rows(after)).toBe(rows(before))
  const result = await shard.checkpoint(folder)
  expect(result.segments).toHaveLength(1)
  expect(await answers(await reopened(result), data)).toBe(after)
})
