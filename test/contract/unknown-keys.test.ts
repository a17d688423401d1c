/** Keys of bodies that the service does not know are ignored, as in Qdrant. */
import { expect, it } from 'vitest'
import { open } from '../../src/index.js'
import { startService } from './service.js'

/** Unknown keys, and the library's spelling of known ones, at every place with keys. */
const ODD = { unknown: 1, scoreThreshold: 9, withPayload: 7, updateMode: 'never', timeoutMs: -1 }
const STAGE = { ...ODD, query: [1, 2, 3], params: { ...ODD, acorn: { ...ODD }, quantization: { ...ODD } } }
const quantization_config = { ...ODD, scalar: { ...ODD, type: 'int8', quantile: 0.99 } }
const settings = {
  quantization_config,
  optimizers_config: { ...ODD, indexing_threshold: 7 },
  wal_config: { ...ODD },
  strict_mode_config: { ...ODD, enabled: false, max_query_limit: 7 },
  hnsw_config: { ...ODD, payload_m: 3, tuning: 7, efConstruct: -1 },
}
const naive = { ...ODD, a: 1, b: 1, c: 1 }
const TEXT = {
  text: 'a',
  model: 'qdrant/bm25',
  options: { ...ODD, k: 1, stopwords: { ...ODD, languages: [] }, stemmer: { ...ODD, type: 'none' } },
}
const DIVISION = { div: { ...ODD, left: { pow: { ...ODD, base: 1, exponent: 2 } }, right: 2 } }
const FORMULA_ODD = { sum: ['$score', { neg: { lin_decay: { ...ODD, x: DIVISION } } }] }
const QUERIES: object[] = [
  STAGE,
  { ...STAGE, prefetch: [STAGE] },
  { query: { nearest: [1, 2, 3], ...ODD, mmr: { ...ODD, diversity: 0.5, candidatesLimit: -1 } } },
  { query: { recommend: { ...ODD, positive: [[1, 2, 3]] } } },
  { query: { discover: { ...ODD, target: [1, 2, 3], context: { ...ODD, positive: [1, 2, 3], negative: [3, 2, 1] } } } },
  { query: { context: [{ ...ODD, positive: [1, 2, 3], negative: [3, 2, 1] }] } },
  {
    query: {
      relevance_feedback: {
        ...ODD,
        target: [1, 2, 3],
        feedback: [{ example: 1, score: 1 }],
        strategy: { ...ODD, naive },
      },
    },
  },
  { prefetch: STAGE, query: { ...ODD, fusion: 'rrf' } },
  { prefetch: STAGE, query: { ...ODD, rrf: { ...ODD, k: 3 } } },
  { prefetch: STAGE, query: { ...ODD, formula: '$score', defaults: { unknown: 1 } } },
  { prefetch: STAGE, query: { formula: FORMULA_ODD } },
  { query: { ...ODD, ...TEXT }, using: 's' },
  { query: { ...ODD, order_by: { ...ODD, key: 'n', startFrom: 'never' } } },
  { query: { ...ODD, sample: 'random' } },
  { query: 1, lookup_from: { ...ODD, collection: 'c' }, filter: {} },
]

it('the wire ignores unknown keys', async () => {
  const database = await open(':memory:')
  const { call } = await startService({ database })
  const send = async (method: string, path: string, body: object) => {
    const { status, text } = await call(method, path, body)
    expect(status, `${method} ${path} ${JSON.stringify(body)}: ${text}`).toBe(200)
  }
  const vectors = { ...ODD, size: 3, distance: 'Dot', hnsw_config: { ...ODD }, multivectorConfig: 7 }
  const sparse_vectors = { s: { ...ODD, index: { ...ODD, fullScanThreshold: -1 } } }
  await send('PUT', '/collections/c', { ...ODD, vectors, sparse_vectors, ...settings })
  await send('PATCH', '/collections/c', { ...ODD, ...settings, vectors: { '': { ...ODD } }, sparse_vectors })
  await send('PUT', '/collections/c/vectors/v', { ...ODD, dense: { ...vectors } })
  await send('PUT', '/quotas', { ...ODD, enabled: false })
  await send('PUT', '/collections/c/index', { ...ODD, field_name: 'n', field_schema: { ...ODD, type: 'integer' } })
  const points = '/collections/c/points'
  await send('PUT', points, { ...ODD, points: [{ ...ODD, id: 1, vector: [1, 2, 3], payload: { n: 1 } }] })
  await send('PUT', `${points}/vectors`, { ...ODD, points: [{ ...ODD, id: 1, vector: [1, 2, 3] }] })
  await send('POST', `${points}/payload`, { ...ODD, payload: { g: 1 }, points: [1] })
  await send('POST', `${points}/batch`, {
    ...ODD,
    operations: [
      { upsert: { ...ODD, points: [{ id: 2, vector: { '': [1, 2, 3], s: { ...ODD, ...TEXT } } }] } },
      { overwrite_payload: { ...ODD, payload: { n: 2 }, points: [2] } },
      { delete: { ...ODD, points: [3] } },
    ],
  })
  for (const query of QUERIES) await send('POST', `${points}/query`, query)
  await send('POST', `${points}/query/batch`, { ...ODD, searches: QUERIES })
  await send('POST', `${points}/query/groups`, {
    ...STAGE,
    group_by: 'n',
    offset: 3,
    with_lookup: { ...ODD, collection: 'c' },
  })
  await send('POST', `${points}/search`, { ...ODD, vector: [1, 2, 3], limit: 1 })
  await send('POST', `${points}/recommend/groups`, { ...ODD, positive: [1], group_by: 'n', limit: 1, group_size: 1 })
  await send('POST', points, { ...ODD, ids: [1] })
  await send('POST', `${points}/scroll`, { ...ODD, order_by: { ...ODD, key: 'n' } })
  await send('POST', `${points}/count`, ODD)
  await send('POST', '/collections/c/facet', { ...ODD, key: 'n' })
  await send('POST', `${points}/search/matrix/pairs`, { ...ODD, sample: 2, limit: 1 })
  const collection = await database.collection('c')
  const { config } = await collection.info()
  expect(config).toMatchObject({
    optimizersConfig: { indexingThreshold: 7 },
    strictModeConfig: { enabled: false, maxQueryLimit: 7 },
    quantizationConfig: { scalar: { type: 'int8', quantile: 0.99 } },
    hnswConfig: { payloadM: 3 },
  })
  await database.close()
})
