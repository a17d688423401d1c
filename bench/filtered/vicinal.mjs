// Vicinal as a library: payload indexes on both columns, and queries that ask for recall.
import { join } from 'node:path'
import { open as openDatabase } from '../../dist/index.js'
import { chunks, K } from '../lib/datasets.mjs'
import { COLUMNS } from '../lib/filters.mjs'
import { allIndexed } from '../systems/vicinal.mjs'

const CHUNK_ROWS = 10_000
const INDEX_TIMEOUT_MS = 600_000

export async function open({ folder, set, columns, m, efConstruct }) {
  const db = await openDatabase(join(folder, 'vicinal'))
  const options = { vectors: { size: set.dim, distance: set.distance }, hnswConfig: { m, efConstruct } }
  const collection = await db.createCollection('bench', options)
  for (const { from, rows, data } of chunks(set.base, CHUNK_ROWS)) {
    const ids = Uint32Array.from({ length: rows }, (_, i) => from + i)
    await collection.upsert({ ids, vectors: data, payloads: Array.from(ids, columns.at) })
  }
  for (const key of COLUMNS) await collection.createPayloadIndex(key, 'integer', { timeoutMs: INDEX_TIMEOUT_MS })
  await allIndexed(collection)
  const where = ({ key, from, to }) => ({ must: [{ key, range: { gte: from, lt: to } }] })
  const ask = async (query, filter, how) => {
    const options = { query, limit: K, withPayload: false, ...how }
    if (filter) options.filter = where(filter)
    return (await collection.query(options)).map(({ id }) => id)
  }
  return {
    efforts: [0.9, 0.91, 0.92, 0.925, 0.93, 0.935, 0.94, 0.945, 0.95, 0.955, 0.96, 0.97, 0.98, 0.99, 0.995],
    search: (query, filter, recall) => ask(query, filter, { recall }),
    /** Every row that matches, compared as float32. */
    scan: (query, filter) => ask(query, filter, { params: { exact: true } }),
    count: (filter) => collection.count({ filter: where(filter) }),
    async facet(key, filter) {
      const hits = await collection.facet({ key, filter: where(filter), limit: 1000 })
      return hits.map(({ value, count }) => [value, count]).sort(([a], [b]) => a - b)
    },
    close: () => db.close(),
  }
}
