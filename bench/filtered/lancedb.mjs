// @lancedb/lancedb: prefilter (its default) by B-tree indexes on both columns; plain, and rescoring from float32.
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { chunks, K } from '../lib/datasets.mjs'
import { COLUMNS } from '../lib/filters.mjs'

// Both through require: Lance must see the same instance of apache-arrow as we do.
const require = createRequire(import.meta.url)
const lancedb = require('@lancedb/lancedb')
const arrow = require('apache-arrow')

const METRICS = { Cosine: 'cosine', Euclid: 'l2' }
const CHUNK_ROWS = 10_000
const REFINE = 3

export async function open({ folder, set, columns, m, efConstruct, searches = true }) {
  const connection = await lancedb.connect(join(folder, 'lancedb'))
  const vector = new arrow.FixedSizeList(set.dim, new arrow.Field('item', new arrow.Float32(), true))
  const schema = new arrow.Schema([
    new arrow.Field('id', new arrow.Uint32(), false),
    ...COLUMNS.map((name) => new arrow.Field(name, new arrow.Int32(), false)),
    new arrow.Field('vector', vector, false),
  ])
  const table = await connection.createEmptyTable('bench', schema)
  for (const chunk of chunks(set.base, CHUNK_ROWS)) await table.add(batch(schema, chunk, columns))
  const config = lancedb.Index.hnswSq({
    distanceType: METRICS[set.distance],
    numPartitions: 1,
    m,
    efConstruction: efConstruct,
  })
  if (searches) await table.createIndex('vector', { config })
  for (const name of COLUMNS) await table.createIndex(name, { config: lancedb.Index.btree() })
  const where = ({ key, from, to }) => `${key} >= ${from} AND ${key} < ${to}`
  return {
    efforts: [16, 32, 64, 128, 256, 512].flatMap((ef) =>
      // It refuses an ef below the number of candidates it is to rescore.
      ef < K * REFINE
        ? [{ ef, refine: 0 }]
        : [
            { ef, refine: 0 },
            { ef, refine: REFINE },
          ],
    ),
    async search(query, filter, { ef, refine }) {
      let search = table.vectorSearch(query).distanceType(METRICS[set.distance]).ef(ef).select(['id', '_distance'])
      if (filter) search = search.where(where(filter))
      if (refine > 0) search = search.refineFactor(refine)
      return [...(await search.limit(K).toArrow()).getChild('id').toArray()]
    },
    count: (filter) => table.countRows(where(filter)),
    /** It groups nothing itself: the column is fetched, and counted here. */
    async facet(key, filter) {
      const rows = await table.query().where(where(filter)).select([key]).toArrow()
      const counts = new Map()
      for (const value of rows.getChild(key).toArray()) counts.set(value, (counts.get(value) ?? 0) + 1)
      return [...counts].sort(([a], [b]) => a - b)
    },
    close: () => connection.close(),
  }
}

function batch(schema, { from, rows, data }, columns) {
  const numbers = (type, values) => arrow.makeData({ type, data: values })
  const values = numbers(new arrow.Float32(), data)
  const vectors = schema.fields.at(-1).type
  const children = [
    numbers(
      new arrow.Uint32(),
      Uint32Array.from({ length: rows }, (_, i) => from + i),
    ),
    ...COLUMNS.map((key) => numbers(new arrow.Int32(), columns.of(key).slice(from, from + rows))),
    arrow.makeData({ type: vectors, length: rows, nullCount: 0, child: values }),
  ]
  const struct = arrow.makeData({ type: new arrow.Struct(schema.fields), length: rows, nullCount: 0, children })
  return new arrow.Table(schema, [new arrow.RecordBatch(schema, struct)])
}
