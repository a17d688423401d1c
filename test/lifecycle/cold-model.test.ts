/**
 * Workers do random operations on forty collections, of which three may be open and each closes when it was not used for
 * some milliseconds. A model knows what each collection must hold: nothing is lost, and nothing fails.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, onTestFinished, test } from 'vitest'
import type { Collection, Database } from '../../src/core/database.js'
import { Mutex } from '../../src/core/mutex.js'
import { openCollections } from '../../src/engine/memory/open-collections.js'
import { open } from '../../src/index.js'
import { Random, runSeed } from '../oracle/fault-random.js'

const COLLECTIONS = 40
const WORKERS = 8
const OPERATIONS = 1_500
const IDS = 60
const MOST_OPEN = 3
const IDLE_MS = 5
const CLOSER_MS = 2
const LEAST_CLOSED = 40
const CONFIG = { vectors: { size: 2, distance: 'Dot' } } as const
const ODD = ['ü', 'a b', "it's", '%2e', 'x'.repeat(200), '名前', '-', '~', 'c-1', 'catalogue']

interface Modelled {
  name: string
  /** Payload values by id. */
  points: Map<number, number>
  handle: Collection
  /** Operations that the model follows take turns. Reads of others run beside them. */
  turn: Mutex
}

const payloadOf = (point: { payload?: unknown } | null) => (point?.payload as { n: number } | undefined)?.n

async function verify({ handle, points, name }: Modelled): Promise<void> {
  const found: [number, number | undefined][] = []
  for await (const point of handle.scroll({ limit: 7 })) found.push([Number(point.id), payloadOf(point)])
  expect(found, name).toEqual([...points].sort(([a], [b]) => a - b))
}

/** One operation that the model follows. */
async function change(random: Random, database: Database, own: Modelled): Promise<void> {
  const { handle, points, name } = own
  const ids = random.distinct(1 + random.below(5), IDS).map((at) => at + 1)
  const n = random.below(1_000_000)
  const wait = random.chance(0.5)
  switch (random.below(12)) {
    case 0:
      await handle.delete(ids, { wait: true })
      for (const id of ids) points.delete(id)
      return
    case 1: {
      const present = ids.filter((id) => points.has(id))
      if (present.length === 0) return
      await handle.setPayload({ n }, present, { wait: true })
      for (const id of present) points.set(id, n)
      return
    }
    case 2:
      return await verify(own)
    case 3:
      return expect(await handle.count(), name).toBe(points.size)
    case 4:
      await handle.createPayloadIndex('n', 'integer')
      return
    case 5:
      return await (random.chance(0.5) ? handle.flush() : handle.waitForIndex())
    case 6: {
      if (!random.chance(0.3)) return
      expect(await database.deleteCollection(name), name).toBe(true)
      own.handle = await database.createCollection(name, CONFIG)
      points.clear()
      return
    }
    case 7: {
      if (!random.chance(0.2)) return
      const snapshot = await handle.snapshots.create()
      own.handle = await database.recoverCollection(name, await handle.snapshots.read(snapshot.name))
      return
    }
    default:
      await handle.upsert(
        ids.map((id) => ({ id, vector: [id, 1], payload: { n } })),
        { wait },
      )
      for (const id of ids) points.set(id, n)
      if (!wait) await handle.upsert([{ id: ids[0] as number, vector: [1, 1], payload: { n } }], { wait: true })
  }
}

/** A read beside whatever else goes on. Only a collection that is being replaced may refuse it. */
async function read(random: Random, own: Modelled, other: Modelled): Promise<void> {
  const { handle } = own
  const handles = [own, other].map((one) => ({ one, before: one.handle }))
  try {
    switch (random.below(4)) {
      case 0:
        await handle.explain({ query: [1, 1], limit: 5 })
        return
      case 1:
        await handle.query({ query: [1, 1], limit: 5 })
        return
      case 2:
        await handle.query({ query: 1 + random.below(IDS), lookupFrom: { collection: other.name } })
        return
      default:
        // A slow reader: the pause decides nothing, but the collection may close in it.
        for await (const _ of handle.scroll({ limit: 5 })) await sleep(random.below(3))
    }
  } catch (error) {
    const { code, message } = error as { code: string; message: string }
    // The collection or the point that is looked up may be gone.
    if (code === 'NOT_FOUND' || /no (point|vector)|not found/i.test(message)) return
    const isReplaced = handles.some(({ one, before }) => one.handle !== before || one.turn.pending > 0)
    if (code === 'CLOSED' && isReplaced) return
    throw error
  }
}

/** Closes what is idle, and what is open beyond the bound. Returns a function that ends it with the number closed. */
function closer(): () => Promise<number> {
  let isOver = false
  let closed = 0
  const ended = (async () => {
    while (!isOver) {
      const before = openCollections.count
      await openCollections.closeIdle(performance.now())
      closed += Math.max(0, before - openCollections.count)
      const most = openCollections.count - MOST_OPEN
      if (most > 0) closed += await openCollections.closeUntil((done) => done >= most, 0)
      // The pace of the load, until the workers have ended.
      await sleep(CLOSER_MS)
    }
    return closed
  })()
  return () => {
    isOver = true
    return ended
  }
}

test('forty collections of which three are open lose nothing and refuse nothing', async () => {
  const seed = runSeed('cold collections')
  const folder = mkdtempSync(join(tmpdir(), 'vicinal-cold-model-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  let database = await open(folder, { collectionIdleMs: IDLE_MS })
  const all: Modelled[] = []
  for (let i = 0; i < COLLECTIONS; i++) {
    const name = `${ODD[i] ?? 'plain'}-${i}`
    const handle = await database.createCollection(name, CONFIG)
    all.push({ name, handle, points: new Map(), turn: new Mutex() })
  }
  const end = closer()
  const random = new Random(seed)
  const aliases = new Random(seed + 1)
  const work = async (own: Random) => {
    for (let i = 0; i < OPERATIONS / WORKERS; i++) {
      const [one, other] = [own.pick(all), own.pick(all)]
      if (own.chance(0.3)) await read(own, one, other)
      else await one.turn.run(() => change(own, database, one))
      if (own.chance(0.02)) {
        // In its turn: no one deletes the collection meanwhile.
        const { name: collectionName, turn } = aliases.pick(all)
        const createAlias = { aliasName: `led-${one.name.slice(-2)}`, collectionName }
        await turn.run(() => database.updateAliases([{ createAlias }]))
      }
    }
  }
  try {
    await Promise.all(Array.from({ length: WORKERS }, (_, i) => work(new Random(random.below(2 ** 31) + i))))
  } finally {
    await end()
  }
  // A run in which hardly anything closed has tested nothing.
  expect(await end()).toBeGreaterThan(LEAST_CLOSED)
  for (const one of all) await verify(one)
  await database.close()
  expect(openCollections.count).toBe(0)
  database = await open(folder)
  onTestFinished(() => database.close())
  expect((await database.collections()).sort()).toEqual(all.map(({ name }) => name).sort())
  for (const one of all) {
    one.handle = await database.collection(one.name)
    await verify(one)
  }
}, 600_000)
