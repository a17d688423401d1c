/** Objects that a cache fetches: several reads at once, and files that are whole. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, onTestFinished, test } from 'vitest'
import { Disk } from '../../../../src/disk/disk.js'
import { fetchObjects } from '../../../../src/engine/stores/cached-files.js'

const MIB = 1024 * 1024

function opened() {
  const root = mkdtempSync(join(tmpdir(), 'vicinal-fetch-'))
  onTestFinished(() => rmSync(root, { recursive: true, force: true }))
  const seen = { most: 0, now: 0, failing: '' }
  const objects = {
    async readRange(path: string, { offset, bytes }: { offset: number; bytes: number }) {
      seen.most = Math.max(seen.most, ++seen.now)
      // Later pieces are there before earlier ones.
      await sleep(20 - ((offset / MIB) % 20))
      seen.now--
      if (path === seen.failing) throw new Error(`no ${path}`)
      return new Uint8Array(bytes).fill(path.charCodeAt(0) + offset / MIB)
    },
  }
  return { root, seen, objects, disk: new Disk(root) }
}

const wanted = ['a', 'b', 'c', 'd'].map((path, at) => ({ path, bytes: (9 * at + 1) * MIB, target: path }))

test('several reads are under way, within a bound, and each file has its bytes in order', async () => {
  const { root, seen, objects, disk } = opened()
  const whole: string[] = []
  await fetchObjects(objects, wanted, disk, async ({ path }) => void whole.push(path))
  expect(whole).toEqual(['a', 'b', 'c', 'd'])
  expect(seen.most).toBe(8)
  for (const { path, bytes } of wanted) {
    const file = readFileSync(join(root, path))
    expect(file.length).toBe(bytes)
    for (let at = 0; at < bytes; at += 4 * MIB) expect(file[at]).toBe(path.charCodeAt(0) + at / MIB)
  }
})

test('an object that cannot be read fails the fetch once no read is under way any more', async () => {
  const { seen, objects, disk } = opened()
  seen.failing = 'b'
  await expect(fetchObjects(objects, wanted, disk)).rejects.toThrow('no b')
  expect(seen.now).toBe(0)
})
