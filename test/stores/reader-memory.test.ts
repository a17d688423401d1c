/** A reader at its memory limit: it says so, goes on serving what it has, and follows again once there is room. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { expect, onTestFinished, test } from 'vitest'
import { parseStore } from '../../src/bucket/address.js'
import { databaseBytesOf } from '../../src/bucket/group-opening.js'
import { decodeFrame, encodeFrame } from '../../src/bucket/pushed-frame.js'
import { LIMITS } from '../../src/core/limits.js'
import type { CollectionInfo } from '../../src/core/schema.js'
import { memoryBudget } from '../../src/engine/memory/memory-budget.js'
import { CacheFolder } from '../../src/engine/stores/cache-folder.js'
import { StoreSource } from '../../src/engine/stores/read-source.js'
import { open } from '../../src/index.js'

const PATIENCE = { timeout: 300_000, interval: 50 }
const MIB = 1024 * 1024

function place(): { store: string; cache(name: string): string } {
  const root = mkdtempSync(join(tmpdir(), 'vicinal-reader-memory-'))
  onTestFinished(() => rmSync(root, { recursive: true, force: true }))
  return { store: pathToFileURL(join(root, 'bucket')).href, cache: (name) => join(root, name) }
}

test('a reader without room takes nothing in, tells of it, and goes on once there is room', async () => {
  const { store, cache } = place()
  const owner = await open(store, { cache: cache('one') })
  onTestFinished(() => owner.close())
  const things = await owner.createCollection('things', { vectors: { size: 1, distance: 'Dot' } })
  await things.upsert([1, 2, 3].map((id) => ({ id, vector: [id] })))
  const reader = await open(store, { cache: cache('two'), readOnly: true })
  onTestFinished(() => reader.close())
  const seen = await reader.collection('things')
  await expect.poll(() => seen.count(), PATIENCE).toBe(3)

  // Below what the process of this test takes. Deletions never wait for memory.
  const unlimit = memoryBudget.limit(16 * MIB)
  try {
    const { watermark } = await things.delete([1])
    const info = async () => (await seen.info()) as CollectionInfo
    await expect.poll(async () => (await info()).status, PATIENCE).toBe('red')
    const { warnings, optimizerStatus } = await info()
    expect(warnings).toEqual([expect.stringMatching(/^following the log: memory: \d+ bytes are in use/)])
    expect(optimizerStatus).toEqual({ error: expect.stringMatching(/the limit is 16777216/) })
    expect(await seen.count()).toBe(3)
    await expect(seen.count({ after: watermark, timeoutMs: 500 })).rejects.toMatchObject({ code: 'UNAVAILABLE' })
  } finally {
    unlimit()
  }
  await expect.poll(() => seen.count(), PATIENCE).toBe(2)
  expect(await seen.info()).toMatchObject({ status: 'green', warnings: [] })
})

test('rows leave the memory of a reader once newer segments have them', async () => {
  const { store, cache } = place()
  const owner = await open(store, { cache: cache('one') })
  onTestFinished(() => owner.close())
  const things = await owner.createCollection('things', { vectors: { size: 1, distance: 'Dot' } })
  const reader = await open(store, { cache: cache('two'), readOnly: true })
  onTestFinished(() => reader.close())
  const seen = await reader.collection('things')
  expect(await seen.count()).toBe(0)
  // More than the bound of a reader's tail, and enough rows that the owner writes a segment.
  const rows = 20_000
  const text = 'x'.repeat((80 * MIB) / rows)
  for (let from = 0; from < rows; from += 2_000) {
    await things.upsert(Array.from({ length: 2_000 }, (_, i) => ({ id: from + i + 1, vector: [i], payload: { text } })))
  }
  await things.waitForIndex()
  await expect.poll(() => seen.count(), PATIENCE).toBe(rows)
  let id = rows
  const resident = async () => {
    // Following needs something to follow.
    await things.upsert([{ id: ++id, vector: [1] }])
    const { memory } = (await seen.info()) as CollectionInfo
    return memory.payload.residentBytes - memory.payload.cacheBytes
  }
  await expect.poll(resident, PATIENCE).toBeLessThan(40 * MIB)
  expect(await seen.count({ after: (await things.delete([1])).watermark })).toBe(id - 1)
})

test('the database of a store has a row in the table of memory', async () => {
  const { store, cache } = place()
  const owner = await open(store, { cache: cache('one') })
  onTestFinished(() => owner.close())
  const things = await owner.createCollection('things', { vectors: { size: 1, distance: 'Dot' } })
  await things.upsert([{ id: 1, vector: [1], payload: { text: 'x'.repeat(3 * MIB) } }])
  const { memory } = (await things.info()) as CollectionInfo
  const { residentBytes, limitBytes: _, ...parts } = memory.process
  expect(parts.storeBytes).toBeGreaterThan(3 * MIB)
  expect(Object.values(parts).reduce((sum, bytes) => sum + bytes, 0)).toBe(residentBytes)
  expect(LIMITS.storeRecordBytes).toBeGreaterThan(parts.storeBytes)
})

/** A reader of a store that has an owner, and that owner. */
async function followed(memoryBytes?: number) {
  const { store, cache } = place()
  const owner = await open(store, { cache: cache('one') })
  onTestFinished(() => owner.close())
  await owner.createCollection('things', { vectors: { size: 1, distance: 'Dot' } })
  const folder = await CacheFolder.open(cache('two'), 1024 * MIB)
  const source = await StoreSource.open(parseStore(store), folder, memoryBytes === undefined ? {} : { memoryBytes })
  let closing: Promise<void> | null = null
  const close = () => (closing ??= source.close())
  onTestFinished(close)
  let { batch, epoch, catalogueBatch } = await source.position()
  /** The next batch, with a manifest of so many bytes, as the owner pushes it. */
  const push = (bytes: number) => {
    const key = new Uint8Array(Buffer.from('m/0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9'))
    const position = { epoch, batch: ++batch, catalogueBatch }
    source.pushed.take(decodeFrame(encodeFrame({ position, puts: [[key, new Uint8Array(bytes)]], deletes: [] })))
  }
  return { owner, close, push }
}

test('batches that an owner pushed have a row in the table of memory for as long as a reader holds them', async () => {
  const { owner, close, push } = await followed()
  const processMemory = async () => ((await (await owner.collection('things')).info()) as CollectionInfo).memory.process
  expect(await processMemory()).toMatchObject({ pushedBytes: 0 })
  for (let at = 0; at < 5; at++) push(6 * MIB)
  await expect.poll(async () => (await processMemory()).pushedBytes, PATIENCE).toBeGreaterThan(30 * MIB)
  const { residentBytes, limitBytes: _, ...parts } = await processMemory()
  expect(parts.pushedBytes).toBeLessThan(31 * MIB)
  expect(Object.values(parts).reduce((sum, bytes) => sum + bytes, 0)).toBe(residentBytes)
  await close()
  await expect.poll(async () => (await processMemory()).pushedBytes, PATIENCE).toBe(0)
})

test('below a memory limit a reader holds fewer pushed batches', async () => {
  const most = databaseBytesOf(512 * MIB)
  expect(most).toBe(32 * MIB)
  const { push } = await followed(most)
  for (let at = 0; at < 5; at++) push(6 * MIB)
  expect(() => push(6 * MIB)).toThrow(/more than 33554432 bytes of batches are held/)
})
