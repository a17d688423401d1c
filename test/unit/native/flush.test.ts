import { afterEach, expect, test } from 'vitest'
import type { FlushBatch } from '../../../src/native/addon.js'
import { Shard } from '../../../src/native/shard.js'
import { clusteredVectors, idsOf, NO_FIELDS, PAYLOAD, payloadsOf, query, sequence, spec, texts } from './shard-data.js'

const DIM = 8
const open: Shard[] = []
function newShard(options = {}): Shard {
  const shard = new Shard(spec(DIM, options))
  open.push(shard)
  return shard
}
afterEach(async () => {
  await Promise.all(open.splice(0).map((shard) => shard.close()))
})

async function upsert(shard: Shard, from: number, count: number, seq: number): Promise<void> {
  const data = await clusteredVectors(count, DIM, seq)
  const payloads = texts(Array.from({ length: count }, (_, at) => ({ seq, at })))
  await shard.upsert({ ids: sequence(from, count), seq, vectors: [{ vector: 0, data, rows: null }], payloads })
}

function idTexts({ ids: { bytes, offsets }, count }: FlushBatch): string[] {
  return Array.from({ length: count }, (_, at) => Buffer.from(bytes).toString('latin1', offsets[at], offsets[at + 1]))
}

const ALL = 2 ** 30

test('changes are flushed in the order of their first change, whole operations at a time', async () => {
  const shard = newShard()
  await upsert(shard, 0, 100, 1)
  await upsert(shard, 100, 100, 2)
  await upsert(shard, 50, 1, 3)
  // Fewer bytes than either operation takes, and more than a quarter.
  const some = 5_000
  const first = (await shard.takeFlush(some)) as FlushBatch
  expect(first.throughSeq).toBe(1)
  expect(idTexts(first)).toEqual(Array.from({ length: 100 }, (_, at) => `${at}`))
  // Point 50 has its present state, changed by operation 3.
  expect(first.seqs[50]).toBe(3n)
  shard.completeFlush()
  const second = (await shard.takeFlush(some)) as FlushBatch
  expect(second.throughSeq).toBe(3)
  expect(idTexts(second)).toEqual(Array.from({ length: 100 }, (_, at) => `${100 + at}`))
  shard.completeFlush()
  expect(await shard.takeFlush(ALL)).toBeNull()
  expect(shard.stats()).toMatchObject({ dirty: 0, dirtyBytes: 0 })
})

test('an operation that changes far more than a flush takes is split, and can be applied again', async () => {
  const all = 1000
  const shard = newShard()
  const table = newShard()
  await upsert(shard, 0, all, 1)
  await table.loadRows((await shard.takeFlush(ALL)) as FlushBatch)
  shard.completeFlush()
  const payloads = texts(Array.from({ length: all }, (_, at) => ({ set: at })))
  const vectors = [{ vector: 0, data: await clusteredVectors(all, DIM, 3), rows: null }]
  const operations = [
    (on: Shard) => on.setPayloads(sequence(0, all), payloads, 2),
    (on: Shard) => on.upsert({ ids: sequence(all / 2, all), seq: 3, vectors, payloads }),
    (on: Shard) => on.deletePoints(sequence(0, all / 2), 4),
  ]
  const page = { from: null, limit: 2 * all, filter: null, fields: { payload: true, vectors: Uint32Array.of(0) } }
  for (const [at, operation] of operations.entries()) {
    const seq = at + 2
    await operation(shard)
    const batches: FlushBatch[] = []
    // A row takes at least 48 bytes, and an operation may take four times the requested bytes.
    for (let next = await shard.takeFlush(2_000); next; next = await shard.takeFlush(2_000)) {
      batches.push(next)
      await table.loadRows(next)
      shard.completeFlush()
      // After a crash in the middle, the log still has the operation and applies it to the table's rows.
      if (batches.length === 2) await operation(table)
    }
    expect(batches.length).toBeGreaterThan(2)
    for (const { count } of batches) expect(count).toBeLessThanOrEqual(8_000 / 48 + 1)
    expect(batches.map(({ throughSeq }) => throughSeq)).toEqual([...new Array(batches.length - 1).fill(seq - 1), seq])
    expect(await table.scroll(page)).toEqual(await shard.scroll(page))
    expect(shard.stats()).toMatchObject({ dirty: 0, dirtyBytes: 0 })
  }
})

test('rows with many vectors count all of them, and a flush takes no more than its bound', async () => {
  const vectors = [{ name: '', dim: DIM, metric: 'cosine' as const, m: 8, efConstruct: 20, multi: true }]
  const shard = newShard({ vectors })
  const each = 100
  for (let seq = 1; seq <= 20; seq++) {
    const data = await clusteredVectors(each, DIM, seq)
    const counts = Uint32Array.of(each)
    await shard.upsert({
      ids: sequence(seq, 1),
      seq,
      vectors: [{ vector: 0, data, rows: null, counts }],
      payloads: null,
    })
  }
  const rowBytes = each * DIM * Float32Array.BYTES_PER_ELEMENT
  expect(shard.stats().dirtyBytes).toBeGreaterThanOrEqual(20 * rowBytes)
  const batch = (await shard.takeFlush(4 * rowBytes)) as FlushBatch
  expect(batch.count).toBe(4)
  expect(shard.stats().dirtyBytes).toBeGreaterThanOrEqual(16 * rowBytes)
  expect(shard.stats().dirtyBytes).toBeLessThan(17 * rowBytes)
  shard.completeFlush()
})

test('dirty bytes match the bytes taken, also for changed payloads and deletes', async () => {
  const shard = newShard()
  await upsert(shard, 0, 100, 1)
  const { dirtyBytes: all } = shard.stats()
  await shard.deletePoints(sequence(0, 50), 2)
  expect(shard.stats().dirtyBytes).toBeLessThan(all * 0.9)
  await shard.takeFlush(ALL)
  shard.completeFlush()
  for (let at = 50; at < 100; at++) await shard.setPayloads(sequence(at, 1), texts([{ set: true }]), at)
  const { dirtyBytes } = shard.stats()
  await shard.takeFlush(dirtyBytes / 2)
  expect(shard.stats().dirtyBytes / dirtyBytes).toBeGreaterThan(0.4)
  expect(shard.stats().dirtyBytes / dirtyBytes).toBeLessThan(0.6)
  shard.completeFlush()
})

test('counts of vectors beyond the size of arrays are refused', async () => {
  const vectors = [{ name: '', dim: 65_536, metric: 'dot' as const, m: 8, efConstruct: 20, multi: true }]
  const shard = newShard({ vectors })
  const rows = 65_537
  const counts = new Uint32Array(rows).fill(2 ** 32 - 1)
  // Together 2^48: times the dimension they overflow to zero in 64 bits.
  counts[rows - 1] = 65_536
  const nothing = new Float32Array(0)
  const batch = { ids: sequence(0, rows), seq: 1, vectors: [{ vector: 0, data: nothing, rows: null, counts }] }
  await expect(shard.upsert({ ...batch, payloads: null })).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
  const single = newShard()
  await upsert(single, 0, 2, 1)
  const table = (await single.takeFlush(ALL)) as FlushBatch
  const [column] = table.vectors
  expect(column?.counts.length).toBe(2)
  column?.counts.set([1, 2])
  await expect(newShard().loadRows(table)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
  const sparse = newShard({ vectors: [], sparse: [{ name: 's', idf: false, memory: 'cached' }] })
  await expect(sparse.measureRecall(0, 1)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
})

test('deletes stay as rows until they are flushed, and a point that comes back is not deleted', async () => {
  const shard = newShard()
  await upsert(shard, 0, 10, 1)
  await shard.takeFlush(ALL)
  shard.completeFlush()
  await shard.deletePoints(sequence(2, 3), 2)
  await upsert(shard, 3, 1, 3)
  const batch = (await shard.takeFlush(ALL)) as FlushBatch
  expect(idTexts(batch)).toEqual(['2', '3', '4'])
  expect([...batch.deleted]).toEqual([1, 0, 1])
  expect([...batch.seqs]).toEqual([2n, 3n, 2n])
  expect(await shard.verifyRows(batch)).toBe(-1)
})

test('a failed flush is restored: nothing is lost, and later changes are kept', async () => {
  const shard = newShard()
  await upsert(shard, 0, 5, 1)
  await shard.deletePoints(sequence(4, 1), 2)
  const lost = (await shard.takeFlush(ALL)) as FlushBatch
  expect(lost.count).toBe(5)
  await upsert(shard, 1, 1, 3)
  await shard.deletePoints(sequence(2, 1), 4)
  await upsert(shard, 4, 1, 5)
  shard.restoreFlush()
  const batch = (await shard.takeFlush(ALL)) as FlushBatch
  expect(batch.throughSeq).toBe(5)
  expect(idTexts(batch)).toEqual(['0', '1', '2', '3', '4'])
  expect([...batch.seqs]).toEqual([1n, 3n, 4n, 1n, 5n])
  expect([...batch.deleted]).toEqual([0, 0, 1, 0, 0])
  shard.completeFlush()
  expect(await shard.takeFlush(ALL)).toBeNull()
})

test('rows that compaction moved stay dirty', async () => {
  const shard = newShard()
  await upsert(shard, 0, 10, 1)
  await shard.takeFlush(ALL)
  shard.completeFlush()
  await upsert(shard, 5, 2, 2)
  const segment = shard.freeze()
  while ((await shard.moveRows(segment, 3)) > 0);
  shard.dropSegment(segment)
  expect(idTexts((await shard.takeFlush(ALL)) as FlushBatch)).toEqual(['5', '6'])
})

test('a table loads to the same points, and one changed byte anywhere is found', async () => {
  const shard = newShard()
  await upsert(shard, 0, 200, 1)
  await shard.deletePoints(sequence(10, 5), 2)
  await shard.setPayloads(sequence(20, 1), texts([{ set: true }]), 3)
  const batch = (await shard.takeFlush(ALL)) as FlushBatch
  const copy = newShard()
  expect(await copy.verifyRows(batch)).toBe(-1)
  await copy.loadRows(batch)
  await copy.loadRows(batch)
  expect(copy.stats()).toMatchObject({ points: 195, dirty: 0, seq: 3 })
  const fields = { payload: true, vectors: Uint32Array.of(0) }
  const all = (of: Shard) => of.scroll({ from: null, limit: 1000, filter: null, fields })
  expect(await all(copy)).toEqual(await all(shard))
  for (const column of [
    batch.ids.bytes,
    batch.payloads.bytes,
    new Uint8Array(batch.vectors[0]?.data.buffer as ArrayBuffer),
    batch.deleted,
  ]) {
    const at = column.length >> 1
    column[at] = (column[at] as number) ^ 1
    expect(await copy.verifyRows(batch)).toBeGreaterThanOrEqual(0)
    column[at] = (column[at] as number) ^ 1
  }
  batch.seqs[7] = 9n
  expect(await copy.verifyRows(batch)).toBe(7)
})

test('applying older operations changes nothing', async () => {
  const shard = newShard()
  await upsert(shard, 0, 10, 5)
  const before = await shard.scroll({ from: null, limit: 20, filter: null, fields: PAYLOAD })
  await upsert(shard, 0, 10, 5)
  await upsert(shard, 0, 10, 4)
  await shard.setPayloads(sequence(0, 3), texts([1, 2, 3]), 5)
  await shard.deletePoints(sequence(0, 3), 5)
  expect(await shard.scroll({ from: null, limit: 20, filter: null, fields: PAYLOAD })).toEqual(before)
})

test('vectors are replaced, added and removed without touching the rest of the point', async () => {
  const vectors = ['x', 'y'].map((name) => ({
    name,
    dim: 2,
    metric: 'l2' as const,
    m: 8,
    efConstruct: 20,
  }))
  const shard = newShard({ vectors })
  await shard.upsert({
    ids: sequence(0, 2),
    seq: 1,
    vectors: [{ vector: 0, data: Float32Array.of(1, 1, 2, 2), rows: null }],
    payloads: texts([{ a: 1 }, { a: 2 }]),
  })
  await shard.updateVectors({
    ids: sequence(1, 2),
    seq: 2,
    vectors: [{ vector: 1, data: Float32Array.of(5, 5, 6, 6), rows: null }],
    payloads: null,
  })
  const fields = { payload: true, vectors: Uint32Array.of(0, 1) }
  const both = await shard.retrieve(sequence(0, 3), fields)
  expect(idsOf(both)).toEqual([0, 1])
  expect(payloadsOf(both)).toEqual([{ a: 1 }, { a: 2 }])
  expect(both.vectors.map(({ data, counts }) => [[...data], [...counts]])).toEqual([
    [
      [1, 1, 2, 2],
      [1, 1],
    ],
    [
      [0, 0, 5, 5],
      [0, 1],
    ],
  ])
  await shard.deleteVectors(sequence(0, 2), Uint32Array.of(0), 3)
  const left = await shard.retrieve(sequence(0, 2), fields)
  expect(left.vectors.map(({ counts }) => [...counts])).toEqual([
    [0, 0],
    [0, 1],
  ])
  expect((await shard.search(query(Float32Array.of(1, 1)))).count).toBe(0)
  expect(idsOf(await shard.search(query(Float32Array.of(1, 1), { vector: 1 })))).toEqual([1])
})

test('a shard without a table records no changes', async () => {
  const shard = newShard({ trackChanges: false })
  await upsert(shard, 0, 100, 1)
  await shard.deletePoints(sequence(0, 5), 2)
  expect(shard.stats()).toMatchObject({ points: 95, dirty: 0 })
  expect(await shard.takeFlush(ALL)).toBeNull()
})

test('a finished write is found at once beside searches, and an update never makes a point vanish', async () => {
  const shard = newShard()
  const data = await clusteredVectors(500, DIM, 1)
  await shard.upsert({ ids: sequence(0, 500), seq: 1, vectors: [{ vector: 0, data, rows: null }], payloads: null })
  let stop = false
  const readers = Array.from({ length: 4 }, async () => {
    while (!stop) {
      expect(await shard.count(null)).toBe(500)
      expect((await shard.retrieve(sequence(0, 50), NO_FIELDS)).count).toBe(50)
      const near = await shard.search(query(data.subarray(0, DIM), { limit: 50, ef: 100 }))
      expect(new Set(idsOf(near)).size).toBe(near.count)
      expect(near.count).toBe(50)
    }
  })
  for (let seq = 2; seq < 150; seq++) {
    const fresh = data.slice((seq % 10) * 50 * DIM, ((seq % 10) + 1) * 50 * DIM)
    fresh[0] = seq / 10
    await shard.upsert({ ids: sequence(0, 50), seq, vectors: [{ vector: 0, data: fresh, rows: null }], payloads: null })
    const read = await shard.retrieve(sequence(0, 1), { payload: false, vectors: Uint32Array.of(0) })
    expect(read.vectors[0]?.data[0]).toBeCloseTo(seq / 10, 5)
    expect(read.seqs[0]).toBe(seq)
  }
  stop = true
  await Promise.all(readers)
  await shard.waitForIndex()
  expect(await shard.validate()).toEqual([])
})
