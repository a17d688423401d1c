// @lancedb/lancedb with IVF_HNSW_SQ, one partition: plain, and rescoring three times as many from float32.
import { createRequire } from 'node:module'
import { K } from '../lib/datasets.mjs'

// Both through require: Lance must see the same instance of apache-arrow as we do.
const require = createRequire(import.meta.url)
const lancedb = require('@lancedb/lancedb')
const arrow = require('apache-arrow')

export const buildThreads = 2
export const note = 'IVF_HNSW_SQ'
const REFINE = 3
const METRICS = { Cosine: 'cosine', Euclid: 'l2' }

export async function create({ folder, set, m, efConstruct }) {
  const connection = await lancedb.connect(folder)
  const vector = new arrow.FixedSizeList(set.dim, new arrow.Field('item', new arrow.Float32(), true))
  const schema = new arrow.Schema([
    new arrow.Field('id', new arrow.Uint32(), false),
    new arrow.Field('vector', vector, false),
  ])
  const table = await connection.createEmptyTable('bench', schema)
  return {
    add: ({ from, rows, data }) => table.add(batch(schema, from, rows, data)),
    async finish() {
      const config = lancedb.Index.hnswSq({
        distanceType: METRICS[set.distance],
        numPartitions: 1,
        m,
        efConstruction: efConstruct,
      })
      await table.createIndex('vector', { config })
    },
    close: () => connection.close(),
  }
}

function batch(schema, from, rows, data) {
  const ids = Uint32Array.from({ length: rows }, (_, i) => from + i)
  const values = arrow.makeData({ type: new arrow.Float32(), data })
  const lists = arrow.makeData({ type: schema.fields[1].type, length: rows, nullCount: 0, child: values })
  const children = [arrow.makeData({ type: new arrow.Uint32(), data: ids }), lists]
  const struct = arrow.makeData({ type: new arrow.Struct(schema.fields), length: rows, nullCount: 0, children })
  return new arrow.Table(schema, [new arrow.RecordBatch(schema, struct)])
}

export async function open({ folder, set }) {
  const connection = await lancedb.connect(folder)
  const table = await connection.openTable('bench')
  const plain = (query, ef) =>
    table.vectorSearch(query).distanceType(METRICS[set.distance]).ef(ef).select(['id', '_distance'])
  const ids = async (query) => (await query.limit(K).toArrow()).getChild('id').toArray()
  return {
    sweeps: [1, 2].flatMap((inFlight) => [
      { search: (query, ef) => ids(plain(query, ef)), inFlight },
      {
        search: (query, ef) => ids(plain(query, ef).refineFactor(REFINE)),
        inFlight,
        // It refuses an ef below the number of candidates it is to rescore.
        leastEf: K * REFINE,
        label: { variant: `refine ${REFINE}` },
      },
    ]),
    close: () => connection.close(),
  }
}
