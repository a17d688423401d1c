import { createHash } from 'node:crypto'
import { existsSync, mkdtempSync, readdirSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Collection, Database } from '../../../../src/core/database.js'
import type { Payload } from '../../../../src/core/point.js'
import type { SnapshotData, SnapshotSource } from '../../../../src/core/snapshots.js'
import { open, type VicinalError } from '../../../../src/index.js'

const VECTORS = {
  text: { size: 4, distance: 'Cosine' },
  image: { size: 3, distance: 'Euclid' },
} as const
const COUNT = 400

let scratch: string
const opened: Database[] = []
beforeEach(() => {
  scratch = mkdtempSync(join(tmpdir(), 'vicinal-snapshots-'))
})
afterEach(async () => {
  for (const database of opened.splice(0)) await database.close()
  rmSync(scratch, { recursive: true })
})

async function openIn(name: string, options: Parameters<typeof open>[1] = {}): Promise<Database> {
  const database = await open(join(scratch, name), options)
  opened.push(database)
  return database
}

function pointOf(id: number, round = 0) {
  const vector = { text: [Math.sin(id + round), 1, round, id / 7], image: [id, round, 1] }
  const both = id % 5 === 0 ? { image: vector.image } : vector
  return {
    id: id % 7 === 0 ? `00000000-0000-4000-8000-${String(id).padStart(12, '0')}` : id,
    vector: both,
    payload: { id, round, large: 2n ** 60n },
  }
}

async function filled(database: Database, name = 'things'): Promise<Collection> {
  const collection = await database.createCollection(name, {
    vectors: VECTORS,
    hnswConfig: { m: 8 },
    metadata: { owner: 'tests' },
  })
  await collection.upsert(Array.from({ length: COUNT }, (_, id) => pointOf(id)))
  await collection.createPayloadIndex('round', 'integer')
  await collection.delete([1, 2, 3])
  await collection.setPayload({ changed: true }, { filter: { must: [{ key: 'id', range: { lt: 50 } }] } })
  return collection
}

/** Every point with its payload and vectors, as text. */
async function contentOf(collection: Collection): Promise<string[]> {
  const texts: string[] = []
  for await (const { id, payload, vector } of collection.scroll({ withVector: true })) {
    const vectors = Object.entries(vector as Record<string, Float32Array>).map(([name, one]) => [name, ...one])
    texts.push(`${id} ${JSON.stringify(vectors)} ${String(Object.entries(payload as Payload).flat())}`)
  }
  return texts
}

async function bytesOf({ chunks }: SnapshotData): Promise<Buffer> {
  const pieces: Uint8Array[] = []
  for await (const chunk of chunks) pieces.push(chunk)
  return Buffer.concat(pieces)
}

async function* inPieces(bytes: Uint8Array, size = 10_000): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

const leftovers = (name: string) => readdirSync(join(scratch, name)).filter((entry) => /^(tmp|trash)-/.test(entry))

describe('a snapshot of a collection', () => {
  it.each([
    ['in memory of the log', async () => undefined],
    ['in the table', (collection: Collection) => collection.flush()],
    ['in segments', (collection: Collection) => collection.waitForIndex()],
  ])('restores every point, vector and payload that is %s into a fresh folder', async (_where, settle) => {
    const database = await openIn('source')
    const collection = await filled(database)
    await settle(collection)
    const before = await contentOf(collection)
    const { name, checksum, bytes } = await collection.snapshots.create()
    const file = await bytesOf(await collection.snapshots.read(name))
    expect(file.length).toBe(bytes)
    expect(createHash('sha256').update(file).digest('hex')).toBe(checksum)

    const fresh = await openIn('fresh')
    const restored = await fresh.recoverCollection('restored', { chunks: inPieces(file) }, { checksum })
    expect(await contentOf(restored)).toEqual(before)
    const info = await restored.info()
    expect(info.config).toEqual((await collection.info()).config)
    expect(info.payloadSchema).toMatchObject({ round: { kind: 'integer' } })
    const query = { query: [1, 2, 3], using: 'image', limit: 10, recall: 1 }
    const ids = async (of: Collection) => (await of.query(query)).map(({ id, score }) => [id, score])
    expect(await ids(restored)).toEqual(await ids(collection))
    await restored.upsert([pointOf(1, 9)])
    await fresh.close()
    const again = await openIn('fresh')
    expect(await (await again.collection('restored')).count()).toBe(before.length + 1)
    expect(leftovers('fresh')).toEqual([])
    expect(leftovers('source')).toEqual([])
  })

  it('is as of one operation while writes go on: every batch is complete or absent, and none follows a missing one', async () => {
    const database = await openIn('source')
    const collection = await database.createCollection('busy', { vectors: VECTORS })
    let acknowledged = -1
    let writing = true
    const writer = (async () => {
      for (let round = 0; writing; round++) {
        await collection.upsert(
          Array.from({ length: 20 }, (_, i) => pointOf(round * 20 + i, round)),
          { wait: round % 2 > 0 },
        )
        acknowledged = round
        if (round % 9 === 8) await collection.flush()
        if (round > 0) await collection.delete([pointOf((round - 1) * 20).id])
      }
    })()
    const taken: { name: string; least: number }[] = []
    for (let i = 0; i < 6; i++) {
      // Snapshots fall between different operations of the writer.
      await expect.poll(() => acknowledged).toBeGreaterThan(taken.at(-1)?.least ?? 0)
      const least = acknowledged
      taken.push({ name: (await collection.snapshots.create()).name, least })
    }
    writing = false
    await writer
    const fresh = await openIn('fresh')
    for (const { name, least } of taken) {
      const restored = await fresh.recoverCollection(name.slice(0, -9), {
        chunks: (await collection.snapshots.read(name)).chunks,
      })
      const rounds = new Map<number, number>()
      for await (const { payload } of restored.scroll()) {
        const { round } = payload as { round: number }
        rounds.set(round, (rounds.get(round) ?? 0) + 1)
      }
      const last = Math.max(...rounds.keys())
      expect(last, 'acknowledged before the snapshot').toBeGreaterThanOrEqual(least)
      expect([...rounds.keys()].sort((a, b) => a - b)).toEqual(Array.from({ length: last + 1 }, (_, i) => i))
      for (const [round, count] of rounds) {
        // The deletion after batch r + 1 takes one point of batch r.
        const expected = round < last - 1 ? [19] : round === last - 1 ? [19, 20] : [20]
        expect(expected, `points of batch ${round} of ${last}`).toContain(count)
      }
    }
    expect(taken.at(-1)?.least).toBeGreaterThan(3)
  })

  it("replaces existing data, from the database's own folder, and takes effect at once", async () => {
    const database = await openIn('source')
    const collection = await filled(database)
    const before = await contentOf(collection)
    const { name } = await collection.snapshots.create()
    await collection.delete({ all: true })
    await database.updateAliases([{ createAlias: { aliasName: 'alias', collectionName: 'things' } }])
    const location = `file://${join(scratch, 'source/snapshots', name)}`
    const restored = await database.recoverCollection('alias', { location }, { priority: 'snapshot' })
    expect(restored.name).toBe('things')
    expect(await contentOf(await database.collection('alias'))).toEqual(before)
    await expect(collection.count()).rejects.toMatchObject({ code: 'CLOSED' })
    expect(readdirSync(join(scratch, 'source')).filter((entry) => entry.startsWith('c-'))).toHaveLength(1)
    await database.close()
    const again = await openIn('source')
    expect(await contentOf(await again.collection('things'))).toEqual(before)
    expect((await (await again.collection('things')).snapshots.list()).map((one) => one.name)).toEqual([name])
  })

  it('is listed, oldest first, and deleted; other collections do not see it', async () => {
    const database = await openIn('source')
    const collection = await filled(database)
    const other = await database.createCollection('things-2', { vectors: VECTORS })
    const made = [await collection.snapshots.create(), await collection.snapshots.create()]
    expect(await collection.snapshots.list()).toEqual(made)
    expect(await other.snapshots.list()).toEqual([])
    expect(await database.snapshots.list()).toEqual([])
    const name = made[0]?.name as string
    await expect(other.snapshots.read(name)).rejects.toMatchObject({ code: 'NOT_FOUND' })
    await expect(database.snapshots.delete(name)).rejects.toMatchObject({ code: 'NOT_FOUND' })
    await collection.snapshots.delete(name)
    await expect(collection.snapshots.delete(name)).rejects.toMatchObject({ code: 'NOT_FOUND' })
    expect(await collection.snapshots.list()).toEqual(made.slice(1))
    for (const path of ['../manifest', '..', 'x/../../y.snapshot', `../${name}`, '', '.snapshot', 'a\0.snapshot']) {
      await expect(collection.snapshots.read(path)).rejects.toMatchObject({ code: 'NOT_FOUND' })
    }
  })

  it('brings a damaged collection back', async () => {
    const database = await openIn('source')
    const collection = await filled(database)
    const before = await contentOf(collection)
    await collection.flush()
    const { name } = await collection.snapshots.create()
    await database.close()
    const folder = readdirSync(join(scratch, 'source')).find((entry) => entry.startsWith('c-')) as string
    for (const file of readdirSync(join(scratch, 'source', folder, 'log')))
      rmSync(join(scratch, 'source', folder, 'log', file))
    const hurt = await openIn('source')
    await expect((await hurt.collection('things')).warm()).rejects.toMatchObject({ code: 'CORRUPT' })
    await expect(hurt.collection('things')).rejects.toMatchObject({ code: 'CORRUPT' })
    const location = `file://${join(scratch, 'source/snapshots', name)}`
    await hurt.recoverCollection('things', { location })
    expect(await contentOf(await hurt.collection('things'))).toEqual(before)
    await hurt.close()
    const again = await openIn('source')
    expect(await again.collections()).toEqual(['things'])
    expect(await contentOf(await again.collection('things'))).toEqual(before)
  })
})

describe('a snapshot of a database', () => {
  it('restores every collection and alias into a fresh folder', async () => {
    const database = await openIn('source')
    const first = await filled(database)
    const second = await database.createCollection('Bilder – 写真', { vectors: { size: 1, distance: 'Dot' } })
    await second.upsert([{ id: 1, vector: [1] }])
    await database.createCollection('empty', { vectors: { size: 1, distance: 'Dot' } })
    await database.updateAliases([{ createAlias: { aliasName: 'current', collectionName: 'things' } }])
    const { name, checksum } = await database.snapshots.create()
    expect((await database.snapshots.list()).map((one) => one.name)).toEqual([name])
    expect(await first.snapshots.list()).toEqual([])
    const fresh = await openIn('fresh')
    const kept = await fresh.createCollection('kept', { vectors: { size: 1, distance: 'Dot' } })
    const names = await fresh.recover({ chunks: (await database.snapshots.read(name)).chunks }, { checksum })
    expect(names.sort()).toEqual(['Bilder – 写真', 'empty', 'things'])
    expect(await fresh.collections()).toEqual([...names, 'kept'].sort())
    expect(await contentOf(await fresh.collection('current'))).toEqual(await contentOf(first))
    expect(await (await fresh.collection('Bilder – 写真')).count()).toBe(1)
    expect(await kept.count()).toBe(0)
    const one = { chunks: (await database.snapshots.read(name)).chunks }
    await expect(fresh.recoverCollection('x', one)).rejects.toMatchObject({ message: /one collection/ })
  })
})

describe('it refuses', () => {
  const refusedOf = async (database: Database, source: SnapshotSource, code: string, message: RegExp) => {
    const before = readdirSync(scratch, { recursive: true })
    await expect(database.recoverCollection('things', source)).rejects.toMatchObject({
      code,
      message: expect.stringMatching(message),
    })
    expect(readdirSync(scratch, { recursive: true })).toEqual(before)
  }

  it('everything in memory', async () => {
    const database = await open(':memory:')
    const collection = await database.createCollection('a', { vectors: VECTORS })
    const refused = { code: 'INVALID_ARGUMENT', message: expect.stringContaining('in memory') }
    await expect(collection.snapshots.create()).rejects.toMatchObject(refused)
    await expect(collection.snapshots.list()).rejects.toMatchObject(refused)
    await expect(database.snapshots.create()).rejects.toMatchObject(refused)
    await expect(database.recoverCollection('b', { location: 'file:///x.snapshot' })).rejects.toMatchObject(refused)
    await database.close()
  })

  it('locations outside the folder of snapshots, links in it, and URLs unless enabled', async () => {
    const database = await openIn('source')
    const collection = await filled(database)
    const { name } = await collection.snapshots.create()
    const folder = join(scratch, 'source/snapshots')
    writeFileSync(join(scratch, 'outside.snapshot'), 'secret')
    symlinkSync(join(scratch, 'outside.snapshot'), join(folder, 'link.snapshot'))
    for (const location of ['ftp://example.com/x.snapshot', 'not a URL']) {
      await refusedOf(database, { location }, 'INVALID_ARGUMENT', /location/)
    }
    const malformed = /^Bad request: Invalid snapshot URI, file path must be absolute or on localhost$/
    for (const location of [`file://host${folder}/${name}`, `file://${folder}/..%2f..%2foutside.snapshot`]) {
      await refusedOf(database, { location }, 'INVALID_ARGUMENT', malformed)
    }
    for (const location of [
      `file://${join(scratch, 'outside.snapshot')}`,
      `file://${folder}/../../outside.snapshot`,
      `file://localhost${folder}/%2e%2e/%2e%2e/outside.snapshot`,
      'file:///etc/passwd',
    ]) {
      await refusedOf(database, { location }, 'FORBIDDEN', /^location: Snapshot file path must be inside the snapshots/)
    }
    for (const location of [`file://${folder}/absent.snapshot`, 'file:///absent.snapshot']) {
      const absent = /^Bad request: Snapshot file ".*absent\.snapshot" does not exist$/
      await refusedOf(database, { location }, 'INVALID_ARGUMENT', absent)
    }
    await refusedOf(database, { location: `file://${folder}/link.snapshot` }, 'INVALID_ARGUMENT', /location.*regular/)
    await refusedOf(database, { location: 'https://example.com/x.snapshot' }, 'FORBIDDEN', /snapshot-urls/)
    await refusedOf(database, { location: 7 } as never, 'INVALID_ARGUMENT', /location/)
  })

  it('files with another checksum, with too many bytes, cut anywhere, or with any byte changed', async () => {
    const database = await openIn('source')
    const collection = await filled(database)
    await collection.flush()
    const { name, checksum } = await collection.snapshots.create()
    const file = await bytesOf(await collection.snapshots.read(name))
    const small = await openIn('small', { maxSnapshotBytes: file.length - 1 })
    await refusedOf(small, { chunks: inPieces(file) }, 'TOO_LARGE', /at most/)
    const exact = await openIn('exact', { maxSnapshotBytes: file.length })
    expect(await (await exact.recoverCollection('fits', { chunks: inPieces(file) })).count()).toBe(COUNT - 3)
    for (const options of [{ checksum: 'f'.repeat(64) }, { checksum: 'short' }, { priority: 'mine' as never }]) {
      const recovery = database.recoverCollection('things', { chunks: inPieces(file) }, options)
      await expect(recovery).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
    }
    await exact.recoverCollection('upper', { chunks: inPieces(file) }, { checksum: checksum.toUpperCase() })
    const before = await contentOf(collection)
    const step = Math.ceil(file.length / 60)
    let refused = 0
    for (let at = 0; at < file.length - 1024; at += step) {
      await expect(database.recoverCollection('things', { chunks: inPieces(file.subarray(0, at)) })).rejects.toThrow()
      const changed = Buffer.from(file)
      changed[at] = (changed[at] as number) ^ 0x10
      const brought = await database
        .recoverCollection(`copy-${at}`, { chunks: inPieces(changed) })
        .catch((error: VicinalError) => error)
      if (brought instanceof Error) {
        refused++
        expect(brought, `byte ${at}`).toMatchObject({ code: 'INVALID_ARGUMENT' })
        expect(brought.message).not.toMatch(/tmp-/)
        continue
      }
      // Bytes without meaning (padding, a file's time) may change; the answer is then the same.
      expect(await contentOf(brought), `byte ${at}`).toEqual(before)
      await database.deleteCollection(`copy-${at}`)
    }
    expect(refused).toBeGreaterThan(20)
    expect(await contentOf(collection)).toEqual(before)
    expect(leftovers('source')).toEqual([])
    expect(statSync(join(scratch, 'source/snapshots')).mode & 0o777).toBe(0o700)
    expect(existsSync(join(scratch, 'source/snapshots', name))).toBe(true)
  })
})
