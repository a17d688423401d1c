/** Vectors added to and dropped from a collection in a folder: the effects on its files, readers and snapshots. */
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { beforeEach, expect, it, onTestFinished, vi } from 'vitest'
import { inspect } from '../../../../src/cli/inspect.js'
import { systemClock } from '../../../../src/core/clock.js'
import type { Collection, Database } from '../../../../src/core/database.js'
import { LIMITS } from '../../../../src/core/limits.js'
import { Disk } from '../../../../src/disk/disk.js'
import { CollectionEngine } from '../../../../src/engine/collection/collection-engine.js'
import { FolderHome } from '../../../../src/engine/collection/collection-home.js'
import { Flusher } from '../../../../src/engine/collection/flusher.js'
import { recoverCollection } from '../../../../src/engine/collection/recovery.js'
import { withoutVectorName, withVectorName } from '../../../../src/engine/config/named-vectors.js'
import { open } from '../../../../src/index.js'
import { listCollections } from '../../../../src/storage/layout.js'
import { readManifest } from '../../../../src/storage/manifest.js'
import { copyAtOneMoment } from '../../../oracle/folder-copy.js'

const POINTS = 2_500
/** A value in every vector that is dropped, and nowhere else. */
const MARK = Math.fround(1234.5678)
const MARK_BYTES = Buffer.from(Float32Array.of(MARK, MARK, MARK).buffer)

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'vicinal-vectors-'))
  onTestFinished(() => rm(folder, { recursive: true }))
})

async function opened(options = {}): Promise<Database> {
  const database = await open(folder, options)
  onTestFinished(() => database.close())
  return database
}

async function filled(database: Database): Promise<Collection> {
  const collection = await database.createCollection('rows', {
    vectors: { kept: { size: 2, distance: 'Euclid' }, gone: { size: 3, distance: 'Dot' } },
  })
  const ids = Array.from({ length: POINTS }, (_, i) => i)
  await collection.upsert(
    ids.map((id) => ({ id, vector: { kept: [id, 1], gone: [MARK, MARK, MARK] }, payload: { id } })),
  )
  return collection
}

const has = (collection: Collection, name: string) =>
  collection.count({ filter: { must: [{ hasVector: name }] } as never })

async function filesWithMark(): Promise<string[]> {
  const names = await readdir(folder, { recursive: true, withFileTypes: true })
  const files = names.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
  const found = await Promise.all(
    files.map(async (file) => ((await readFile(file)).includes(MARK_BYTES) ? [file] : [])),
  )
  return found.flat()
}

async function engineOf(): Promise<CollectionEngine> {
  const disk = new Disk(folder)
  const [paths] = await listCollections(disk)
  const engine = new CollectionEngine(await recoverCollection(new FolderHome(disk, paths as never), systemClock))
  onTestFinished(() => engine.close())
  return engine
}

it('a dropped vector is in no file once the folder is tidied, and the rest is complete', async () => {
  const first = await opened()
  await filled(first)
  await first.close()
  expect(await filesWithMark()).not.toEqual([])
  const engine = await engineOf()
  await engine.changeVectors((config) => withoutVectorName(config, 'gone'))
  await engine.tidy({ graceMs: 0 })
  // The last files of the previous manifest.
  await engine.tidy({ graceMs: 0 })
  expect(await filesWithMark()).toEqual([])
  await engine.close()
  const second = await opened()
  const collection = await second.collection('rows')
  expect(await collection.count()).toBe(POINTS)
  expect((await collection.query({ query: [7, 1], using: 'kept', limit: 1 }))[0]).toMatchObject({ id: 7 })
  expect((await collection.info()).warnings).toEqual([])
  await second.close()
  const print = vi.spyOn(process.stdout, 'write').mockReturnValue(true)
  onTestFinished(() => print.mockRestore())
  expect(await inspect([folder])).toBe(0)
})

it('a name reused for a vector of the same shape never shows the old vector, whenever the process ends', async () => {
  const first = await opened()
  await filled(first)
  await first.close()
  const engine = await engineOf()
  await engine.changeVectors((config) => withoutVectorName(config, 'gone'))
  await engine.changeVectors((config) => withVectorName(config, 'gone', { dense: { size: 3, distance: 'Dot' } }))
  // Segment files, table and manifest as after a kill: the files still have the old vector.
  const copy = join(folder, '..', `${basename(folder)}-copy`)
  onTestFinished(() => rm(copy, { recursive: true }))
  copyAtOneMoment(folder, copy)
  await engine.close()
  const database = await open(copy)
  onTestFinished(() => database.close())
  const collection = await database.collection('rows')
  expect(await has(collection, 'gone')).toBe(0)
  expect(await collection.query({ query: [1, 1, 1], using: 'gone' })).toEqual([])
  expect(await has(collection, 'kept')).toBe(POINTS)
  expect((await collection.info()).warnings).toEqual([])
})

it('a rebuild from a table with columns of dropped vectors restores only the others', async () => {
  const first = await opened()
  const collection = await filled(first)
  await collection.flush()
  await collection.deleteVectorName('gone')
  await collection.createVectorName('gone', { dense: { size: 2, distance: 'Dot' } })
  await collection.updateVectors([{ id: 3, vector: { gone: [5, 6] } }])
  await collection.flush()
  await first.close()
  const disk = new Disk(folder)
  const [paths] = await listCollections(disk)
  const { layout } = await readManifest(disk, (paths as { manifest: string }).manifest)
  // The last vector's column stands beside that of the previous one, unless the table was rewritten already.
  if (layout?.vectors.some(({ dropped }) => dropped)) {
    expect(layout.vectors.map(({ name, columnSuffix }) => [name, columnSuffix])).toContainEqual(['gone', 2])
  }
  for (const name of await readdir(join(folder, (paths as { segments: string }).segments))) {
    await rm(join(folder, (paths as { segments: string }).segments, name))
  }
  const second = await opened()
  const again = await second.collection('rows')
  expect(await again.count()).toBe(POINTS)
  expect(await has(again, 'kept')).toBe(POINTS)
  expect((await again.query({ query: [1, 1], using: 'gone' })).map(({ id, score }) => [id, score])).toEqual([[3, 11]])
})

it('readers of the folder see vectors come and go', async () => {
  const writer = await opened()
  const collection = await filled(writer)
  await collection.flush()
  const reader = await opened({ readOnly: true })
  const seen = await reader.collection('rows')
  expect(await has(seen, 'gone')).toBe(POINTS)
  await collection.deleteVectorName('gone')
  await collection.createVectorName('new', { dense: { size: 2, distance: 'Dot' } })
  await collection.updateVectors([{ id: 1, vector: { new: [1, 2] } }])
  await vi.waitFor(
    async () => {
      expect((await seen.info()).config.vectors.map(({ name }) => name)).toEqual(['kept', 'new'])
      expect((await seen.query({ query: [1, 1], using: 'new' })).map(({ id }) => id)).toEqual([1])
    },
    { timeout: 300_000, interval: 50 },
  )
  await collection.deleteVectorName('new')
  await collection.createVectorName('new', { dense: { size: 3, distance: 'Dot' } })
  await collection.updateVectors([{ id: 2, vector: { new: [1, 2, 3] } }])
  await vi.waitFor(
    async () => expect((await seen.query({ query: [1, 1, 1], using: 'new' })).map(({ id }) => id)).toEqual([2]),
    { timeout: 300_000, interval: 50 },
  )
  expect((await seen.info()).warnings).toEqual([])
  expect(await seen.count()).toBe(POINTS)
})

it('an older snapshot restores dropped vectors, and a later one added vectors', async () => {
  const database = await opened()
  const collection = await filled(database)
  const before = await collection.snapshots.create()
  await collection.deleteVectorName('gone')
  await collection.createVectorName('new', { sparse: { modifier: 'idf' } })
  await collection.updateVectors([{ id: 1, vector: { new: { indices: [3], values: [1] } } }])
  const after = await collection.snapshots.create()
  const location = (name: string) => ({ location: `file://${join(folder, 'snapshots', name)}` })
  await database.recoverCollection('old', location(before.name) as never)
  await database.recoverCollection('young', location(after.name) as never)
  const old = await database.collection('old')
  expect(await has(old, 'gone')).toBe(POINTS)
  const young = await database.collection('young')
  expect((await young.query({ query: { indices: [3], values: [1] }, using: 'new' })).map(({ id }) => id)).toEqual([1])
  expect(await has(young, 'kept')).toBe(POINTS)
  expect(await has(young, 'gone')).toBe(0)
})

it('reads and writes go on while vectors are added and dropped', async () => {
  const database = await opened()
  const collection = await filled(database)
  let ends = false
  let reads = 0
  const failures: unknown[] = []
  const loop = async (work: () => Promise<unknown>) => {
    while (!ends) {
      await work().catch((cause: unknown) => failures.push(cause))
      reads++
    }
  }
  let written = POINTS
  const loops = [
    loop(async () => {
      const hits = await collection.query({ query: [7, 1], using: 'kept', limit: 3 })
      if (hits.length !== 3 || hits[0]?.id !== 7) throw new Error(`wrong hits: ${JSON.stringify(hits)}`)
    }),
    loop(async () => {
      const filter = { must: [{ key: 'id', range: { lt: 100 } }] }
      const prefetch = { query: [7, 1], using: 'kept', limit: 50, filter }
      const hits = await collection.query({ prefetch: [prefetch], query: { fusion: 'rrf' }, limit: 5 } as never)
      if (hits.length !== 5) throw new Error(`wrong number of hits: ${hits.length}`)
    }),
    loop(async () => {
      const points = await collection.retrieve([5, 6], { withVector: ['kept'] })
      if (points.length !== 2) throw new Error(`${points.length} points of two`)
      await collection.setPayload({ seen: true }, [5, 6])
    }),
    loop(async () => {
      await collection.upsert([{ id: written, vector: { kept: [written, 1] }, payload: { id: written } }])
      written++
    }),
  ]
  for (let round = 0; round < 6; round++) {
    await collection.deleteVectorName('gone')
    await collection.createVectorName('gone', { dense: { size: 2 + (round % 3), distance: 'Dot' } })
    const vector = { gone: Array.from({ length: 2 + (round % 3) }, () => round) }
    await collection.updateVectors([{ id: round, vector }])
    expect((await collection.query({ query: vector.gone, using: 'gone' })).map(({ id }) => id)).toEqual([round])
    // Each round gets some reads beside it.
    await sleep(20)
  }
  // On a slow machine the rounds may end before the readers have begun.
  await expect.poll(() => reads > 50 || failures.length > 0).toBe(true)
  ends = true
  await Promise.all(loops)
  expect(failures).toEqual([])
  expect(reads).toBeGreaterThan(50)
  expect(await collection.count()).toBe(written)
  expect(await has(collection, 'kept')).toBe(written)
  await collection.waitForIndex()
  expect((await collection.info()).status).toBe('green')
})

it('a change that the disk refuses has no effect, and the next one succeeds', async () => {
  const first = await opened()
  await filled(first)
  await first.close()
  const engine = await engineOf()
  const add = () =>
    engine.changeVectors((config) => withVectorName(config, 'new', { dense: { size: 2, distance: 'Dot' } }))
  const replaceFile = Disk.prototype.replaceFile
  const failing = vi.spyOn(Disk.prototype, 'replaceFile').mockImplementation(function (this: Disk, path, content) {
    return path.endsWith('manifest') ? Promise.reject(new Error('full')) : replaceFile.call(this, path, content)
  })
  await expect(add()).rejects.toThrow()
  failing.mockRestore()
  expect(engine.schema.map(({ name }) => name)).toEqual(['kept', 'gone'])
  await add()
  expect(engine.schema.map(({ name }) => name)).toEqual(['kept', 'gone', 'new'])
  await engine.tidy({ graceMs: 0 })
  await engine.close()
  const second = await opened()
  const collection = await second.collection('rows')
  expect((await collection.info()).warnings).toEqual([])
  await collection.updateVectors([{ id: 3, vector: { new: [1, 2] } }])
  await collection.flush()
  expect(await has(collection, 'new')).toBe(1)
})

it('a look-up in a collection with changing vectors finds the right ones', async () => {
  const database = await open(':memory:')
  onTestFinished(() => database.close())
  const vectors = { kept: { size: 2, distance: 'Euclid' } } as const
  const asking = await database.createCollection('asking', { vectors, sparseVectors: { words: {} } })
  const other = await database.createCollection('other', { vectors })
  const ids = Array.from({ length: 200 }, (_, i) => i)
  await asking.upsert(ids.map((id) => ({ id, vector: { kept: [id, 0] }, payload: { of: id % 3 } })))
  await other.upsert(ids.map((id) => ({ id, vector: { kept: [id + 50, 0] } })))
  // Embedding the texts of many queries takes time, in which other rows replace the looked-up ones.
  const text = Array.from({ length: 1_600 }, (_, i) => `word${i}`).join(' ')
  const found = { query: 7, using: 'kept', lookupFrom: { collection: 'other' }, limit: 1 }
  const words = { query: { text, model: 'qdrant/bm25' }, using: 'words', limit: 1 }
  const query = { prefetch: [found, words], query: { fusion: 'rrf' }, limit: 1 } as const
  const groups = { query: [0, 0], using: 'kept', groupBy: 'of', groupSize: 1, withLookup: 'other', limit: 3 }
  let isOver = false
  const changes = (async () => {
    for (let round = 0; round < 10; round++) {
      await other.createVectorName('more', { dense: { size: 3, distance: 'Dot' } })
      await other.deleteVectorName('more')
    }
    isOver = true
  })()
  while (!isOver) {
    const answers = await Promise.all(Array.from({ length: 20 }, () => asking.query(query)))
    for (const [hit] of answers) expect(hit?.id).toBe(57)
    for (const group of await asking.queryGroups(groups)) expect(group.lookup).toMatchObject({ id: group.id })
  }
  await changes
})

it.each<[what: string, ask: (collection: Collection) => Promise<unknown>]>([
  ['vectors', (c) => c.createVectorName('new', { dense: { size: 3, distance: 'Dot' } })],
  ['the configuration', (c) => c.updateConfig({ metadata: { a: 1 } })],
  ['payload indexes', (c) => c.createPayloadIndex('a', 'integer')],
])('the allowed number of changes of %s wait, and one more is refused', async (_what, ask) => {
  const database = await open(':memory:')
  onTestFinished(() => database.close())
  const collection = await database.createCollection('rows', { vectors: { kept: { size: 2, distance: 'Euclid' } } })
  const all = Array.from({ length: LIMITS.queuedChanges + 1 }, () => ask(collection))
  const outcomes = await Promise.allSettled(all)
  const refused = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason] : []))
  expect(refused).toMatchObject([
    { code: 'OVERLOADED', status: 429, retryAfterMs: expect.any(Number), message: expect.stringContaining('256') },
  ])
  expect(outcomes.at(-1)?.status).toBe('rejected')
  await ask(collection)
})

it('a table at its bound of columns is rewritten without dropped ones for one more', async () => {
  const database = await opened()
  const collection = await database.createCollection('rows', { vectors: { kept: { size: 2, distance: 'Euclid' } } })
  await collection.upsert([{ id: 1, vector: { kept: [1, 2] } }])
  await collection.flush()
  const columns = async () => {
    const [paths] = await listCollections(new Disk(folder))
    return (await readManifest(new Disk(folder), (paths as { manifest: string }).manifest)).layout?.vectors.length
  }
  // In the background dropped columns would be removed sooner.
  const later = vi.spyOn(Flusher.prototype, 'housekeep').mockResolvedValue()
  onTestFinished(() => later.mockRestore())
  let most = 0
  for (let round = 1; round <= LIMITS.tableVectors + 1; round++) {
    await collection.createVectorName('more', { dense: { size: 1, distance: 'Dot' } })
    most = Math.max(most, (await columns()) ?? 0)
    await collection.deleteVectorName('more')
  }
  expect(most).toBe(LIMITS.tableVectors)
  expect(await collection.retrieve([1], { withVector: true })).toEqual([
    { id: 1, payload: {}, vector: { kept: Float32Array.of(1, 2) } },
  ])
  expect((await collection.info()).warnings).toEqual([])
})
