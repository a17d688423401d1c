// The systems by name; a module is loaded only in the process that measures it.
export const SYSTEMS = {
  vicinal: () => import('./vicinal.mjs'),
  'hnswlib-node': () => import('./hnswlib-node.mjs'),
  usearch: () => import('./usearch.mjs'),
  zvec: async () => (await import('./zvec.mjs')).float32,
  'zvec int8': async () => (await import('./zvec.mjs')).int8,
  lancedb: () => import('./lancedb.mjs'),
}

export const YARDSTICK = 'hnswlib-node'
export const OURS = 'vicinal'
