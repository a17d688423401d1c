import { VicinalError } from '../../src/core/errors.js'
import type { CollectionSnapshots } from '../../src/core/snapshots.js'

export function withoutFolder(): VicinalError {
  return new VicinalError('INVALID_ARGUMENT', 'snapshots: the database is in memory')
}

/** The oracle has no folder, so it has no snapshots. */
export const noSnapshots: CollectionSnapshots = {
  create: () => Promise.reject(withoutFolder()),
  list: () => Promise.reject(withoutFolder()),
  delete: () => Promise.reject(withoutFolder()),
  read: () => Promise.reject(withoutFolder()),
  stream: () => Promise.reject(withoutFolder()),
}
