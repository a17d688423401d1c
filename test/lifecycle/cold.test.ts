/** Collections that open with their first use and close when idle. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import type { Database } from '../../src/core/database.js'
import { openCollections } from '../../src/engine/memory/open-collections.js'
import { open } from '../../src/index.js'
import { startService } from '../contract/service.js'
import { copyAtOneMoment } from '../oracle/folder-copy.js'

const CONFIG = { vectors: { size: 2, distance: 'Dot' } } as const

interface ToldCollection {
  id: string
  shards: [{ local: { num_points: number } }]
}

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'vicinal-cold-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
})

async function opened(): Promise<Database> {
  const database = await open(folder)
  onTestFinished(() => database.close())
  return database
}

/** Makes collections of one point each and closes the folder. */
async function filled(...names: string[]): Promise<void> {
  const database = await open(folder)
  for (const name of names) {
    const collection = await database.createCollection(name, CONFIG)
    await collection.upsert([{ id: 1, vector: [1, 2], payload: { of: name } }])
  }
  await database.close()
}

const closeAll = () => openCollections.closeUntil(() => false, 0)

test('opening a folder opens no collection; each opens with its first use', async () => {
  await filled('a', 'b')
  const database = await opened()
  expect(openCollections.count).toBe(0)
  expect(await database.collections()).toEqual(['a', 'b'])
  const a = await database.collection('a')
  expect(openCollections.count).toBe(0)
  expect((await a.get(1))?.payload).toEqual({ of: 'a' })
  expect(openCollections.count).toBe(1)
})

test('first uses at the same time open a collection once', async () => {
  await filled('a')
  const database = await opened()
  const a = await database.collection('a')
  const counts = await Promise.all(Array.from({ length: 20 }, () => a.count()))
  expect(counts).toEqual(new Array(20).fill(1))
  expect(openCollections.count).toBe(1)
})

test('a handle stays valid while its collection closes and opens again, and loses no write', async () => {
  await filled('a')
  const database = await opened()
  const a = await database.collection('a')
  for (let id = 2; id < 6; id++) {
    await a.upsert([{ id, vector: [id, 1] }], { wait: id % 2 === 0 })
    // A collection whose graph is behind stays open.
    await a.waitForIndex()
    expect(await closeAll()).toBe(1)
    expect(openCollections.count).toBe(0)
  }
  expect(await a.count()).toBe(5)
})

test('uses while a collection closes wait for that and open it again', async () => {
  await filled('a')
  const database = await opened()
  const a = await database.collection('a')
  await a.upsert([{ id: 2, vector: [1, 1] }])
  const closing = closeAll()
  const counts = await Promise.all([a.count(), a.count()])
  await closing
  expect(counts).toEqual([2, 2])
})

test('a collection in use is not closed', async () => {
  await filled('a')
  const database = await opened()
  const a = await database.collection('a')
  await a.warm()
  const reading = a.upsert(
    (async function* () {
      expect(await closeAll()).toBe(0)
      yield { id: 9, vector: [1, 1] }
    })(),
  )
  await reading
  await a.waitForIndex()
  expect(await closeAll()).toBe(1)
})

test('a query looks points up in a collection that is not open', async () => {
  await filled('a', 'other')
  const database = await opened()
  const a = await database.collection('a')
  await a.warm()
  const [hit] = await a.query({ query: 1, using: '', lookupFrom: { collection: 'other' } })
  expect(hit?.id).toBe(1)
  expect(openCollections.count).toBe(2)
})

test('what was passed while the collection was closed is what is stored and searched', async () => {
  await filled('a', 'other')
  const database = await opened()
  const a = await database.collection('a')
  const points = [{ id: 2, vector: new Float32Array([5, 0]), payload: { n: [1] } }]
  const written = a.upsert(points)
  points[0]?.vector.fill(-9)
  points[0]?.payload.n.push(2)
  points.push({ id: 3, vector: new Float32Array([1, 1]), payload: { n: [] } })
  expect(await written).toMatchObject({ points: 1 })
  await a.waitForIndex()
  await closeAll()
  const query = [1, 0]
  const asked = { query, limit: 1 }
  const found = a.query(asked)
  query[0] = -1
  asked.limit = 2
  const [hit, ...others] = await found
  expect([hit?.id, hit?.score, others]).toEqual([2, 5, []])
  expect((await a.get(2))?.payload).toEqual({ n: [1] })
  // The collection that is looked up opens after the query was read.
  const lookup = { query: 1, limit: 1, lookupFrom: { collection: 'other' } }
  const looked = a.query(lookup)
  lookup.limit = 2
  expect(await looked).toHaveLength(1)
})

test('explain tells that its collection was closed, and only once', async () => {
  await filled('a')
  const database = await opened()
  const a = await database.collection('a')
  const query = { query: [1, 1] }
  expect((await a.explain(query)).plan.openedInUs).toBeGreaterThan(0)
  expect((await a.explain(query)).plan.openedInUs).toBeUndefined()
  await a.waitForIndex()
  await closeAll()
  const [first, second] = await a.explainBatch([query, query])
  expect([first?.plan.openedInUs, second?.plan.openedInUs].every((us) => (us ?? 0) > 0)).toBe(true)
  await a.waitForIndex()
  await closeAll()
  await a.warm()
  expect((await a.explain(query)).plan.openedInUs).toBeUndefined()
})

test('a closed collection is deleted, replaced and in snapshots like an open one', async () => {
  await filled('a', 'b')
  const database = await opened()
  const b = await database.collection('b')
  const { name } = await database.snapshots.create()
  await closeAll()
  expect(await database.deleteCollection('a')).toBe(true)
  await expect(database.collection('a')).rejects.toMatchObject({ code: 'NOT_FOUND' })
  const chunks = await database.snapshots.read(name)
  expect(await database.recover(chunks)).toEqual(['a', 'b'])
  await expect(b.count()).rejects.toMatchObject({ code: 'CLOSED' })
  for (const each of ['a', 'b']) expect(await (await database.collection(each)).count()).toBe(1)
  expect(readdirSync(folder).filter((entry) => entry.startsWith('c-'))).toHaveLength(2)
})

test('damage is told at the first use, and the other collections stay', async () => {
  await filled('hurt', 'whole')
  const names = readdirSync(folder).filter((entry) => entry.startsWith('c-'))
  const issues: string[] = []
  const probe = await open(folder)
  await (await probe.collection('hurt')).upsert([{ id: 2, vector: [1, 1] }])
  await probe.close()
  for (const each of names) {
    const manifest = String(readFileSync(join(folder, each, 'manifest')))
    if (manifest.includes('"hurt"'))
      for (const file of readdirSync(join(folder, each, 'log'))) rmSync(join(folder, each, 'log', file))
  }
  const database = await open(folder, {
    onIssue: ({ collection, about, code }) => issues.push(`${collection} ${about} ${code}`),
  })
  onTestFinished(() => database.close())
  const hurt = await database.collection('hurt')
  expect(issues).toEqual([])
  for (let round = 0; round < 2; round++) await expect(hurt.count()).rejects.toMatchObject({ code: 'CORRUPT' })
  await expect(database.collection('hurt')).rejects.toMatchObject({ code: 'CORRUPT' })
  expect(issues).toEqual(['hurt opening CORRUPT'])
  expect(await (await database.collection('whole')).count()).toBe(1)
  expect(await database.collections()).toEqual(['hurt', 'whole'])
})

test('a reader opens and closes as a writer does, and follows what is open', async () => {
  await filled('a')
  const writer = await opened()
  const reader = await open(folder, { readOnly: true })
  onTestFinished(() => reader.close())
  const read = await reader.collection('a')
  expect(await read.count()).toBe(1)
  const written = await writer.collection('a')
  await written.upsert([{ id: 2, vector: [1, 1] }])
  await expect.poll(() => read.count()).toBe(2)
  await written.upsert([{ id: 3, vector: [1, 1] }])
  await closeAll()
  expect(await read.count()).toBe(3)
})

const isOpen = async (database: Database, name: string) => 'status' in ((await database.peek?.(name)) ?? {})

test('a collection is closed once its idle time is over, and stays open while it is used', async () => {
  await filled('a', 'b')
  const database = await open(folder, { collectionIdleMs: 2_000 })
  onTestFinished(() => database.close())
  const [a, b] = [await database.collection('a'), await database.collection('b')]
  await Promise.all([a.warm(), b.warm()])
  // `b` is used all the time. Where a busy machine delays a use, it is closed too, and opened by the next.
  const areOpen = async () => {
    await b.count()
    return [await isOpen(database, 'a'), await isOpen(database, 'b')]
  }
  await expect.poll(areOpen).toEqual([false, true])
  await expect.poll(() => openCollections.count).toBe(0)
  expect(await a.count()).toBe(1)
  await expect(open(folder, { collectionIdleMs: 0 })).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
})

test('looking at a collection neither opens it nor keeps it open', async () => {
  await filled('a')
  const database = await open(folder, { collectionIdleMs: 1_500 })
  onTestFinished(() => database.close())
  const closed = { name: 'a', counts: expect.objectContaining({ pointsCount: 1, vectorsCount: 1, segmentsCount: 1 }) }
  expect(await database.peek?.('a')).toEqual(closed)
  const isWarm = async () => {
    await (await database.collection('a')).warm()
    return await isOpen(database, 'a')
  }
  await expect.poll(isWarm).toBe(true)
  await expect.poll(() => isOpen(database, 'a')).toBe(false)
  expect(openCollections.count).toBe(0)
  expect(await database.peek?.('a')).toEqual(closed)
})

test('a close fills no bucket of a rate limit', async () => {
  await filled('a')
  const database = await opened()
  const a = await database.collection('a')
  await a.updateConfig({ strictModeConfig: { enabled: true, writeRateLimit: 2, readRateLimit: 2 } })
  await a.upsert([
    { id: 1, vector: [1, 1] },
    { id: 2, vector: [1, 1] },
  ])
  for (let reads = 0; reads < 2; reads++) await a.query({ query: [1, 1] })
  for (let round = 0; round < 2; round++) {
    await a.waitForIndex()
    expect(await closeAll()).toBe(1)
    await expect(a.upsert([{ id: 3, vector: [1, 1] }])).rejects.toMatchObject({ code: 'OVERLOADED' })
    await expect(a.query({ query: [1, 1] })).rejects.toMatchObject({ code: 'OVERLOADED' })
  }
  // Setting strict mode fills them, as it does where nothing was closed.
  await a.updateConfig({ strictModeConfig: { enabled: true, writeRateLimit: 3 } })
  await a.upsert([{ id: 3, vector: [1, 1] }])
})

test('metrics and telemetry list closed collections with their counts, and open none', async () => {
  await filled('a', 'b')
  const database = await opened()
  const { call } = await startService({ database })
  expect((await (await database.collection('b')).upsert([{ id: 2, vector: [1, 1] }])).status).toBe('completed')
  const metrics = async () => (await call('GET', '/metrics')).text
  for (const [isOpen, line] of [
    [true, 'collections_open 1'],
    [false, 'collections_open 0'],
  ] as const) {
    if (!isOpen) {
      await (await database.collection('b')).waitForIndex()
      await closeAll()
    }
    await expect.poll(metrics).toContain(line)
    const text = await metrics()
    for (const line of ['collections_total 2', 'collection_points{id="a"} 1', 'collection_points{id="b"} 2'])
      expect(text).toContain(line)
    const { json } = await call('GET', '/telemetry?details_level=3')
    const { collections } = (json as { result: { collections: { collections: ToldCollection[] } } }).result.collections
    expect(Object.fromEntries(collections.map(({ id, shards: [shard] }) => [id, shard.local.num_points]))).toEqual({
      a: 1,
      b: 2,
    })
  }
  expect(openCollections.count).toBe(0)
})

test('counts of an earlier process are not told after it was killed', async () => {
  await filled('a')
  const database = await opened()
  await (await database.collection('a')).upsert([{ id: 2, vector: [1, 1] }])
  const killed = mkdtempSync(join(tmpdir(), 'vicinal-cold-'))
  onTestFinished(() => rmSync(killed, { recursive: true, force: true }))
  copyAtOneMoment(folder, killed)
  const after = await open(killed)
  expect(await after.peek?.('a')).toEqual({ name: 'a', counts: null })
  expect(await (await after.collection('a')).count()).toBe(2)
  await after.close()
  const again = await open(killed)
  onTestFinished(() => again.close())
  expect(await again.peek?.('a')).toMatchObject({ counts: { pointsCount: 2 } })
})

test('a damaged collection keeps no other out of a snapshot of all', async () => {
  await filled('hurt', 'whole')
  for (const each of readdirSync(folder).filter((entry) => entry.startsWith('c-')))
    if (String(readFileSync(join(folder, each, 'manifest'))).includes('"hurt"'))
      writeFileSync(join(folder, each, 'manifest'), 'no manifest at all')
  const database = await opened()
  const { name } = await database.snapshots.create()
  await expect((await database.collection('whole')).snapshots.create()).resolves.toBeDefined()
  await database.deleteCollection('whole')
  expect(await database.recover(await database.snapshots.read(name))).toEqual(['whole'])
})

test('300 collections are known at once, and take what their use takes', async () => {
  const names = Array.from({ length: 300 }, (_, i) => `c-${String(i).padStart(3, '0')}`)
  const making = await open(folder)
  for (const name of names) await making.createCollection(name, CONFIG)
  expect(openCollections.count).toBe(0)
  await making.close()
  const database = await opened()
  expect(await database.collections()).toEqual(names)
  for (const name of names.slice(0, 5)) expect(await (await database.collection(name)).count()).toBe(0)
  expect(openCollections.count).toBe(5)
})

describe('the catalogue file', () => {
  const file = () => join(folder, 'catalogue')
  const folders = () => readdirSync(folder).filter((entry) => entry.startsWith('c-'))
  const names = async () => {
    const database = await open(folder)
    const found = await database.collections()
    for (const name of found) expect(await (await database.collection(name)).count()).toBe(1)
    await database.close()
    return found
  }

  test('is only a copy: missing, damaged, old or of another folder, the same collections are there', async () => {
    await filled('a', 'b')
    const old = readFileSync(file())
    await filled('c')
    const whole = readFileSync(file())
    expect(old.equals(whole)).toBe(false)
    const cases: [what: string, content: Buffer | null][] = [
      ['missing', null],
      ['empty', Buffer.alloc(0)],
      ['old', old],
      ['cut', whole.subarray(0, whole.length - 1)],
      ['of another kind', readFileSync(join(folder, folders()[0] as string, 'manifest'))],
      ...[8, 12, 20, 26, 40, whole.length - 1].map((at): [string, Buffer] => {
        const flipped = Buffer.from(whole)
        flipped[at]! ^= 1
        return [`flipped at ${at}`, flipped]
      }),
    ]
    for (const [what, content] of cases) {
      if (content) writeFileSync(file(), content)
      else rmSync(file())
      expect(await names(), what).toEqual(['a', 'b', 'c'])
      expect(readFileSync(file()).length, what).toBe(whole.length)
    }
  })

  test('brings no deleted collection back, and hides none', async () => {
    await filled('a', 'b')
    const before = readFileSync(file())
    const database = await open(folder)
    await database.deleteCollection('a')
    await database.close()
    await filled('c')
    writeFileSync(file(), before)
    expect(await names()).toEqual(['b', 'c'])
  })

  test('saves the start from reading manifests', async () => {
    await filled('a')
    const manifest = join(folder, folders()[0] as string, 'manifest')
    writeFileSync(manifest, 'no manifest at all')
    const database = await opened()
    expect(await database.collections()).toEqual(['a'])
    const a = await database.collection('a')
    await expect(a.count()).rejects.toMatchObject({ code: 'CORRUPT', message: expect.stringContaining('manifest') })
  })
})
