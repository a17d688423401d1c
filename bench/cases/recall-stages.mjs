// The life of a collection that recall has to outlast: changes, the rebuilding of its segments, and a restart.
import { open } from '../../dist/index.js'
import { chunks } from '../lib/datasets.mjs'

const CHURNED_SHARE = 0.3
const CHUNK_ROWS = 10_000
const INDEXING_MS = 1_200_000

/**
 * Brings the collection from one stage to the next and calls `measure(stage, collection)` after each. Resolves to the
 * database as it was opened last.
 */
export async function liveThrough({ db, folder, set, efConstruct, random }, measure) {
  let collection = await db.collection('bench')
  await churn(collection, set, random)
  await collection.waitForIndex({ timeoutMs: INDEXING_MS })
  await measure('after 30 % churn', collection)
  // A changed configuration rebuilds all segments from their live rows, as a compaction does.
  await collection.updateConfig({ hnswConfig: { efConstruct: efConstruct + 1 } })
  await collection.waitForIndex({ timeoutMs: INDEXING_MS })
  await measure('after compaction', collection)
  await db.close()
  const reopened = await open(folder)
  collection = await reopened.collection('bench')
  await measure('after reopening', collection)
  return reopened
}

/** Deletes rows at random and puts them back under new ids, a chunk at a time, while graphs are built. */
async function churn(collection, set, random) {
  let nextId = 1_000_000_000
  for (const { from, rows, dim, data } of chunks(set.base, CHUNK_ROWS)) {
    const chosen = Array.from({ length: rows }, (_, at) => at).filter(() => random() < CHURNED_SHARE)
    const vectors = new Float32Array(chosen.length * dim)
    for (const [i, at] of chosen.entries()) vectors.set(data.subarray(at * dim, (at + 1) * dim), i * dim)
    const payloads = await payloadsOf(collection, from, chosen)
    const ids = Uint32Array.from(chosen, () => nextId++)
    await collection.delete(chosen.map((at) => from + at))
    await collection.upsert({ ids, vectors, payloads })
  }
}

async function payloadsOf(collection, from, chosen) {
  const points = await collection.retrieve(chosen.map((at) => from + at))
  const byId = new Map(points.map(({ id, payload }) => [id, payload]))
  return chosen.map((at) => byId.get(from + at))
}
