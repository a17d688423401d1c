/**
 * A script of added and dropped named vectors among writes, and the expected state of the collection after each step.
 * Values tell for which vector of a name they were written.
 */
import type { Collection, Database } from '../../src/core/database.js'
import type { Point, PointVector } from '../../src/core/point.js'
import type { CollectionConfig, VectorNameConfig } from '../../src/core/schema.js'

export const COLLECTION = 'changing'
const POINTS = 1_200
const DENSE = { distance: 'Dot' } as const

/** By name: numbers for a dense vector, indices and values for a sparse one, a list of vectors for a multivector. */
type Vectors = Record<string, unknown>

export interface State {
  /** Names of the vectors with their dimensions; 0 for a sparse vector. */
  names: Record<string, number>
  points: Map<number, { vectors: Vectors; n: number }>
}

interface Step {
  run(database: Database, collection: Collection): Promise<unknown>
  change?(state: State): void
}

const range = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i)
const dense = (size: number, mark: number) => (id: number) => range(0, size).map((i) => (i === 0 ? mark : id % (i + 7)))
const sparse = (mark: number) => (id: number) => ({ indices: [id % 40, 100], values: [1, mark] })
const multi = (size: number, mark: number) => (id: number) =>
  range(0, 1 + (id % 3)).map((i) => dense(size, mark + i)(id))

function write(ids: number[], n: number, vectors: Record<string, (id: number) => unknown>): Step {
  const of = (id: number) => Object.fromEntries(Object.entries(vectors).map(([name, make]) => [name, make(id)]))
  return {
    run: (_, collection) =>
      collection.upsert(ids.map((id) => ({ id, vector: of(id) as PointVector, payload: { n } }) as Point)),
    change: ({ points }) => {
      for (const id of ids) points.set(id, { vectors: of(id), n })
    },
  }
}

function update(ids: number[], name: string, make: (id: number) => unknown): Step {
  return {
    run: (_, collection) =>
      collection.updateVectors(ids.map((id) => ({ id, vector: { [name]: make(id) } as PointVector }))),
    change: ({ points }) => {
      for (const id of ids) Object.assign(points.get(id)?.vectors ?? {}, { [name]: make(id) })
    },
  }
}

function add(name: string, size: number, config: VectorNameConfig): Step {
  return {
    run: (_, collection) => collection.createVectorName(name, config),
    change: ({ names }) => {
      names[name] = size
    },
  }
}

function drop(name: string): Step {
  return {
    run: (_, collection) => collection.deleteVectorName(name),
    change: ({ names, points }) => {
      delete names[name]
      for (const { vectors } of points.values()) delete vectors[name]
    },
  }
}

const flush: Step = { run: (_, collection) => collection.flush() }
const remove = (ids: number[]): Step => ({
  run: (_, collection) => collection.delete(ids),
  change: ({ points }) => {
    for (const id of ids) points.delete(id)
  },
})

const MULTI = { comparator: 'max_sim' } as const

/** `rest` and `reopen` stand for events beside the calls: background work, and a close. */
export const SCRIPT: (Step | 'rest' | 'reopen')[] = [
  {
    run: (database) =>
      database.createCollection(COLLECTION, {
        vectors: { base: { size: 2, ...DENSE }, old: { size: 3, ...DENSE } },
        sparseVectors: { words: {} },
      }),
    change: (state) => Object.assign(state.names, { base: 2, old: 3, words: 0 }),
  },
  write(range(0, POINTS), 1, { base: dense(2, 1), old: dense(3, 2), words: sparse(3) }),
  'reopen',
  // No flush comes in between, so the log has records of each vector that had the name.
  add('extra', 4, { dense: { size: 4, ...DENSE } }),
  update(range(0, 100), 'extra', dense(4, 4)),
  update(range(100, 140), 'old', dense(3, 15)),
  drop('old'),
  drop('extra'),
  add('old', 5, { dense: { size: 5, ...DENSE } }),
  add('extra', 4, { dense: { size: 4, ...DENSE } }),
  update(range(50, 80), 'old', dense(5, 7)),
  write(range(POINTS, POINTS + 50), 2, { base: dense(2, 5), extra: dense(4, 6) }),
  flush,
  'rest',
  drop('words'),
  add('words', 2, { dense: { size: 2, ...DENSE, multivectorConfig: MULTI } }),
  update(range(60, 90), 'words', multi(2, 8)),
  drop('extra'),
  add('extra', 0, { sparse: { modifier: 'idf' } }),
  update(range(70, 95), 'extra', sparse(9)),
  remove(range(0, 20)),
  flush,
  'rest',
  drop('old'),
  'reopen',
  add('old', 2, { dense: { size: 2, ...DENSE, datatype: 'float16' } }),
  write(range(10, 30), 3, { base: dense(2, 10), old: dense(2, 11), words: multi(2, 12), extra: sparse(13) }),
  drop('extra'),
  drop('base'),
  'reopen',
  write(range(30, 40), 4, { words: multi(2, 14) }),
]

/** The expected state after the first `done` entries of the script. */
export function stateAfter(done: number): State {
  const state: State = { names: {}, points: new Map() }
  for (const step of SCRIPT.slice(0, done)) if (typeof step === 'object') step.change?.(state)
  return state
}

/** The observed state of a collection, by every way of reading; throws if they disagree. */
export async function observed(collection: Collection): Promise<State> {
  const { config } = await collection.info()
  const names = namesOf(config)
  const points: State['points'] = new Map()
  for await (const { id, vector, payload } of collection.scroll({ withVector: true, withPayload: true })) {
    points.set(Number(id), { vectors: plain(vector ?? {}) as Vectors, n: (payload as { n: number }).n })
  }
  for (const [name, size] of Object.entries(names)) {
    const having = [...points.values()].filter(({ vectors }) => name in vectors).length
    const filter = { must: [{ has_vector: name }] } as never
    agree(`${name}: count`, await collection.count({ filter }), having)
    const isMulti = config.vectors.some((vector) => vector.name === name && vector.multivectorConfig)
    const numbers = range(0, size).map(() => 1)
    const query = size === 0 ? { indices: [100], values: [1] } : isMulti ? [numbers] : numbers
    const hits = await collection.query({
      query: query as never,
      using: name,
      limit: POINTS * 2,
      params: { exact: true },
    })
    agree(`${name}: hits`, hits.length, having)
  }
  agree('count', await collection.count(), points.size)
  return { names, points }
}

function namesOf(config: CollectionConfig): Record<string, number> {
  return Object.fromEntries([...config.vectors, ...config.sparseVectors].map(({ name, size }) => [name, size]))
}

function agree(what: string, seen: number, expected: number): void {
  if (seen !== expected) throw new Error(`${what}: ${seen}, but ${expected} by scroll`)
}

/** Typed arrays as plain ones. */
function plain(value: unknown): unknown {
  if (ArrayBuffer.isView(value)) return [...(value as Float32Array)]
  if (Array.isArray(value)) return value.map(plain)
  if (value === null || typeof value !== 'object') return value
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, plain(each)]))
}

/** The state as text, in a fixed order. */
export function textOf({ names, points }: State): string {
  const sorted = (record: object) => Object.fromEntries(Object.entries(record).sort())
  const rows = [...points].sort(([a], [b]) => a - b).map(([id, { vectors, n }]) => [id, n, sorted(vectors)])
  return JSON.stringify([sorted(names), rows])
}
