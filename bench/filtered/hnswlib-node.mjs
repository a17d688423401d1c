// hnswlib-node with a filter function, on the index that C++ hnswlib built: the file is the same.
import { K } from '../lib/datasets.mjs'
import { filterFiles } from '../lib/filters.mjs'
import { EFS } from '../lib/least-effort.mjs'
import { hnswlib } from '../lib/yardstick.mjs'

const SPACES = { Cosine: 'cosine', Euclid: 'l2' }

export function open({ folder, set, columns }) {
  const index = new hnswlib.HierarchicalNSW(SPACES[set.distance], set.dim)
  index.readIndexSync(filterFiles(folder).index)
  const accepts = ({ key, from, to }) => {
    const column = columns.of(key)
    return (row) => column[row] >= from && column[row] < to
  }
  return {
    efforts: EFS,
    prepareQuery: (query) => Array.from(query),
    search(query, filter, ef) {
      index.setEf(ef)
      return index.searchKnn(query, K, filter ? accepts(filter) : undefined).neighbors
    },
    sync: true,
    close() {},
  }
}
