import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { afterEach, expect, test } from 'vitest'
import type { SearchRequest, UpsertBatch } from '../../../src/native/addon.js'
import { kernelInfo } from '../../../src/native/inspect.js'
import { addon } from '../../../src/native/load.js'
import { FileLock } from '../../../src/native/lock.js'
import { Shard } from '../../../src/native/shard.js'
import { prepareVectors } from '../../../src/native/vectors.js'
import { NO_FIELDS, query, sequence, spec, texts } from './shard-data.js'

const open: Shard[] = []
function newShard(): Shard {
  const shard = new Shard(spec(4))
  open.push(shard)
  return shard
}
afterEach(async () => {
  await Promise.all(open.splice(0).map((shard) => shard.close()))
})

/** Far longer than any of these processes takes. */
const HANGS_MS = 300_000

/** JavaScript for other threads and processes: a shard `s` with `n` points of `d` dimensions that are being written. */
const BINARY = JSON.stringify(join(import.meta.dirname, '../../../native/build/Release/vicinal.node'))
const FILL = `
  const a = require(${BINARY})
  const [n, d] = [20000, 64]
  const s = a.createShard({ vectors: [{ name: '', dim: d, metric: 'l2', m: 16, efConstruct: 200 }], segmentBytes: 2 ** 30, trackChanges: true })
  const ids = new Uint32Array(n * 5)
  for (let i = 0; i < n; i++) ids[i * 5 + 1] = i
  const data = Float32Array.from({ length: n * d }, (_, i) => Math.sin(i * 78.233))
  const upsert = a.upsert(s, { ids, seq: 1, vectors: [{ vector: 0, data, rows: null }], payloads: null })
  const search = () => a.search(s, { vector: 0, query: data.slice(0, d), limit: 3, offset: 0, ef: 32, recall: 0.95, exact: true, indexedOnly: false,
    scoreThreshold: null, filter: null, exclude: null, fields: { payload: false, vectors: new Uint32Array(0) } }, 0, 0).then((packed) => ({ count: new Float64Array(packed, 0, 1)[0] }))
`

function run(script: string): { status: number | null; stdout: string } {
  const { status, stdout, signal } = spawnSync(process.execPath, ['-e', script], {
    encoding: 'utf8',
    timeout: HANGS_MS,
  })
  expect(signal).toBeNull()
  return { status, stdout }
}

test('a process ends by itself once nothing is pending, even with an open shard whose graph is being built', () => {
  const { status, stdout } = run(`${FILL}; upsert.then(search).then((r) => console.log('found', r.count))`)
  expect(stdout).toBe('found 3\n')
  expect(status).toBe(0)
})

test('process.exit in the middle of work ends the process cleanly', () => {
  expect(run(`${FILL}; upsert.then(() => { for (let i = 0; i < 200; i++) search(); process.exit(7) })`).status).toBe(7)
  expect(run(`${FILL}; setImmediate(() => process.exit(8))`).status).toBe(8)
})

test('worker threads can use the kernel, and may be terminated in the middle of work', async () => {
  const script = `${FILL}; const { parentPort } = require('node:worker_threads')
    upsert.then(search).then((r) => { parentPort.postMessage(r.count); for (let i = 0; i < 300; i++) search() })`
  for (let round = 0; round < 3; round++) {
    const worker = new Worker(script, { eval: true })
    const count = await new Promise((resolve, reject) => {
      worker.once('message', resolve)
      worker.once('error', reject)
    })
    expect(count).toBe(3)
    await worker.terminate()
  }
  const shard = newShard()
  await shard.upsert({
    ids: sequence(0, 1),
    seq: 1,
    vectors: [{ vector: 0, data: Float32Array.of(1, 0, 0, 0), rows: null }],
    payloads: null,
  })
  expect(await shard.count(null)).toBe(1)
})

/** Searches of few points, which wait for the end of their turn. */
const FEW = `
  const a = require(${BINARY})
  const s = a.createShard({ vectors: [{ name: '', dim: 2, metric: 'l2', m: 16, efConstruct: 200 }], segmentBytes: 2 ** 30, trackChanges: true })
  const search = () => a.search(s, { vector: 0, query: Float32Array.of(1, 0), limit: 1, offset: 0, ef: 32, recall: 0.95, exact: true, indexedOnly: false,
    scoreThreshold: null, filter: null, exclude: null, fields: { payload: false, vectors: new Uint32Array(0) } }, 0, 0).then((packed) => ({ count: new Float64Array(packed, 0, 1)[0] }))
  const filled = a.upsert(s, { ids: Uint32Array.of(0, 1, 0, 0, 0), seq: 1, vectors: [{ vector: 0, data: Float32Array.of(1, 0), rows: null }], payloads: null })
`

test('short searches that wait for the end of their turn keep the process alive until they are answered', () => {
  const { status, stdout } = run(`${FEW}; filled.then(() => Promise.all(Array.from({ length: 50 }, search)))
    .then((found) => console.log(found.every((one) => one.count === 1)))`)
  expect(stdout).toBe('true\n')
  expect(status).toBe(0)
})

test('a process or a thread may end before the searches of its last turn have begun', async () => {
  expect(run(`${FEW}; filled.then(() => { for (let i = 0; i < 50; i++) search(); process.exit(7) })`).status).toBe(7)
  for (let round = 0; round < 3; round++) {
    const script = `${FEW}; filled.then(search).then(() => { for (let i = 0; i < 50; i++) search(); process.exit(9) })`
    const worker = new Worker(script, { eval: true })
    const code = await new Promise((resolve, reject) => {
      worker.once('exit', resolve)
      worker.once('error', reject)
    })
    expect(code).toBe(9)
  }
})

test('a closed shard answers CLOSED, and closing waits for running work and may be repeated', async () => {
  const shard = newShard()
  await shard.upsert({ ids: sequence(0, 100), seq: 1, vectors: [], payloads: null })
  const counts = Array.from({ length: 50 }, () => shard.count(null))
  shard.setIndexing(false)
  const closing = shard.close()
  await expect(shard.count(null)).rejects.toMatchObject({ code: 'CLOSED' })
  expect(() => shard.stats()).toThrowError(expect.objectContaining({ code: 'CLOSED' }))
  expect(await Promise.all(counts)).toEqual(new Array(50).fill(100))
  await closing
  await shard.close()
})

test('a waiter for an index that is never built is told that the shard was closed', async () => {
  const shard = newShard()
  shard.setIndexing(false)
  await shard.upsert({
    ids: sequence(0, 1),
    seq: 1,
    vectors: [{ vector: 0, data: Float32Array.of(1, 0, 0, 0), rows: null }],
    payloads: null,
  })
  const waiting = shard.waitForIndex()
  waiting.catch(() => undefined)
  await shard.close()
  await expect(waiting).rejects.toMatchObject({ code: 'CLOSED' })
})

test('an invalid argument is refused with the name of the field, without effect', async () => {
  const shard = newShard()
  const vector = Float32Array.of(1, 0, 0, 0)
  const batch: UpsertBatch = {
    ids: sequence(0, 1),
    seq: 1,
    vectors: [{ vector: 0, data: vector, rows: null }],
    payloads: texts([{}]),
  }
  const bad: [Partial<Record<keyof UpsertBatch, unknown>>, RegExp][] = [
    [{ ids: [1, 2] }, /^ids/],
    [{ ids: new Uint32Array(7) }, /^ids/],
    [{ ids: Uint32Array.of(5, 0, 0, 0, 0) }, /^ids/],
    [{ ids: Uint32Array.of(0, 1, 0, 1, 0) }, /^ids/],
    [{ seq: 0 }, /^seq/],
    [{ seq: 1.5 }, /^seq/],
    [{ seq: 2 ** 60 }, /^seq/],
    [{ vectors: null }, /^vectors/],
    [{ vectors: [{ vector: 1, data: vector, rows: null }] }, /vector/],
    [{ vectors: [{ vector: 0, data: vector.slice(1), rows: null }] }, /data/],
    [{ vectors: [{ vector: 0, data: new Float64Array(4), rows: null }] }, /data/],
    [{ vectors: [{ vector: 0, data: vector, rows: Uint32Array.of(1) }] }, /rows/],
    [{ vectors: [{ vector: 0, data: new Float32Array(8), rows: Uint32Array.of(0, 0) }] }, /rows/],
    [{ payloads: { bytes: new Uint8Array(2), offsets: Uint32Array.of(0) } }, /offsets/],
    [{ payloads: { bytes: new Uint8Array(2), offsets: Uint32Array.of(0, 3) } }, /offsets/],
    [{ payloads: { bytes: new Uint8Array(2), offsets: Uint32Array.of(2, 1) } }, /offsets/],
  ]
  for (const [change, message] of bad) {
    const refused = shard.upsert({ ...batch, ...change } as UpsertBatch)
    await expect(refused).rejects.toMatchObject({ code: 'INVALID_ARGUMENT', message: expect.stringMatching(message) })
  }
  expect(shard.stats().points).toBe(0)
  await shard.upsert(batch)
  const badSearches: Partial<Record<keyof SearchRequest, unknown>>[] = [
    { query: Float32Array.of(1, 2) },
    { query: Float32Array.of(1, Number.NaN, 0, 0) },
    { query: structuredClone(vector, {}) && new Float32Array(0) },
    { vector: 1 },
    { limit: -1 },
    { limit: 2 ** 40 },
    { ef: '1' },
    { filter: Uint8Array.of(1, 2, 3, 250) },
    { exclude: new Uint32Array(3) },
    { fields: { payload: true, vectors: Uint32Array.of(3) } },
    { fields: null },
  ]
  for (const change of badSearches) {
    await expect(shard.search(query(vector, change as Partial<SearchRequest>))).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
    })
  }
  const detached = Float32Array.of(1, 0, 0, 0)
  structuredClone(detached, { transfer: [detached.buffer] })
  await expect(shard.search(query(detached))).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
  expect(() => addon().stats({} as never)).toThrowError(expect.objectContaining({ code: 'INVALID_ARGUMENT' }))
  expect(() => new Shard(spec(0))).toThrowError(expect.objectContaining({ code: 'INVALID_ARGUMENT' }))
  expect((await shard.retrieve(sequence(0, 1), NO_FIELDS)).count).toBe(1)
})

test('vectors are prepared in place, small and large arrays alike', async () => {
  for (const rows of [4, 20_000]) {
    const data = Float32Array.from({ length: rows * 4 }, (_, at) => at % 5)
    data.fill(0, 4, 8)
    expect(await prepareVectors(data, 4, true)).toBe(-1)
    expect(Math.hypot(...data.subarray(0, 4))).toBeCloseTo(1, 6)
    expect([...data.subarray(4, 8)]).toEqual([0, 0, 0, 0])
    data[4 * 3 + 1] = Number.POSITIVE_INFINITY
    expect(await prepareVectors(data, 4, true)).toBe(3)
  }
})

test('a file lock has one holder and is free after its release', () => {
  const folder = mkdtempSync(join(tmpdir(), 'vicinal-lock-'))
  const path = join(folder, 'lock')
  const lock = FileLock.acquire(path)
  expect(lock).not.toBeNull()
  expect(FileLock.acquire(path)).toBeNull()
  lock?.release()
  const again = FileLock.acquire(path)
  expect(again).not.toBeNull()
  again?.release()
  expect(() => FileLock.acquire(join(folder, 'no', 'such'))).toThrowError(
    expect.objectContaining({ code: 'NOT_FOUND' }),
  )
  rmSync(folder, { recursive: true })
})

test('the kernel reports the instruction set that it runs on', () => {
  expect(['avx512', 'avx2', 'neon', 'scalar']).toContain(kernelInfo().isa)
  expect(kernelInfo().threads).toBeGreaterThan(0)
})
