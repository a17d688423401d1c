import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { afterEach, expect, test, vi } from 'vitest'
import { VicinalError } from '../../../src/core/errors.js'
import type { TableVector } from '../../../src/core/schema.js'
import { Disk } from '../../../src/disk/disk.js'
import type { FlushBatch } from '../../../src/native/addon.js'
import { type ArrowRequest, ArrowThread, fromWire, toWire } from '../../../src/storage/arrow-thread.js'
import { copyBatch, withArrays } from '../../../src/storage/batch-arrays.js'
import { LanceTable } from '../../../src/storage/lance-table.js'
import { flushBatch, rowsMatchCrcs, rowsOf } from './flush-batches.js'

const SIZE = 64
const vectors: TableVector[] = [{ name: '', size: SIZE }]
const batchOf = (count: number, seq = 1) =>
  flushBatch(
    Array.from({ length: count }, (_, id) => ({
      id: String(id),
      seq: seq + id,
      payload: id % 3 === 0 ? '' : `{"n":"${id} Zoë"}`,
      vectors: [id % 5 === 0 ? null : Array.from({ length: SIZE }, (_, i) => id + i / 7)],
    })),
    [SIZE],
  )

const post = Worker.prototype.postMessage
afterEach(() => vi.restoreAllMocks())

/** Runs `act` on the worker instead of, or after, sending it the next task. */
function atNextTask(act: (worker: Worker, request: ArrowRequest) => void): void {
  vi.spyOn(Worker.prototype, 'postMessage').mockImplementationOnce(function (this: Worker, request: ArrowRequest) {
    act(this, request)
  })
}

test('rows survive Arrow unchanged, with the highest sequence number', async () => {
  const thread = new ArrowThread()
  const batch = batchOf(4_000)
  const { rows, maxSeq } = await thread.encode(batch, vectors)
  expect(maxSeq).toBe(4_000)
  const back = await thread.decode(rows, vectors)
  expect(rowsOf(back)).toEqual(rowsOf(batch))
  expect(rowsMatchCrcs(back)).toBe(true)
})

test('columns without any value survive repeatedly', async () => {
  const thread = new ArrowThread()
  const empty = flushBatch(
    [1, 2, 3].map((id) => ({ id: String(id), seq: id, deleted: true, vectors: [null] })),
    [SIZE],
  )
  for (let round = 0; round < 3; round++) {
    const { rows } = await thread.encode(empty, vectors)
    expect(rowsOf(await thread.decode(rows, vectors))).toEqual(rowsOf(empty))
  }
})

test("sending transfers ownership: no buffer of a task is still the sender's afterwards", async () => {
  const sent: ArrowRequest[] = []
  vi.spyOn(Worker.prototype, 'postMessage').mockImplementation(function (this: Worker, request, given) {
    sent.push(request)
    post.call(this, request, given)
  })
  const thread = new ArrowThread()
  const batch = batchOf(100)
  const { rows } = await thread.encode(batch, vectors)
  await thread.decode(rows, vectors)
  const [encode, decode] = sent.map(({ task }) => task)
  if (encode?.kind !== 'encode' || decode?.kind !== 'decode') throw new Error('not the tasks expected')
  const left: number[] = [decode.rows.byteLength]
  withArrays(encode.batch, (array) => {
    left.push(array.byteLength)
    return array
  })
  expect(left).toEqual(left.map(() => 0))
  // The caller keeps its own buffers: they may be the kernel's memory, which cannot be transferred.
  expect(rowsMatchCrcs(batch)).toBe(true)
  expect(rows.byteLength).toBeGreaterThan(0)
})

test('a copy of a batch has every array, aligned, in one buffer that is larger than a pooled slice, or empty', async () => {
  for (const count of [0, 1, 7, 9_000]) {
    const batch = batchOf(count)
    const copy = await copyBatch(batch)
    expect(rowsOf(copy)).toEqual(rowsOf(batch))
    const buffers = new Set<unknown>()
    withArrays(copy, (array) => {
      buffers.add(array.buffer)
      return array
    })
    expect(buffers.size).toBe(1)
  }
})

test('concurrent tasks of several tables each get their own rows', async () => {
  const thread = new ArrowThread()
  const counts = [1, 500, 3, 1_000, 2]
  const backs = await Promise.all(
    counts.map(async (count) => await thread.decode((await thread.encode(batchOf(count), vectors)).rows, vectors)),
  )
  expect(backs.map((back) => back.count)).toEqual(counts)
})

test('an error of the catalogue crosses threads unchanged, any other as its text', async () => {
  const cause = new RangeError('Array buffer allocation failed')
  const error = new VicinalError('OVERLOADED', 'out of memory', { details: { bytes: 7 }, cause })
  const crossed = fromWire(structuredClone(toWire(error)))
  expect(crossed).toBeInstanceOf(VicinalError)
  expect(crossed).toMatchObject({
    code: 'OVERLOADED',
    message: 'out of memory',
    details: { bytes: 7 },
    retryable: true,
  })
  expect((crossed as VicinalError).cause).toEqual(cause)
  const thread = new ArrowThread()
  const { rows } = await thread.encode(batchOf(3), vectors)
  const other = [{ ...(vectors[0] as TableVector), name: 'other' }]
  await expect(thread.decode(rows, other)).rejects.toThrow('the table has no column vector_other')
  await expect(thread.decode(rows, vectors)).resolves.toMatchObject({ count: 3 })
})

test.each([
  ['stopped', (worker: Worker) => void worker.terminate()],
  ['ended by an error of its own', (worker: Worker) => post.call(worker, null)],
])('a worker that is %s rejects its task, and the next task gets another worker', async (_, end) => {
  const thread = new ArrowThread()
  await thread.schema(vectors)
  atNextTask(end)
  const lost = await Promise.allSettled([thread.encode(batchOf(10), vectors), thread.encode(batchOf(10), vectors)])
  for (const outcome of lost) {
    expect(outcome).toMatchObject({ status: 'rejected', reason: { code: 'UNAVAILABLE', retryable: true } })
  }
  const { rows } = await thread.encode(batchOf(10), vectors)
  expect((await thread.decode(rows, vectors)).count).toBe(10)
})

test('a commit whose worker ends leaves the table as it was, and the same rows can be committed again', async () => {
  const root = mkdtempSync(join(tmpdir(), 'vicinal-arrow-'))
  try {
    const spec = { disk: new Disk(root), folder: 'c-1', collection: 'photos', vectors }
    await spec.disk.makeFolder('c-1')
    const table = await LanceTable.open(spec, 0)
    await table.commit(batchOf(20))
    await table.syncNewFiles()
    const { version } = table
    const files = await spec.disk.files('c-1')

    const batch = batchOf(50, 100)
    atNextTask((worker) => void worker.terminate())
    await expect(table.commit(batch)).rejects.toMatchObject({ code: 'UNAVAILABLE' })
    expect(table.version).toBe(version)
    expect(await spec.disk.files('c-1')).toEqual(files)

    await table.commit(batch)
    await table.syncNewFiles()
    expect(await table.countRows()).toBe(50)

    atNextTask((worker) => void worker.terminate())
    await expect(seqsOf(table)).rejects.toMatchObject({ code: 'UNAVAILABLE' })
    expect(await seqsOf(table)).toHaveLength(50)
    await table.close()
  } finally {
    rmSync(root, { recursive: true, force: true })
  }
})

async function seqsOf(table: LanceTable): Promise<bigint[]> {
  const seqs: bigint[] = []
  for await (const batch of table.scan(0)) seqs.push(...(batch satisfies FlushBatch).seqs)
  return seqs
}
