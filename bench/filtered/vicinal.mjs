// Vicinal as a library: payload indexes on both columns, and queries that ask for recall.
import { join } from 'node:path'
import { open as openDatabase } from '../../dist/index.js'
import { chunks, K } from '../lib/datasets.mjs'
import { COLUMNS, WORDS, wordsOf } from '../lib/filters.mjs'
import { allIndexed } from '../systems/vicinal.mjs'

const CHUNK_ROWS = 10_000
const INDEX_TIMEOUT_MS = 600_000

export async function open({ folder, set, columns, m, efConstruct }) {
  const db = await openDatabase(join(folder, 'vicinal'))
  const options = { vectors: { size: set.dim, distance: set.distance }, hnswConfig: { m, efConstruct } }
  const collection = await db.createCollection('bench', options)
  for (const { from, rows, data } of chunks(set.base, CHUNK_ROWS)) {
    const ids = Uint32Array.from({ length: rows }, (_, i) => from + i)
    const payloads = Array.from(ids, (id) => ({ ...columns.at(id), ...wordsOf(columns.at(id)) }))
    await collection.upsert({ ids, vectors: data, payloads })
  }
  for (const key of COLUMNS) await collection.createPayloadIndex(key, 'integer', { timeoutMs: INDEX_TIMEOUT_MS })
  for (const key of new Set(Object.values(WORDS).map((word) => word.key)))
    await collection.createPayloadIndex(key, 'keyword', { timeoutMs: INDEX_TIMEOUT_MS })
  await allIndexed(collection)
  const where = ({ key, from, to }) => ({ must: [{ key, range: { gte: from, lt: to } }] })
  const ask = async (query, filter, how) => {
    const options = { query, limit: K, withPayload: false, ...how }
    if (filter) options.filter = where(filter)
    return (await collection.query(options)).map(({ id }) => id)
  }
  const whereWord = ({ key, value }) => ({ must: [{ key, match: { value } }] })
  return {
    efforts: [0.9, 0.91, 0.92, 0.925, 0.93, 0.935, 0.94, 0.945, 0.95, 0.955, 0.96, 0.97, 0.98, 0.99, 0.995],
    search: (query, filter, recall) => ask(query, filter, { recall }),
    /** Every row that matches, compared as float32. */
    scan: (query, filter) => ask(query, filter, { params: { exact: true } }),
    words: WORDS,
    searchWord: async (query, word, recall) =>
      (await collection.query({ query, limit: K, withPayload: false, recall, filter: whereWord(word) })).map(
        ({ id }) => id,
      ),
    async hasGraph(query, word) {
      const { plan } = await collection.explain({ query, limit: K, filter: whereWord(word) })
      return JSON.stringify(plan).includes('of value')
    },
    count: (filter) => collection.count({ filter: where(filter) }),
    async facet(key, filter) {
      const hits = await collection.facet({ key, filter: where(filter), limit: 1000 })
      return hits.map(({ value, count }) => [value, count]).sort(([a], [b]) => a - b)
    },
    close: () => db.close(),
  }
}
