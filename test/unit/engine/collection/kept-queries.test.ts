/** "Callers' queries outlive the process: the next one measures recall on them before it gets a query." */
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { type Database, open } from '../../../../src/index.js'

const POINTS = 1500
const SIZE = 16
/** One in four of these is remembered. */
const ASKED = 200
const REMEMBERED = ASKED / 4
const CONFIG = { vectors: { size: SIZE, distance: 'Euclid' } } as const

const vector = (seed: number) => Float32Array.from({ length: SIZE }, (_, i) => Math.sin(seed * 12.9898 + i * 78.233))

async function opened(folder: string): Promise<Database> {
  const database = await open(folder)
  onTestFinished(() => database.close())
  return database
}

/** A folder with a collection that was queried, and the file of its queries. */
async function askedFolder(): Promise<{ folder: string; file: string }> {
  const folder = mkdtempSync(join(tmpdir(), 'vicinal-kept-queries-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const database = await opened(folder)
  const rows = await database.createCollection('rows', CONFIG)
  await rows.upsert(Array.from({ length: POINTS }, (_, id) => ({ id, vector: vector(id) })))
  await rows.waitForIndex()
  for (let at = 0; at < ASKED; at++) await rows.query({ query: vector(at + 0.5), recall: 0.9 })
  await database.close()
  const name = readdirSync(folder).find((entry) => entry.startsWith('c-')) as string
  return { folder, file: join(folder, name, 'queries') }
}

const recallOf = async (database: Database) => (await (await database.collection('rows')).info()).recall['']

describe('queries that callers asked', () => {
  test('are measured after a restart, from a bounded file that only its owner can read', async () => {
    const { folder, file } = await askedFolder()
    expect(statSync(file).size).toBeLessThan(ASKED * SIZE * 8)
    expect(statSync(file).mode & 0o077).toBe(0)
    const database = await opened(folder)
    await expect.poll(async () => (await recallOf(database))?.queries).toBe(REMEMBERED)
    expect((await recallOf(database))?.asked).toBeCloseTo(0.9, 5)
    expect((await recallOf(database))?.measured).toBeGreaterThan(0.8)
    // Without queries, it keeps the ones it has.
    await database.close()
    const again = await opened(folder)
    await expect.poll(async () => (await recallOf(again))?.queries).toBe(REMEMBERED)
  })

  const damages: [what: string, damage: (bytes: Buffer) => Buffer][] = [
    ['cut short', (bytes) => bytes.subarray(0, bytes.length / 2)],
    ['of another kind', (bytes) => Buffer.concat([Buffer.from('ANOTHER!'), bytes.subarray(8)])],
    ['changed', (bytes) => bytes.map((byte, at) => (at === 200 ? byte ^ 1 : byte)) as Buffer],
    ['empty', () => Buffer.alloc(0)],
    ['far too long', (bytes) => Buffer.concat([bytes, Buffer.alloc(32 << 20)])],
  ]
  test.each(damages)('are dropped if their file is %s, and nothing else is lost', async (_what, damage) => {
    const { folder, file } = await askedFolder()
    writeFileSync(file, damage(readFileSync(file)))
    const database = await opened(folder)
    const rows = await database.collection('rows')
    expect((await rows.query({ query: vector(7), limit: 1, recall: 1 }))[0]?.id).toBe(7)
    expect((await rows.info()).warnings ?? []).toEqual([])
    // That none is taken from the file has no event.
    await new Promise((resolve) => setTimeout(resolve, 1500))
    expect((await recallOf(database))?.queries).toBe(0)
    // A new file takes its place.
    for (let at = 0; at < ASKED; at++) await rows.query({ query: vector(at + 0.5), recall: 0.9 })
    await database.close()
    const again = await opened(folder)
    await expect.poll(async () => (await recallOf(again))?.queries).toBeGreaterThan(REMEMBERED / 2)
  })
})
