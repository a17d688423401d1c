/** The checkpoint that keeps a reader's state in the database: renewed in time, and lost. */
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, unlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Worker } from 'node:worker_threads'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { parseStore } from '../../src/bucket/address.js'
import { Group, type GroupOptions } from '../../src/bucket/group.js'
import type { GroupReader } from '../../src/bucket/group-reader.js'
import { alteredDist, type Edit } from './altered-dist.js'
import { checkpointsIn } from './slate-manifest.js'

const PATIENCE = { timeout: 120_000, interval: 50 }
let root: string
/** The reader's way to the store, which can be cut. */
let link: string
/** Threads that have begun since the test has. */
let threads: Worker[]
const toClose: { close(): Promise<unknown> }[] = []
const onWorker = (worker: Worker) => threads.push(worker)

beforeEach(() => {
  threads = []
  process.on('worker', onWorker)
  root = mkdtempSync(join(tmpdir(), 'vicinal-checkpoint-'))
  link = join(root, 'link')
  mkdirSync(join(root, 'bucket'))
  symlinkSync('bucket', link)
})
afterEach(async () => {
  for (const each of toClose.splice(0)) await each.close()
  process.off('worker', onWorker)
  rmSync(root, { recursive: true, force: true, maxRetries: 10 })
})

const key = (text: string) => Buffer.from(text)
const textOf = (value: Uint8Array | null) => value && String(Buffer.from(value))
const present = () => checkpointsIn(join(root, 'bucket/log/manifest'))
const addressOf = (folder: string) => parseStore(pathToFileURL(folder).href)
async function opened<T extends { close(): Promise<unknown> }>(opening: Promise<T>): Promise<T> {
  const each = await opening
  toClose.push(each)
  return each
}
const owner = (options: GroupOptions) => opened(Group.open(addressOf(join(root, 'bucket')), options))

const WORKER = 'bucket/slate-worker.js'
const lifetime = (ms: number): Edit => ({
  file: WORKER,
  from: 'READER_CHECKPOINT_MS = 600_000',
  to: `READER_CHECKPOINT_MS = ${ms}`,
})
const unrenewed: Edit = { file: WORKER, from: 'READER_CHECKPOINT_MS * 0.4', to: '240_000' }

async function readerOf(edits: Edit[]): Promise<GroupReader> {
  const altered = (await import(pathToFileURL(join(alteredDist(edits), 'bucket/group-reader.js')).href)) as {
    GroupReader: typeof GroupReader
  }
  return await opened(altered.GroupReader.open(addressOf(link)))
}

test('a reader takes another checkpoint before its own expires, and gives that back', async () => {
  const group = await owner({ minAgeMs: 3_600_000 })
  await group.write({ puts: [[key('c/0'), key('0')]] })
  const reader = await readerOf([lifetime(5_000)])
  const seen = new Set<string>()
  let most = 0
  const before = threads.length
  for (let at = 1; seen.size < 4; at++) {
    await group.write({ puts: [[key(`c/${at}`), key(String(at))]] })
    await expect.poll(() => reader.get(key(`c/${at}`)).then(textOf), PATIENCE).toBe(String(at))
    const now = present()
    most = Math.max(most, now.length)
    for (const each of now) seen.add(each)
  }
  expect(threads.length).toBe(before)
  // The owner removes expired ones once in an hour.
  const [first] = seen
  expect(most).toBeLessThanOrEqual(2)
  await expect.poll(present, PATIENCE).not.toContain(first)
}, 120_000)

test('a reader whose checkpoint expired while it was cut off from its store reads on', async () => {
  const group = await owner({ minAgeMs: 4_000 })
  await group.write({ puts: [[key('c/a'), key('1')]] })
  const reader = await readerOf([lifetime(4_000), unrenewed])
  expect(textOf(await reader.get(key('c/a')))).toBe('1')
  const [checkpoint] = present()
  const before = threads.length
  unlinkSync(link)
  await group.write({ puts: [[key('c/a'), key('2')]] })
  await expect.poll(present, PATIENCE).not.toContain(checkpoint)
  symlinkSync('bucket', link)
  await expect.poll(() => reader.get(key('c/a')).then(textOf, () => null), PATIENCE).toBe('2')
  expect(threads.length).toBe(before + 1)
})
