// hnswlib-node with a filter function, on the index that C++ hnswlib built: the file is the same.
import hnswlib from 'hnswlib-node'
import { K } from '../lib/datasets.mjs'
import { filterFiles } from '../lib/filters.mjs'

const SPACES = { Cosine: 'cosine', Euclid: 'l2' }

export function open({ folder, set, columns }) {
  const index = new hnswlib.HierarchicalNSW(SPACES[set.distance], set.dim)
  index.readIndexSync(filterFiles(folder).index)
  const accepts = ({ key, from, to }) => {
    const column = columns.of(key)
    return (row) => column[row] >= from && column[row] < to
  }
  return {
    efforts: [10, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512, 1024],
    prepareQuery: (query) => Array.from(query),
    search(query, filter, ef) {
      index.setEf(ef)
      return index.searchKnn(query, K, filter ? accepts(filter) : undefined).neighbors
    },
    sync: true,
    close() {},
  }
}
