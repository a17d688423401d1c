/**
 * Opens a database on a store and writes batches of points, each point with its batch's number, until it is killed. Says
 * of each batch that it begins, and how it ended. Every fifth one deletes an earlier batch.
 *
 *     store-writer <address> <cache> <first batch> [<minAgeMs>]
 */
import { setTimeout as pause } from 'node:timers/promises'
import { parseStore } from '../../../src/bucket/address.js'
import { EmbeddedDatabase } from '../../../src/engine/database/embedded-database.js'
import { CacheFolder } from '../../../src/engine/stores/cache-folder.js'
import { OwnerStore } from '../../../src/engine/stores/owner-store.js'

const LANES = 3
const POINTS = 4
const [address = '', cache = '', first = '0', minAgeMs = ''] = process.argv.slice(2)
const say = (...words: (string | number)[]) => process.stdout.write(`${words.join(' ')}\n`)

async function opened() {
  for (;;) {
    try {
      const store = await OwnerStore.open(
        parseStore(address),
        await CacheFolder.open(cache),
        minAgeMs === '' ? {} : { minAgeMs: Number(minAgeMs) },
      )
      return { store, database: await EmbeddedDatabase.open(store) }
    } catch (error) {
      say('not-open', String(error).replaceAll('\n', ' '))
      await pause(100)
    }
  }
}

const { store, database } = await opened()
let { epoch } = store
say('open')
const things = await retried(() => database.ensureCollection('things', { vectors: { size: 2, distance: 'Dot' } }))
const acknowledged: number[] = []
let next = Number(first)
await Promise.all(Array.from({ length: LANES }, lane))

async function lane(): Promise<never> {
  for (;;) {
    const batch = next++
    const deleted = batch % 5 === 4 ? acknowledged.shift() : undefined
    const ids = Array.from({ length: POINTS }, (_, i) => (deleted ?? batch) * POINTS + i)
    const name = deleted === undefined ? `upsert ${batch}` : `delete ${deleted}`
    if (store.epoch !== epoch) say('reopened')
    epoch = store.epoch
    say('begin', name)
    try {
      if (deleted !== undefined) await things.delete(ids)
      else {
        await things.upsert(ids.map((id) => ({ id, vector: [id, 1], payload: { batch } })))
        acknowledged.push(batch)
      }
      say('done', name)
      if (
        batch % 10 === 0 &&
        (await things.retrieve(ids)).length < POINTS &&
        deleted === undefined &&
        acknowledged.includes(batch)
      )
        say('lost', name)
      // What cannot be flushed now stays in the log.
      if (batch % 25 === 0) await things.flush().catch(() => undefined)
    } catch (error) {
      say('failed', name, String(error).replaceAll('\n', ' '))
      await pause(20)
    }
  }
}

async function retried<T>(work: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await work()
    } catch (error) {
      say('not-made', String(error).replaceAll('\n', ' '))
      await pause(100)
    }
  }
}
