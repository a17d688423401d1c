import { mkdirSync, mkdtempSync, readdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { Disk } from '../../../src/disk/disk.js'
import { SegmentJanitor } from '../../../src/storage/janitor.js'
import { createCollection, deleteCollection, listCollections, removeLeftovers } from '../../../src/storage/layout.js'

let root: string
let disk: Disk

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'vicinal-layout-'))
  disk = new Disk(root)
})

afterEach(() => rmSync(root, { recursive: true, force: true }))

test('a collection appears complete, and is removed', async () => {
  const paths = await createCollection(disk, 'u-1', async (unfinished) => {
    expect(await listCollections(disk)).toEqual([])
    await disk.replaceFile(unfinished.manifest, Buffer.from('manifest'))
  })
  expect(paths).toEqual({
    folder: 'c-u-1',
    manifest: 'c-u-1/manifest',
    log: 'c-u-1/log',
    table: 'c-u-1/table.lance',
    segments: 'c-u-1/segments',
    queries: 'c-u-1/queries',
    quality: 'c-u-1/quality',
  })
  expect(await listCollections(disk)).toEqual([paths])
  expect((await disk.readFile(paths.manifest, 100)).toString()).toBe('manifest')
  await deleteCollection(disk, paths)
  expect(readdirSync(root)).toEqual([])
})

test('a collection that could not be filled leaves nothing', async () => {
  const failure = new Error('no room')
  await expect(createCollection(disk, 'u-1', () => Promise.reject(failure))).rejects.toBe(failure)
  expect(readdirSync(root)).toEqual([])
})

test('collections that a crash interrupted while they appeared or disappeared are removed, and all others stay', async () => {
  for (const folder of ['tmp-1/log', 'trash-2/segments', 'c-3/log', 'mine'])
    mkdirSync(join(root, folder), { recursive: true })
  writeFileSync(join(root, 'trash-2/segments/a'), 'x')
  await removeLeftovers(disk)
  expect(readdirSync(root).sort()).toEqual(['c-3', 'mine'])
})

test('segment files that are no longer named are removed after the grace period', async () => {
  mkdirSync(join(root, 'segments'))
  for (const name of ['1.vseg', '1.vovl', '2.vseg']) writeFileSync(join(root, 'segments', name), name)
  let nowMs = 1_000
  const janitor = new SegmentJanitor(disk, 'segments', { monotonicMs: () => nowMs, wallMs: () => 0 })
  const named = [{ file: '1.vseg', bytes: 6, crc: 0, overlay: { file: '1.vovl', bytes: 6, crc: 0 } }]
  const names = () => readdirSync(join(root, 'segments')).sort()
  await janitor.sweep(named, 60_000)
  nowMs += 59_999
  await janitor.sweep(named, 60_000)
  expect(names()).toEqual(['1.vovl', '1.vseg', '2.vseg'])
  nowMs += 1
  await janitor.sweep(named, 60_000)
  expect(names()).toEqual(['1.vovl', '1.vseg'])
  await janitor.sweep([], 0)
  expect(names()).toEqual([])
})

test('if unnamed files take more than the named ones, the oldest are removed sooner', async () => {
  const MIB = 1024 * 1024
  mkdirSync(join(root, 'segments'))
  let nowMs = 0
  const janitor = new SegmentJanitor(disk, 'segments', { monotonicMs: () => nowMs, wallMs: () => 0 })
  const names = () => readdirSync(join(root, 'segments')).sort()
  // A load that replaces a segment of 20 MiB every 5 seconds: 16 of them would stay for the minute of grace.
  for (let turn = 0; turn < 16; turn++, nowMs += 5_000) {
    const file = `${String(turn).padStart(2, '0')}.vseg`
    writeFileSync(join(root, 'segments', file), '')
    truncateSync(join(root, 'segments', file), 20 * MIB)
    await janitor.sweep([{ file, bytes: 20 * MIB, crc: 0, overlay: null }], 60_000)
  }
  // The named file, one within the bound, and those of the last ten seconds.
  expect(names()).toEqual(['13.vseg', '14.vseg', '15.vseg'])
  nowMs += 60_000
  await janitor.sweep([{ file: '15.vseg', bytes: 20 * MIB, crc: 0, overlay: null }], 60_000)
  expect(names()).toEqual(['15.vseg'])
})
