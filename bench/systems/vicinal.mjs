// Vicinal as a library: awaited, one query at a time and two in flight.
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { open as openDatabase } from '../../dist/index.js'
import { inspectSegment } from '../../dist/native/inspect.js'
import { addon } from '../../dist/native/load.js'
import { K } from '../lib/datasets.mjs'

const NAME = 'bench'
/** The variant of rows whose effort is a recall that was asked for. */
const ASKED = 'recall'

const variant = (params, note = '') => ({
  buildThreads: 2,
  note: `library, ${addon().isa()}${note}`,
  create: (options) => create({ ...options, params }),
  open,
})
export const inMemory = variant({ memory: 'cached' })
export const onDisk = variant({ memory: 'cold' }, ', vectors on disk')
export const compact = variant({ memory: 'cold', quantization: 'rabitq4' }, ', vectors on disk, 4-bit codes asked for')

async function create({ folder, set, m, efConstruct, params }) {
  const db = await openDatabase(folder)
  const vectors = { size: set.dim, distance: set.distance, ...params }
  const collection = await db.createCollection(NAME, { vectors, hnswConfig: { m, efConstruct } })
  return {
    add({ from, rows, data }) {
      const ids = Uint32Array.from({ length: rows }, (_, i) => from + i)
      return collection.upsert({ ids, vectors: data, payloads: Array.from(ids, (row) => ({ row })) })
    },
    finish: () => allIndexed(collection),
    settle: () => collection.flush(),
    sweeps: sweepsOf(collection),
    close: () => db.close(),
    graphBytes: () => sectionBytes(folder, /graph/i),
    // From the files, not from the options.
    codeBytes: () => sectionBytes(folder, /code/i),
  }
}

/** A build ends as users see it: info shows every vector in the graph. */
export async function allIndexed(collection) {
  await collection.waitForIndex({ timeoutMs: 3_600_000 })
  const { indexedVectorsCount, vectorsCount, status } = await collection.info()
  if (indexedVectorsCount !== vectorsCount || status !== 'green') {
    throw new Error(`${indexedVectorsCount} of ${vectorsCount} vectors are indexed, status ${status}`)
  }
}

/** Bytes of the sections of such names in the segment files of a closed folder. */
async function sectionBytes(folder, pattern) {
  const files = readdirSync(folder, { recursive: true }).filter((file) => file.endsWith('.vseg'))
  const infos = await Promise.all(files.map((file) => inspectSegment(join(folder, file))))
  const sections = infos.flatMap((info) => info.sections).filter(({ name }) => pattern.test(name))
  return sections.reduce((sum, { bytes }) => sum + bytes, 0)
}

async function open({ folder, recalls }) {
  const db = await openDatabase(folder)
  return { sweeps: sweepsOf(await db.collection(NAME), recalls), close: () => db.close() }
}

/** By a fixed effort, ids and scores; and as its users ask, for recall, with the payloads. */
function sweepsOf(collection, recalls = []) {
  const ask = async (query, how) => (await collection.query({ query, limit: K, ...how })).map((hit) => hit.id)
  const byEffort = (query, ef) => ask(query, { params: { hnsw_ef: ef }, withPayload: false })
  const byRecall = (query, recall) => ask(query, { recall, withPayload: true })
  return [1, 2].flatMap((inFlight) => [
    { search: byEffort, inFlight },
    { search: byRecall, inFlight, efforts: recalls, label: { variant: ASKED } },
  ])
}
