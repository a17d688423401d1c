// hnswlib-node: numbers in JavaScript arrays, one thread, the caller's thread waits. The yardstick of all ratios.
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { K } from '../lib/datasets.mjs'
import { hnswlib } from '../lib/yardstick.mjs'

const SEED = 100
const space = (set) => ({ Cosine: 'cosine', Euclid: 'l2' })[set.distance]

export const buildThreads = 1
export const note = 'one thread only'

export async function create({ folder, set, capacity, m, efConstruct }) {
  mkdirSync(folder, { recursive: true })
  const index = new hnswlib.HierarchicalNSW(space(set), set.dim)
  index.initIndex({ maxElements: capacity, m, efConstruction: efConstruct, randomSeed: SEED })
  return {
    add({ from, rows, dim, data }) {
      for (let i = 0; i < rows; i++) index.addPoint(Array.from(data.subarray(i * dim, (i + 1) * dim)), from + i)
    },
    finish() {},
    close: () => index.writeIndexSync(join(folder, 'index.bin')),
  }
}

export async function open({ folder, set }) {
  const index = new hnswlib.HierarchicalNSW(space(set), set.dim)
  index.readIndexSync(join(folder, 'index.bin'))
  const search = (query, ef) => {
    index.setEf(ef)
    return index.searchKnn(query, K).neighbors
  }
  return {
    // It takes arrays of numbers; they are made before the clock starts.
    prepareQuery: (query) => Array.from(query),
    sweeps: [{ search, sync: true, inFlight: 1 }],
    close() {},
  }
}
