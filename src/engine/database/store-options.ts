import { relative, resolve, sep } from 'node:path'
import type { StoreAddress } from '../../bucket/address.js'
import type { GroupOptions } from '../../bucket/group.js'
import { databaseBytesOf } from '../../bucket/group-opening.js'
import { invalid } from '../../core/errors.js'
import { LIMITS } from '../../core/limits.js'

export const MOST_COMMIT_WINDOW_MS = 10_000

/** Options of `open` that only a database on an object store has. */
export interface StoreOptions {
  /**
   * Folder for copies of the store's files; a database in a folder has none. Two processes must not share it.
   * Default `vicinal-cache` in the working directory.
   */
  cache?: string
  /**
   * Bytes of segments that the cache folder may hold, at least LIMITS.leastCacheBytes. The least recently used leave.
   * Those of open collections stay, so that large ones may exceed it. Default LIMITS.cacheBytes.
   */
  cacheBytes?: number
  /**
   * How long a write to an object store waits for others, in milliseconds, since each batch is a paid request. 1 to
   * 10,000; default 10 on `file://` and 100 elsewhere.
   */
  commitWindowMs?: number
}

/** Throws INVALID_ARGUMENT for a wrong one, and for any of them without a store. */
export function checkStoreOptions({ cache, cacheBytes, commitWindowMs }: StoreOptions, isStore: boolean): void {
  if (cache !== undefined && (typeof cache !== 'string' || cache.length === 0))
    throw invalid('cache', 'expected a path', cache)
  checkInteger('commitWindowMs', commitWindowMs, 1, MOST_COMMIT_WINDOW_MS)
  checkInteger('cacheBytes', cacheBytes, LIMITS.leastCacheBytes, Number.MAX_SAFE_INTEGER)
  for (const [name, value] of Object.entries({ cache, cacheBytes, commitWindowMs }))
    if (value !== undefined && !isStore) throw invalid(name, 'only a database on a store has one', value)
}

/** Throws INVALID_ARGUMENT for a cache that would lie among the store's objects, or the other way round. */
export function checkCachePlace(cache: string, address: StoreAddress): void {
  if (address.kind !== 'file') return
  const isBelow = (folder: string, other: string) => !relative(folder, other).split(sep).includes('..')
  const folder = resolve(cache)
  if (isBelow(address.folder, folder) || isBelow(folder, address.folder))
    throw invalid('cache', `expected a folder outside of the store's, ${address.folder}`, cache)
}

function checkInteger(name: string, value: unknown, least: number, most: number): void {
  if (value === undefined || (Number.isSafeInteger(value) && (value as number) >= least && (value as number) <= most))
    return
  throw invalid(name, `expected an integer from ${least} to ${most}`, value)
}

/** The options of the store's database. */
export function storeOptionsOf({
  commitWindowMs,
  memoryLimitBytes,
}: StoreOptions & { memoryLimitBytes?: number | undefined }): Pick<GroupOptions, 'commitWindowMs' | 'memoryBytes'> {
  return {
    ...(commitWindowMs === undefined ? {} : { commitWindowMs }),
    ...(memoryLimitBytes === undefined ? {} : { memoryBytes: databaseBytesOf(memoryLimitBytes) }),
  }
}
