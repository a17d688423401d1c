/** A reader of a store, one of whose collections cannot follow, or only slowly. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { expect, onTestFinished, test } from 'vitest'
import { parseStore } from '../../../../src/bucket/address.js'
import { hasReached, parseWatermark } from '../../../../src/bucket/watermark.js'
import { lookupsIn } from '../../../../src/core/lookups.js'
import { EmbeddedDatabase } from '../../../../src/engine/database/embedded-database.js'
import { CacheFolder } from '../../../../src/engine/stores/cache-folder.js'
import { StoreSource } from '../../../../src/engine/stores/read-source.js'
import { ReaderStore } from '../../../../src/engine/stores/reader-store.js'
import { open } from '../../../../src/index.js'
import { settled } from '../../../../src/log/group.js'

const PATIENCE = { timeout: 120_000, interval: 20 }
const UNREADABLE = 'the test keeps its records'

/** An owner and a reader with two collections. Polls of the second one's log go through `poll`. */
async function started(poll: (real: () => Promise<never>) => Promise<never>) {
  const root = mkdtempSync(join(tmpdir(), 'vicinal-followed-'))
  const address = pathToFileURL(join(root, 'bucket')).href
  const owner = await open(address, { cache: join(root, 'owner') })
  const vectors = { size: 1, distance: 'Dot' } as const
  const [fine, slow] = [
    await owner.createCollection('fine', { vectors }),
    await owner.createCollection('slow', { vectors }),
  ]
  for (const collection of [fine, slow]) await collection.upsert([{ id: 1, vector: [1] }])
  const source = await StoreSource.open(parseStore(address), await CacheFolder.open(join(root, 'reader')))
  const { present } = await source.list()
  const home = source.home.bind(source)
  source.home = (uuid) => {
    const found = home(uuid)
    if (present.find(({ name }) => name === 'slow')?.uuid !== uuid) return found
    const follow = found.follow.bind(found)
    found.follow = (manifest) => {
      const follower = follow(manifest)
      return {
        get seq() {
          return follower.seq
        },
        poll: () => poll(() => follower.poll() as Promise<never>),
        close: () => follower.close(),
      }
    }
    return found
  }
  const store = new ReaderStore(source)
  const reader = await EmbeddedDatabase.open(store)
  onTestFinished(async () => {
    await reader.close()
    await owner.close()
    rmSync(root, { recursive: true, force: true })
  })
  for (const name of ['fine', 'slow']) expect(await (await reader.collection(name)).count()).toBe(1)
  return { reader, store, fine, slow }
}

test('a collection that cannot follow keeps its own callers alone, and tells them why', async () => {
  let isStuck = false
  const { reader, store, fine, slow } = await started(async (real) => {
    if (isStuck) throw new Error(UNREADABLE)
    return await real()
  })
  isStuck = true
  await slow.upsert([{ id: 2, vector: [2] }])
  const { watermark } = await fine.upsert([{ id: 2, vector: [2] }])
  const after = watermark as string
  const [ofFine, ofSlow] = [await reader.collection('fine'), await reader.collection('slow')]
  expect(await ofFine.count({ after })).toBe(2)
  expect(await reader.collections({ after })).toEqual(['fine', 'slow'])
  await expect(ofSlow.count({ after, timeoutMs: 500 })).rejects.toMatchObject({
    code: 'UNAVAILABLE',
    message: `after: this node has not read ${after} in time: collection "slow": ${UNREADABLE}`,
  })
  // A caller that reads the other one as well waits for both, and one that demands everything for all.
  await expect(reader.watermarks.reach(after, { timeoutMs: 200 }, ['fine', 'slow'])).rejects.toThrow(UNREADABLE)
  await expect(reader.watermarks.reach(after, { timeoutMs: 200 })).rejects.toThrow(UNREADABLE)
  await reader.watermarks.reach(after, {}, ['fine'])
  // It says so itself, so that its node may be ready.
  expect(hasReached(await store.progress.applied(), parseWatermark(after))).toBe(true)
  expect((await ofSlow.info()).warnings.join()).toContain(UNREADABLE)
  isStuck = false
  expect(await ofSlow.count({ after })).toBe(2)
})

test('a collection that follows slowly keeps no other one, and its node is not ready meanwhile', async () => {
  const held = settled()
  let isHeld = false
  const { reader, store, fine, slow } = await started(async (real) => {
    if (isHeld) await held.promise
    return await real()
  })
  isHeld = true
  await slow.upsert([{ id: 2, vector: [2] }])
  const { watermark } = await fine.upsert([{ id: 2, vector: [2] }])
  const after = watermark as string
  const ofFine = await reader.collection('fine')
  expect(await ofFine.count({ after })).toBe(2)
  // Without `after`, too.
  await fine.upsert([{ id: 3, vector: [3] }])
  await expect.poll(() => ofFine.count(), PATIENCE).toBe(3)
  const isReady = async () => hasReached(await store.progress.applied(), parseWatermark(after))
  expect(await isReady()).toBe(false)
  held.resolve()
  isHeld = false
  expect(await (await reader.collection('slow')).count({ after })).toBe(2)
  await expect.poll(isReady, PATIENCE).toBe(true)
})

test('a query names the collections that it reads besides its own', () => {
  const vector = Array.from({ length: 10 }, () => 1)
  expect(lookupsIn({ query: vector, limit: 1 })).toEqual([])
  expect(lookupsIn({ prefetch: [{ query: 1, lookup_from: { collection: 'a' } }], with_lookup: 'b' }).sort()).toEqual([
    'a',
    'b',
  ])
  expect(
    lookupsIn([{ lookupFrom: { collection: 'c', vector: 'x' } }, { withLookup: { collection: 'd' } }]).sort(),
  ).toEqual(['c', 'd'])
  expect(lookupsIn(null)).toEqual([])
  expect(lookupsIn({ filter: { has_id: ['x', 'y'] }, prefetch: [null, { lookup_from: { collection: 'e' } }] })).toEqual(
    ['e'],
  )
  // Deeper than calls may be.
  let deep: unknown = { lookup_from: { collection: 'f' } }
  for (let at = 0; at < 100_000; at++) deep = { prefetch: [deep] }
  expect(lookupsIn(deep)).toEqual(['f'])
})
