/** A configuration change that never reaches the disk. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished, vi } from 'vitest'
import { Disk } from '../../../../src/disk/disk.js'
import { type Collection, open } from '../../../../src/index.js'

const SIZE = 64
const POINTS = 3000

const vector = (seed: number) => Float32Array.from({ length: SIZE }, (_, i) => Math.sin(seed * 12.9898 + i * 78.233))
const put = (collection: Collection, from: number) =>
  collection.upsert(Array.from({ length: POINTS }, (_, at) => ({ id: from + at, vector: vector(from + at) })))
const codesOf = async (collection: Collection) => (await collection.info()).memory.vectors['']?.codes.bytes

it('leaves everything as it was, including writes made meanwhile', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'vicinal-config-test-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const database = await open(folder)
  onTestFinished(() => database.close())
  const rows = await database.createCollection('rows', {
    vectors: { size: SIZE, distance: 'Euclid' },
    quantization: 'none',
  })
  await put(rows, 0)
  await rows.waitForIndex()
  expect(await codesOf(rows)).toBe(0)

  let fail = () => {}
  const full = new Promise<never>((_, reject) => {
    fail = () => reject(Object.assign(new Error('no space left'), { code: 'ENOSPC' }))
  })
  const writes = vi.spyOn(Disk.prototype, 'replaceFile').mockImplementation(() => full)
  onTestFinished(() => writes.mockRestore())
  const changed = rows.updateConfig({ quantization: 'sq8' })
  await expect.poll(() => writes.mock.calls.length).toBeGreaterThan(0)
  await put(rows, POINTS)
  // Maintenance builds by the old configuration.
  await expect.poll(() => codesOf(rows)).toBeGreaterThan(0)
  fail()
  await expect(changed).rejects.toMatchObject({ message: expect.stringContaining('no space left') })
  writes.mockRestore()
  await expect.poll(async () => (await rows.info()).status).toBe('green')
  await rows.waitForIndex()
  await expect.poll(() => codesOf(rows)).toBe(0)
  const info = await rows.info()
  expect(info.config.vectors[0]?.quantization).toBe('none')
  expect(info.pointsCount).toBe(2 * POINTS)
  expect((await rows.query({ query: vector(POINTS + 7), limit: 1 }))[0]?.id).toBe(POINTS + 7)
})
