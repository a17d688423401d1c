import { join } from 'node:path'
import { VicinalError } from '../core/errors.js'
import type { Disk } from '../disk/disk.js'
import { isMissing } from '../disk/io-errors.js'

/** The lock file of the process that writes the folder. */
export const LOCK_FILE = 'vicinal.lock'

const ROOT = '.'
const COLLECTION_PREFIX = 'c-'
const UNFINISHED_PREFIX = 'tmp-'
const TRASH_PREFIX = 'trash-'

/** Paths of the parts of one collection, relative to the data folder. */
export interface CollectionPaths {
  folder: string
  manifest: string
  log: string
  table: string
  segments: string
  /** Callers' recent queries (kept-queries.ts). */
  queries: string
  /** Kept quality reports. */
  quality: string
}

export function collectionPaths(uuid: string): CollectionPaths {
  return pathsIn(COLLECTION_PREFIX + uuid)
}

export function uuidOf({ folder }: CollectionPaths): string {
  return folder.slice(COLLECTION_PREFIX.length)
}

/** A folder for unfinished work. After a crash the next open removes it. */
export function unfinishedFolder(uuid: string): string {
  return UNFINISHED_PREFIX + uuid
}

export function pathsIn(folder: string): CollectionPaths {
  return {
    folder,
    manifest: join(folder, 'manifest'),
    log: join(folder, 'log'),
    table: join(folder, 'table.lance'),
    segments: join(folder, 'segments'),
    queries: join(folder, 'queries'),
    quality: join(folder, 'quality'),
  }
}

/** The collections of the data folder. */
export async function listCollections(disk: Disk): Promise<CollectionPaths[]> {
  const entries = await disk.list(ROOT)
  return entries
    .filter(({ name, isFolder }) => isFolder && name.startsWith(COLLECTION_PREFIX))
    .map(({ name }) => pathsIn(name))
}

/**
 * Creates a collection that appears as a whole or not at all. `fill` writes its manifest and the first file of its log
 * on stable storage, at the given paths, the manifest last: replacing it syncs the folder. These are not yet the final
 * paths.
 */
export async function createCollection(
  disk: Disk,
  uuid: string,
  fill: (paths: CollectionPaths) => Promise<void>,
): Promise<CollectionPaths> {
  const unfinished = pathsIn(UNFINISHED_PREFIX + uuid)
  const final = collectionPaths(uuid)
  let isRenaming = false
  try {
    await disk.makeFolder(unfinished.log)
    await disk.makeFolder(unfinished.segments)
    await fill(unfinished)
    isRenaming = true
    await disk.rename(unfinished.folder, final.folder)
    await disk.syncFolder(ROOT)
  } catch (error) {
    await disk.removeTree(unfinished.folder).catch(() => undefined)
    throw isRenaming ? await undone(disk, final, error) : error
  }
  return final
}

/**
 * Removes a collection whose creation failed: it must not reappear beside a later one of its name. Returns the error to
 * throw: the failure, or an error with the collection's uuid in `details.stays` if the removal failed too.
 */
export async function undone(disk: Disk, paths: CollectionPaths, failure: unknown): Promise<unknown> {
  try {
    await deleteCollection(disk, paths)
    return failure
  } catch (second) {
    return new VicinalError('IO_FAILED', `${failure}; and the unfinished collection cannot be removed: ${second}`, {
      details: { stays: uuidOf(paths) },
      cause: failure,
    })
  }
}

/** The collection is gone once the renaming is durable. Its files are removed afterwards. */
export async function deleteCollection(disk: Disk, paths: CollectionPaths): Promise<void> {
  const trash = TRASH_PREFIX + uuidOf(paths)
  // An earlier attempt may have renamed the folder already.
  await disk.rename(paths.folder, trash).catch((cause: unknown) => {
    if (!isMissing(cause)) throw cause
  })
  await disk.syncFolder(ROOT)
  // Files that cannot be removed now are removed at the next open.
  await disk.removeTree(trash).catch(() => undefined)
}

/**
 * Removes leftovers of collections that were being created or deleted at a crash. Only the folder's writer may call it.
 */
export async function removeLeftovers(disk: Disk): Promise<void> {
  for (const { name } of await disk.list(ROOT)) {
    if (name.startsWith(UNFINISHED_PREFIX) || name.startsWith(TRASH_PREFIX)) await disk.removeTree(name)
  }
}
