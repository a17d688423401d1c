/**
 * Thousands of small collections in one folder: they are made, opened and read in a process of their own, whose memory
 * is that of the collections in use.
 */
import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, onTestFinished, test } from 'vitest'

const run = promisify(execFile)
const ENTRY = join(import.meta.dirname, '../../dist/index.js')
const IN_USE = 10
const MIB = 1024 * 1024

/** Runs a module with `open`, `folder` and `many` and returns the numbers that it prints. */
async function numbers(folder: string, many: number, body: string, limits = 'true'): Promise<Record<string, number>> {
  const script = `
    import { open } from ${JSON.stringify(ENTRY)}
    const [folder, many] = [${JSON.stringify(folder)}, ${many}]
    const nameOf = (i) => 'collection-' + i
    const rss = () => process.memoryUsage.rss()
    ${body}`
  const shell = ['-c', `${limits} && exec "$0" --input-type=module -e "$1"`, process.execPath, script]
  const { stdout } = await run('sh', shell, { maxBuffer: MIB })
  return JSON.parse(stdout)
}

async function madeAndRead(many: number): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'vicinal-many-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const made = await numbers(
    folder,
    many,
    `
    const db = await open(folder)
    const started = performance.now()
    for (let i = 0; i < many; i++) await db.createCollection(nameOf(i), { vectors: { size: 4, distance: 'Dot' } })
    const createdMs = performance.now() - started
    const step = many / ${IN_USE}
    for (let i = 0; i < ${IN_USE}; i++)
      await (await db.collection(nameOf(i * step))).upsert([{ id: i, vector: [1, 2, 3, 4] }])
    const created = { createdMs, bytes: rss() }
    await db.close()
    console.log(JSON.stringify(created))`,
  )
  const read = await numbers(
    folder,
    many,
    `
    const bare = await open(':memory:')
    const before = rss()
    const started = performance.now()
    const db = await open(folder)
    const openedMs = performance.now() - started
    const openedBytes = rss() - before
    const step = many / ${IN_USE}
    let found = 0
    const asked = performance.now()
    for (let i = 0; i < ${IN_USE}; i++) {
      const hits = await (await db.collection(nameOf(i * step))).query({ query: [1, 1, 1, 1] })
      if (hits[0]?.id === i) found++
    }
    const queriedMs = (performance.now() - asked) / ${IN_USE}
    const usedBytes = rss() - before
    const { length } = await db.collections()
    await db.close()
    console.log(JSON.stringify({ openedMs, openedBytes, queriedMs, usedBytes, found, length }))`,
  )
  console.info(`${many} collections: ${JSON.stringify(made)} ${JSON.stringify(read)}`)
  expect(read).toMatchObject({ found: IN_USE, length: many })
  // Open collections took 370 kB each. These take their name and uuid.
  expect(read.openedBytes).toBeLessThan(64 * MIB)
}

test('more collections are used than the process has file descriptors', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'vicinal-many-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const body = `
    const db = await open(folder)
    let found = 0
    for (let i = 0; i < many; i++) {
      const collection = await db.createCollection(nameOf(i), { vectors: { size: 4, distance: 'Dot' } })
      await collection.upsert([{ id: i, vector: [1, 2, 3, 4] }])
      found += await collection.count()
    }
    for (let i = 0; i < many; i++) found += await (await db.collection(nameOf(i))).count()
    await db.close()
    console.log(JSON.stringify({ found }))`
  expect(await numbers(folder, 450, body, 'ulimit -n 400')).toEqual({ found: 900 })
}, 600_000)

test('10,000 collections are made, and ten of them are read', () => madeAndRead(10_000), 1_800_000)
