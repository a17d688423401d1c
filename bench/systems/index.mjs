// The systems by name; a module is loaded only in the process that measures it.
export const SYSTEMS = {
  vicinal: async () => (await import('./vicinal.mjs')).inMemory,
  'vicinal on disk': async () => (await import('./vicinal.mjs')).onDisk,
  'vicinal compact': async () => (await import('./vicinal.mjs')).compact,
  'hnswlib-node': () => import('./hnswlib-node.mjs'),
  usearch: () => import('./usearch.mjs'),
  zvec: async () => (await import('./zvec.mjs')).float32,
  'zvec int8': async () => (await import('./zvec.mjs')).int8,
  lancedb: () => import('./lancedb.mjs'),
}

export const YARDSTICK = 'hnswlib-node'
export const OURS = 'vicinal'
/** The same with its vectors left in the files: codes and graph alone take memory. */
export const COMPACT = 'vicinal on disk'
/** With codes of four bits of every dimension, as one may ask for. */
const FOUR_BITS = 'vicinal compact'
/** Those that are no peers. */
export const OWN = [OURS, COMPACT, FOUR_BITS]
