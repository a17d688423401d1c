import type { GroupOptions } from '../../bucket/group.js'
import { invalid } from '../../core/errors.js'
import type { OpenOptions } from './open.js'

const MOST_COMMIT_WINDOW_MS = 10_000

/** The options that only a database on a store has. */
type StoreOptions = Pick<OpenOptions, 'cache' | 'commitWindowMs'>

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
