import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
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
const A = '0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9'
const B = '1a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9'
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
  for (const path of [`segments/${A}/1`, `segments/${A}/2`, `segments/${B}/1`, `segments/${B}/2`])
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
  await noLongerNamed(removals, `segments/${A}/1`)
  nowMs += 30 * MINUTE_MS
  await noLongerNamed(removals, `segments/${B}/`)
  nowMs += 29 * MINUTE_MS
  await removals.sweep()
  expect(await present()).toHaveLength(4)
  nowMs += MINUTE_MS
  await removals.sweep()
  expect(await present()).toEqual([`segments/${A}/2`, `segments/${B}/1`, `segments/${B}/2`])
  expect(await keys()).toEqual([`x/segments/${B}/`])
  nowMs += 30 * MINUTE_MS
  await removals.sweep()
  expect(await present()).toEqual([`segments/${A}/2`])
  expect(await keys()).toEqual([])
})

test('a takeover begins the hour anew', async () => {
  await noLongerNamed(await opened(), `segments/${A}/1`)
  nowMs += 59 * MINUTE_MS
  const next = await opened()
  nowMs += 59 * MINUTE_MS
  await next.sweep()
  expect(await present()).toContain(`segments/${A}/1`)
  nowMs += MINUTE_MS
  await next.sweep()
  expect(await present()).not.toContain(`segments/${A}/1`)
})

test('an owner that was fenced removes nothing', async () => {
  const removals = await opened()
  await noLongerNamed(removals, `segments/${A}/1`)
  const next = await Group.open(parseStore(pathToFileURL(root).href))
  nowMs += 61 * MINUTE_MS
  await expect(removals.sweep()).rejects.toThrow(/another node has opened it/)
  expect(await present()).toContain(`segments/${A}/1`)
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
  await noLongerNamed(removals, `segments/${A}/1`, `segments/${A}/2`)
  nowMs += 61 * MINUTE_MS
  await expect(removals.sweep()).rejects.toThrow(/away/)
  expect(await keys()).toHaveLength(2)
  isDown = false
  nowMs += MINUTE_MS
  await removals.sweep()
  expect(await present()).toEqual([`segments/${B}/1`, `segments/${B}/2`])
})

/** A folder that is not empty cannot be removed as an object. */
function madeUnremovable(path: string): void {
  mkdirSync(join(root, path), { recursive: true })
  writeFileSync(join(root, path, 'file'), '1')
}

test('an object that cannot be removed keeps none of the others, and is tried again ever more rarely', async () => {
  const removals = await opened()
  const [stuck, ...removable] = Array.from({ length: 150 }, (_, i) => `segments/${A}/file-${i}`) as [
    string,
    ...string[],
  ]
  madeUnremovable(stuck)
  for (const path of removable) await objects.write(path, Buffer.from(path))
  await noLongerNamed(removals, stuck, ...removable)
  nowMs += 61 * MINUTE_MS
  await expect(removals.sweep()).rejects.toThrow(/could not remove segments/)
  expect(await keys()).toEqual([`x/${stuck}`])
  expect((await present()).filter((path) => path.includes('file-'))).toEqual([`${stuck}/file`])
  let tries = 0
  const remove = objects.remove.bind(objects)
  // Without the retries of a request, which take seconds.
  objects.remove = async () => {
    tries++
    throw new Error('it is still there')
  }
  for (let at = 0; at < 60; at++) {
    nowMs += MINUTE_MS
    await removals.sweep().catch(() => undefined)
  }
  expect(tries).toBeGreaterThan(3)
  expect(tries).toBeLessThan(10)
  objects.remove = remove
  rmSync(join(root, stuck), { recursive: true })
  nowMs += 61 * MINUTE_MS
  await removals.sweep()
  expect(await keys()).toEqual([])
})

test('more objects that cannot be removed than one batch has keep none of the others', async () => {
  const removals = await opened()
  const stuck = Array.from({ length: 120 }, (_, i) => `segments/${A}/stuck-${i}`)
  const remove = objects.remove.bind(objects)
  objects.remove = async (path) => {
    if (path.includes('stuck')) throw new Error('this one stays')
    await remove(path)
  }
  await noLongerNamed(removals, ...stuck, `segments/${B}/1`)
  nowMs += 61 * MINUTE_MS
  for (let at = 0; at < 60; at++) {
    await removals.sweep().catch(() => undefined)
    nowMs += MINUTE_MS
  }
  expect(await present()).not.toContain(`segments/${B}/1`)
})

test('a store that is away is asked for a few objects of a hundred', async () => {
  const removals = await opened()
  let tries = 0
  objects.remove = async () => {
    tries++
    throw new Error('the store is away')
  }
  await noLongerNamed(removals, ...Array.from({ length: 100 }, (_, i) => `segments/${A}/file-${i}`))
  nowMs += 61 * MINUTE_MS
  await expect(removals.sweep()).rejects.toThrow(/away/)
  expect(tries).toBeLessThan(10)
})

test.each([
  '',
  '/',
  'segments/',
  'log/',
  'vicinal.json',
  `segments/${A}/../${B}/1`,
  `segments/${A}/..`,
  `segments/${A}/1/`,
  'segments/no-uuid/',
  `tables/${A}/table.lance`,
  'snapshots/',
  'snapshots/../log/a.snapshot',
  `prune/${A}/`,
  `prune/${A}/x`,
  `prune/../${A}/1`,
])('a key that would remove %j is refused', async (path) => {
  await group.write({ puts: [[Buffer.from(`x/${path}`), new Uint8Array(0)]] })
  await expect(opened()).rejects.toMatchObject({ code: 'CORRUPT' })
})

test('a key that is no UTF-8 is refused', async () => {
  await group.write({ puts: [[Buffer.concat([REMOVALS, Buffer.of(0xff)]), new Uint8Array(0)]] })
  await expect(opened()).rejects.toMatchObject({ code: 'CORRUPT' })
})

test('keys that an owner writes are taken', async () => {
  const paths = [`segments/${A}/0001.vseg`, `segments/${A}/`, `tables/${A}/`, 'snapshots/a-1.snapshot', `prune/${A}/12`]
  await group.write({ puts: (await opened()).puts(paths) })
  const removals = await opened()
  expect(paths.map((path) => removals.has(path))).toEqual(paths.map(() => true))
})
