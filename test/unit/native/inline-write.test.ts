import { afterEach, describe, expect, test } from 'vitest'
import type { ShardHandle, UpsertBatch } from '../../../src/native/addon.js'
import { addon } from '../../../src/native/load.js'
import { Shard } from '../../../src/native/shard.js'
import { clusteredVectors, NO_FIELDS, sequence, spec, texts } from './shard-data.js'

const DIM = 16
/** Bounds of the kernel for writes that run within their call (binding/write_methods.cpp). */
const MOST_BYTES = 16 * 1024
/** The time for writes in one turn of the event loop. */
const SHARE_US = 200

/** The last of `writes` writes, made in turn to seven points, that has this id; writes are numbered from 1. */
const lastOf = (id: number, writes: number) => writes - ((writes - 1 - id) % 7)

describe('a write of a few points', () => {
  const open: ShardHandle[] = []
  afterEach(async () => {
    await Promise.all(open.splice(0).map((shard) => addon().closeShard(shard)))
  })

  /** A shard with one point and room for more in its segment. */
  async function shard(): Promise<ShardHandle> {
    const made = addon().createShard(spec(DIM))
    open.push(made)
    const first = addon().upsert(made, await batch(1000, 1, 1), SHARE_US)
    // Its segment has to be made, so this write goes to the pool.
    expect(first).toBeInstanceOf(Promise)
    await first
    return made
  }

  async function batch(from: number, count: number, seq: number, payload = 'x'): Promise<UpsertBatch> {
    const data = await clusteredVectors(count, DIM, seq)
    const payloads = texts(Array.from({ length: count }, () => ({ payload })))
    return { ids: sequence(from, count), seq, vectors: [{ vector: 0, data, rows: null }], payloads }
  }

  test('ends within its call and is visible at once', async () => {
    const made = await shard()
    expect(addon().upsert(made, await batch(0, 3, 2), SHARE_US)).toBeUndefined()
    expect(addon().stats(made).points).toBe(4)
    expect(addon().upsert(made, await batch(1, 1, 3), SHARE_US)).toBeUndefined()
    const found = await addon().retrieve(made, sequence(0, 3), NO_FIELDS, 0, 0)
    expect([...found.seqs]).toEqual([2, 3, 2])
  })

  test('goes to the pool if its vectors or payloads are large', async () => {
    const made = await shard()
    for (const large of [await batch(0, MOST_BYTES / (DIM * 4) + 1, 2), await batch(0, 1, 3, 'x'.repeat(MOST_BYTES))]) {
      const started = addon().upsert(made, large, SHARE_US)
      expect(started).toBeInstanceOf(Promise)
      await started
    }
    expect(addon().stats(made).points).toBe(MOST_BYTES / (DIM * 4) + 2)
  })

  test('goes to the pool if the turn has no time left, and keeps its order', async () => {
    const made = await shard()
    const started = addon().upsert(made, await batch(0, 1, 2), 0)
    expect(started).toBeInstanceOf(Promise)
    await started
    expect(addon().stats(made).points).toBe(2)
    const others = new Shard(spec(DIM))
    const batches = await Promise.all(Array.from({ length: 400 }, (_, i) => batch(i % 7, 1, i + 1)))
    for (const one of batches) await others.upsert(one)
    const found = await others.retrieve(sequence(0, 7), NO_FIELDS)
    expect([...found.seqs]).toEqual(Array.from({ length: 7 }, (_, id) => lastOf(id, 400)))
    await others.close()
  })

  test('goes to the pool if there are payload indexes', async () => {
    const made = await shard()
    await addon().createPayloadIndex(made, 'payload', 'keyword', null, false, true)
    const started = addon().upsert(made, await batch(0, 1, 2), SHARE_US)
    expect(started).toBeInstanceOf(Promise)
    await started
    expect(addon().stats(made).points).toBe(2)
  })

  test('is refused like a large one if it is malformed, without effect', async () => {
    const made = new Shard(spec(DIM))
    // Its segment has room for more, so the next writes need not wait.
    await made.upsert(await batch(1000, 1, 1))
    const good = await batch(0, 2, 2)
    const offsets = Uint32Array.of(0, 20, 4)
    const wrong = { ...good, payloads: { bytes: new Uint8Array(20), offsets } }
    await expect(made.upsert(wrong)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
    expect(made.stats().points).toBe(1)
    await made.upsert(good)
    expect(made.stats().points).toBe(3)
    await made.close()
  })
})
