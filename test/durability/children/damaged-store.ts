/**
 * Makes a store with objects of each kind, or uses damaged copies of it. Each line of output is the outcome of one case.
 *
 *     damaged-store make <folder>
 *     damaged-store use <folder> <JSON of cases>
 */
import { createHash } from 'node:crypto'
import { cpSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import type { Collection, Database } from '../../../src/core/database.js'
import { VicinalError } from '../../../src/core/errors.js'
import { open } from '../../../src/index.js'

export interface DamageCase {
  /** Relative to the store; null: nothing is damaged. */
  file: string | null
  /** Bits that change, as places and masks. */
  flips: readonly [at: number, mask: number][]
  /** Length after a cut; null: it stays. */
  cutTo: number | null
  /** Whether the owner also recovers the snapshot: this takes as long as everything else. */
  recovers: boolean
}

/** The outcome of a call: its result as a text, or its error. */
export interface CallOutcome {
  call: string
  ms: number
  result?: string
  /** Of an error; null if it is not of the catalogue. */
  code?: string | null
  message?: string
}

export interface CaseOutcome {
  reader: CallOutcome[]
  owner: CallOutcome[]
}

const SIZE = 8
/** Enough for a close to make a segment. */
const ROWS = 1_200
const HUNG_MS = 60_000
/** Of calls on a database that answers nothing one is enough: each of the others takes as long. */
const SLOW_MS = 1_500
const THINGS = 'things'
const OTHER = 'other'
const KINDS = ['red', 'green', 'blue', 'grey']
const [mode = '', root = '', cases = '[]'] = process.argv.slice(2)

const vectorOf = (n: number) => Array.from({ length: SIZE }, (_, i) => Math.fround(Math.sin(n * (i + 1))))
const pointOf = (n: number, round: number) => ({
  id: n,
  vector: vectorOf(n + 1_000 * round),
  payload: { n, round, kind: KINDS[n % KINDS.length] as string },
})
const numbers = (from: number, count: number) => Array.from({ length: count }, (_, i) => from + i)

async function make(): Promise<void> {
  const store = pathToFileURL(join(root, 'store')).href
  const at = () => open(store, { cache: join(root, 'made') })
  const first = await at()
  const things = await first.createCollection(THINGS, {
    vectors: { size: SIZE, distance: 'Dot' },
    hnswConfig: { m: 8, efConstruct: 32 },
  })
  await things.createPayloadIndex('kind', 'keyword')
  await things.createPayloadIndex('n', 'integer')
  await things.upsert(numbers(1, ROWS).map((n) => pointOf(n, 0)))
  const other = await first.createCollection(OTHER, { vectors: { size: 2, distance: 'Dot' } })
  await other.upsert([{ id: 1, vector: [1, 2] }])
  await first.updateAliases([{ createAlias: { aliasName: 'pictures', collectionName: THINGS } }] as never)
  await things.waitForIndex()
  // Segments and table.
  await first.close()
  const second = await at()
  const changed = await second.collection(THINGS)
  await changed.upsert(numbers(1, 20).map((n) => pointOf(n, 1)))
  await changed.delete(numbers(100, 20))
  await changed.flush()
  await changed.snapshots.create()
  await second.close()
  const third = await at()
  const last = await third.collection(THINGS)
  // Marks and changes that are in the table alone, then changes in the log alone.
  await last.delete(numbers(150, 10))
  await last.upsert(numbers(30, 20).map((n) => pointOf(n, 2)))
  await last.flush()
  await last.upsert(numbers(1_000, 10).map((n) => pointOf(n, 3)))
  await last.delete([200, 201])
  await last.setPayload({ round: 9 }, [1, 2, 3])
  process.stdout.write('{}\n')
  // An exit beside work of SlateDB may crash.
  process.kill(process.pid, 'SIGKILL')
}

class Calls {
  readonly outcomes: CallOutcome[] = []
  #isSlow = false

  async try<T>(
    call: string,
    work: () => Promise<T>,
    told: (value: T) => unknown = (value) => value,
  ): Promise<T | null> {
    if (this.#isSlow && call !== 'close') return null
    const began = performance.now()
    const ms = () => Math.round(performance.now() - began)
    try {
      const hung = pause(HUNG_MS, undefined, { ref: false }).then(() => {
        throw new Error(`hung for ${HUNG_MS} ms`)
      })
      const value = await Promise.race([work(), hung])
      this.outcomes.push({ call, ms: ms(), result: JSON.stringify(told(value)) ?? 'done' })
      return value
    } catch (error) {
      this.#isSlow ||= ms() > SLOW_MS
      const code = error instanceof VicinalError ? error.code : null
      this.outcomes.push({ call, ms: ms(), code, message: String((error as Error).stack ?? error).slice(0, 600) })
      return null
    }
  }
}

const rounded = (hits: readonly { id: unknown; score: number }[]) => hits.map(({ id, score }) => [id, score.toFixed(4)])

/** How many points there are, and a hash of all that they have. */
async function all(collection: Collection): Promise<string> {
  const hash = createHash('sha256')
  let count = 0
  for await (const { id, vector, payload } of collection.scroll({ limit: 1_000, withVector: true })) {
    hash.update(JSON.stringify([id, Array.from(vector as Iterable<number>), Object.entries(payload ?? {}).sort()]))
    count++
  }
  return `${count} ${hash.digest('hex').slice(0, 16)}`
}

async function read(calls: Calls, database: Database): Promise<Collection | null> {
  await calls.try('collections', () => database.collections())
  await calls.try('aliases', () => database.aliases())
  await calls.try('neighbour', async () => await (await database.collection(OTHER)).count())
  const things = await calls.try(
    'collection',
    () => database.collection('pictures'),
    ({ name }) => name,
  )
  // An alias may be what was damaged.
  const named = await calls.try(
    'by its name',
    () => database.collection(THINGS),
    ({ name }) => name,
  )
  const found = things ?? named
  if (!found) return null
  const query = vectorOf(77)
  await calls.try('count', () => found.count())
  await calls.try('scroll', () => all(found))
  await calls.try('exact query', () => found.query({ query, limit: 10, params: { exact: true } }), rounded)
  await calls.try('query', () => found.query({ query, limit: 5 }), rounded)
  const filter = {
    must: [
      { key: 'kind', match: { value: 'red' } },
      { key: 'n', range: { gte: 20, lt: 300 } },
    ],
  }
  await calls.try('filter', () => found.count({ filter }))
  await calls.try('filtered query', () => found.query({ query, limit: 5, filter, params: { exact: true } }), rounded)
  await calls.try(
    'snapshots',
    () => found.snapshots.list(),
    (list) => list.map(({ bytes }) => bytes),
  )
  return found
}

async function write(calls: Calls, things: Collection): Promise<void> {
  await calls.try(
    'write',
    () => things.upsert([pointOf(5_000, 4)]),
    () => 'acknowledged',
  )
  await calls.try('count after it', () => things.count())
  await calls.try(
    'flush',
    () => things.flush(),
    () => 'flushed',
  )
}

async function recover(calls: Calls, database: Database, things: Collection, store: string): Promise<void> {
  const [snapshot] = await things.snapshots.list().catch(() => [])
  if (!snapshot) return
  const location = `${store}/snapshots/${snapshot.name}`
  const copy = await calls.try(
    'recovery',
    () => database.recoverCollection('copy', { location }, { checksum: snapshot.checksum }),
    ({ name }) => name,
  )
  if (copy) await calls.try('recovered points', () => all(copy))
}

async function opened(calls: Calls, store: string, cache: string, readOnly: boolean): Promise<Database | null> {
  return await calls.try(
    'open',
    () => open(store, { cache, readOnly }),
    () => 'opened',
  )
}

async function useBy(folder: string, readOnly: boolean, recovers: boolean): Promise<CallOutcome[]> {
  const store = pathToFileURL(join(folder, 'store')).href
  const calls = new Calls()
  const cache = join(folder, 'cache')
  const database = await opened(calls, store, cache, readOnly)
  if (!database) return calls.outcomes
  const things = await read(calls, database)
  if (things && !readOnly) await write(calls, things)
  if (things && recovers) await recover(calls, database, things, store)
  await calls.try(
    'close',
    () => database.close(),
    () => 'closed',
  )
  if (readOnly) return calls.outcomes
  const again = await calls.try(
    'open again',
    () => open(store, { cache: `${cache}-again` }),
    () => 'opened',
  )
  if (again) {
    await calls.try('all of it again', async () => await all(await again.collection(THINGS)))
    await calls.try(
      'close again',
      () => again.close(),
      () => 'closed',
    )
  }
  return calls.outcomes
}

function damage(path: string, { flips, cutTo }: DamageCase): void {
  const bytes = readFileSync(path)
  for (const [at, mask] of flips) bytes[at]! ^= mask
  writeFileSync(path, bytes)
  if (cutTo !== null) truncateSync(path, cutTo)
}

/** A database that was given up may still write; the test removes its files. */
function removed(folder: string): void {
  try {
    rmSync(folder, { recursive: true, force: true })
  } catch {}
}

async function use(damaged: DamageCase, name: string): Promise<CaseOutcome> {
  const by = async (readOnly: boolean) => {
    const folder = join(root, `${name}-${readOnly ? 'reader' : 'owner'}`)
    cpSync(join(root, 'store'), join(folder, 'store'), { recursive: true })
    if (damaged.file !== null) damage(join(folder, 'store', damaged.file), damaged)
    try {
      return await useBy(folder, readOnly, damaged.recovers && !readOnly)
    } finally {
      removed(folder)
    }
  }
  return { reader: await by(true), owner: await by(false) }
}

if (mode === 'make') await make()
for (const [number, damaged] of (JSON.parse(cases) as DamageCase[]).entries())
  process.stdout.write(`${JSON.stringify(await use(damaged, `case-${process.pid}-${number}`))}\n`)
process.kill(process.pid, 'SIGKILL')
