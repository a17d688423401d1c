// The systems that search with filters, by name. `open` fills one and answers { efforts, search(query, filter, effort),
// sync, prepareQuery, close }; a filter is one of lib/filters.mjs, or null.
export const FILTERED = {
  vicinal: () => import('./vicinal.mjs'),
  'hnswlib-node': () => import('./hnswlib-node.mjs'),
  zvec: async () => (await import('./zvec.mjs')).float32,
  'zvec int8': async () => (await import('./zvec.mjs')).int8,
  lancedb: () => import('./lancedb.mjs'),
  pgvector: () => import('./pgvector.mjs'),
  redis: () => import('./redis.mjs'),
}
