import type { GroupOptions } from '../../bucket/group.js'
import { invalid } from '../../core/errors.js'

const MOST_COMMIT_WINDOW_MS = 10_000

/** Options of `open` that only a database on an object store has. */
export interface StoreOptions {
  /**
   * Folder for copies of the store's files; a database in a folder has none. Two processes must not share it.
   * Default `vicinal-cache` in the working directory.
   */
  cache?: string
  /**
   * How long a write to an object store waits for others, in milliseconds, since each batch is a paid request. 1 to
   * 10,000; default 10 on `file://` and 100 elsewhere.
   */
  commitWindowMs?: number
}

/** Throws INVALID_ARGUMENT for a wrong one, and for any of them without a store. */
export function checkStoreOptions({ cache, commitWindowMs }: StoreOptions, isStore: boolean): void {
  if (cache !== undefined && (typeof cache !== 'string' || cache.length === 0))
    throw invalid('cache', 'expected a path', cache)
  checkInteger('commitWindowMs', commitWindowMs, MOST_COMMIT_WINDOW_MS)
  for (const [name, value] of Object.entries({ cache, commitWindowMs }))
    if (value !== undefined && !isStore) throw invalid(name, 'only a database on a store has one', value)
}

function checkInteger(name: string, value: unknown, most: number): void {
  if (value === undefined || (Number.isSafeInteger(value) && (value as number) >= 1 && (value as number) <= most))
    return
  throw invalid(name, `expected an integer from 1 to ${most}`, value)
}

export function groupOptions({ commitWindowMs }: StoreOptions): GroupOptions {
  return commitWindowMs === undefined ? {} : { commitWindowMs }
}
