/**
 * What becomes of one rule of a store. `replaced`: a replaced owner is asked for a change that would change nothing in its
 * old state. `removed`: objects that a manifest stops naming are looked for a while later.
 *
 *     store-rules <folder> <replaced | removed>
 */
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import { parseStore } from '../../../src/bucket/address.js'
import { Objects } from '../../../src/bucket/objects.js'
import type { Database } from '../../../src/core/database.js'
import { open } from '../../../src/index.js'

const ROWS = 1_200
/** The owner removes objects twice a second. */
const LOOK_MS = 2_500
const [root = '', rule = ''] = process.argv.slice(2)
const store = (name: string) => pathToFileURL(join(root, name)).href
const node = (name: string, cache: string) => open(store(name), { cache: join(root, `${name}-${cache}`) })

async function answerOfReplacedOwner(): Promise<string> {
  const first = await node('replaced', 'one')
  const things = await first.createCollection('things', { vectors: { size: 1, distance: 'Dot' } })
  const second = await node('replaced', 'two')
  await (await second.collection('things')).upsert([{ id: 1, vector: [1] }])
  return await things.upsert([{ id: 1, vector: [2] }], { updateMode: 'update_only' }).then(
    () => 'acknowledged',
    () => 'refused',
  )
}

async function fill(database: Database, from: number): Promise<void> {
  const things = await database.ensureCollection('things', { vectors: { size: 2, distance: 'Dot' } })
  await things.upsert(Array.from({ length: ROWS }, (_, i) => ({ id: from + i, vector: [Math.sin(i), i % 7] })))
  await things.waitForIndex()
  await database.close()
}

async function objectsOfOldManifest(): Promise<string> {
  const objects = await Objects.open(parseStore(store('removed')))
  const segments = async () => (await objects.list('segments/')).map(({ path }) => path)
  await fill(await node('removed', 'one'), 1)
  const named = await segments()
  await fill(await node('removed', 'one'), 1 + ROWS)
  // Its opening finds what the last manifest stopped naming.
  await node('removed', 'one')
  await pause(LOOK_MS)
  const left = await segments()
  return named.length > 0 && named.every((path) => left.includes(path)) ? 'kept' : 'removed'
}

const outcome = { outcome: await (rule === 'replaced' ? answerOfReplacedOwner() : objectsOfOldManifest()) }
process.stdout.write(`${JSON.stringify(outcome)}\n`)
process.exit(0)
