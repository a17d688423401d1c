import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { parseStore } from '../../../src/bucket/address.js'
import { Group } from '../../../src/bucket/group.js'
import { REMOVALS } from '../../../src/bucket/keys.js'
import { Objects } from '../../../src/bucket/objects.js'
import { Removals } from '../../../src/bucket/removals.js'

const MINUTE_MS = 60_000
let root: string
let objects: Objects
let group: Group
let nowMs = 0
const clock = { wallMs: () => nowMs, monotonicMs: () => nowMs }

beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), 'vicinal-removals-'))
  const address = parseStore(pathToFileURL(root).href)
  objects = await Objects.open(address)
  group = await Group.open(address)
  for (const path of ['segments/a/1', 'segments/a/2', 'segments/b/1', 'segments/b/c/2'])
    await objects.write(path, Buffer.from(path))
})
afterEach(async () => {
  await group.close()
  rmSync(root, { recursive: true, force: true })
})

const opened = () => Removals.open(group, objects, { clock })
const present = async () => (await objects.list('segments/')).map(({ path }) => path).sort()

async function keys(): Promise<string[]> {
  const found: string[] = []
  for await (const [key] of group.scan(REMOVALS)) found.push(String(Buffer.from(key)))
  return found
}

async function noLongerNamed(removals: Removals, ...paths: string[]): Promise<void> {
  await group.write({ puts: removals.puts(paths) })
  removals.added(paths)
}

test('an object leaves an hour after nothing names it, and its key with it', async () => {
  const removals = await opened()
  await noLongerNamed(removals, 'segments/a/1')
  nowMs += 30 * MINUTE_MS
  await noLongerNamed(removals, 'segments/b/')
  nowMs += 29 * MINUTE_MS
  await removals.sweep()
  expect(await present()).toHaveLength(4)
  nowMs += MINUTE_MS
  await removals.sweep()
  expect(await present()).toEqual(['segments/a/2', 'segments/b/1', 'segments/b/c/2'])
  expect(await keys()).toEqual(['x/segments/b/'])
  nowMs += 30 * MINUTE_MS
  await removals.sweep()
  expect(await present()).toEqual(['segments/a/2'])
  expect(await keys()).toEqual([])
})

test('a takeover begins the hour anew', async () => {
  await noLongerNamed(await opened(), 'segments/a/1')
  nowMs += 59 * MINUTE_MS
  const next = await opened()
  nowMs += 59 * MINUTE_MS
  await next.sweep()
  expect(await present()).toContain('segments/a/1')
  nowMs += MINUTE_MS
  await next.sweep()
  expect(await present()).not.toContain('segments/a/1')
})

test('an owner that was fenced removes nothing', async () => {
  const removals = await opened()
  await noLongerNamed(removals, 'segments/a/1')
  const next = await Group.open(parseStore(pathToFileURL(root).href))
  nowMs += 61 * MINUTE_MS
  await expect(removals.sweep()).rejects.toThrow(/another node has opened it/)
  expect(await present()).toContain('segments/a/1')
  await next.close()
})

test('a removal that failed is made again', async () => {
  const removals = await opened()
  const remove = objects.remove.bind(objects)
  let isDown = true
  objects.remove = async (path) => {
    if (isDown) throw new Error('the store is away')
    await remove(path)
  }
  await noLongerNamed(removals, 'segments/a/1', 'segments/a/2')
  nowMs += 61 * MINUTE_MS
  await expect(removals.sweep()).rejects.toThrow(/away/)
  expect(await keys()).toHaveLength(2)
  isDown = false
  nowMs += MINUTE_MS
  await removals.sweep()
  expect(await present()).toEqual(['segments/b/1', 'segments/b/c/2'])
})
