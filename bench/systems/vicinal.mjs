// Vicinal as a library: awaited, one query at a time and two in flight, ids and scores.
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { open as openDatabase } from '../../dist/index.js'
import { inspectSegment } from '../../dist/native/inspect.js'
import { addon } from '../../dist/native/load.js'
import { K } from '../lib/datasets.mjs'

const NAME = 'bench'

const variant = (onDisk) => ({
  buildThreads: 2,
  note: `library, ${addon().isa()}${onDisk ? ', vectors on disk' : ''}`,
  create: (options) => create({ ...options, onDisk }),
  open,
})
export const inMemory = variant(false)
export const onDisk = variant(true)

async function create({ folder, set, m, efConstruct, onDisk }) {
  const db = await openDatabase(folder)
  const options = {
    vectors: { size: set.dim, distance: set.distance, memory: onDisk ? 'cold' : 'cached' },
    hnswConfig: { m, efConstruct },
  }
  const collection = await db.createCollection(NAME, options)
  return {
    add: ({ from, rows, data }) =>
      collection.upsert({ ids: Uint32Array.from({ length: rows }, (_, i) => from + i), vectors: data }),
    finish: () => allIndexed(collection),
    settle: () => collection.flush(),
    sweeps: sweepsOf(collection),
    close: () => db.close(),
    graphBytes: () => graphBytes(folder),
  }
}

/** The end of a build is what a user can see: info shows every vector in the graph. */
export async function allIndexed(collection) {
  await collection.waitForIndex({ timeoutMs: 3_600_000 })
  const { indexedVectorsCount, vectorsCount, status } = await collection.info()
  if (indexedVectorsCount !== vectorsCount || status !== 'green') {
    throw new Error(`${indexedVectorsCount} of ${vectorsCount} vectors are indexed, status ${status}`)
  }
}

/** Bytes of the graphs in the segment files of a closed folder. */
async function graphBytes(folder) {
  const files = readdirSync(folder, { recursive: true }).filter((file) => file.endsWith('.vseg'))
  const infos = await Promise.all(files.map((file) => inspectSegment(join(folder, file))))
  const sections = infos.flatMap((info) => info.sections).filter(({ name }) => /graph/i.test(name))
  return sections.reduce((sum, { bytes }) => sum + bytes, 0)
}

async function open({ folder }) {
  const db = await openDatabase(folder)
  return { sweeps: sweepsOf(await db.collection(NAME)), close: () => db.close() }
}

function sweepsOf(collection) {
  const search = async (query, ef) => {
    const hits = await collection.query({ query, limit: K, params: { hnsw_ef: ef }, withPayload: false })
    return hits.map((hit) => hit.id)
  }
  return [
    { search, inFlight: 1 },
    { search, inFlight: 2 },
  ]
}
