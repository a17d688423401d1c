import { VicinalError } from '../../src/core/errors.js'
import type { Snapshots } from '../../src/core/snapshots.js'

export function withoutFolder(): VicinalError {
  return new VicinalError('INVALID_ARGUMENT', 'snapshots: the database is in memory')
}

/** What has no folder has no snapshots. */
export const noSnapshots: Snapshots = {
  create: () => Promise.reject(withoutFolder()),
  list: () => Promise.reject(withoutFolder()),
  delete: () => Promise.reject(withoutFolder()),
  read: () => Promise.reject(withoutFolder()),
}
