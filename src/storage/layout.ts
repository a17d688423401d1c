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

/** Where the parts of one collection are, relative to the data folder. */
export interface CollectionPaths {
  folder: string
  manifest: string
  log: string
  table: string
  segments: string
  /** What callers asked lately (kept-queries.ts). */
  queries: string
}

export function collectionPaths(uuid: string): CollectionPaths {
  return pathsIn(COLLECTION_PREFIX + uuid)
}

/** A folder for what is not finished: should the process end, the next open removes it. */
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
 * Makes a collection that appears whole or not at all. `fill` writes its manifest and the first file of its
 * log, on stable storage, at the paths given, which are not the final ones yet.
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
    await disk.syncFolder(unfinished.folder)
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
 * Removes a collection whose making failed: what was not acknowledged must not come back beside the next one of that name.
 * Returns what to throw: the failure, or where the collection stays, an error whose details have its uuid (`stays`).
 */
export async function undone(disk: Disk, paths: CollectionPaths, failure: unknown): Promise<unknown> {
  try {
    await deleteCollection(disk, paths)
    return failure
  } catch (second) {
    return new VicinalError('IO_FAILED', `${failure}; and what was made of it cannot be removed: ${second}`, {
      details: { stays: paths.folder.slice(COLLECTION_PREFIX.length) },
      cause: failure,
    })
  }
}

/** From the moment the renaming is durable the collection is gone; its files follow. */
export async function deleteCollection(disk: Disk, paths: CollectionPaths): Promise<void> {
  const trash = TRASH_PREFIX + paths.folder.slice(COLLECTION_PREFIX.length)
  // Where an earlier try got no further than this, it goes on from there.
  await disk.rename(paths.folder, trash).catch((cause: unknown) => {
    if (!isMissing(cause)) throw cause
  })
  await disk.syncFolder(ROOT)
  // What cannot be removed now is removed at the next open.
  await disk.removeTree(trash).catch(() => undefined)
}

/** Removes what a crash left of collections on their way in or out. Only the writer of the folder may. */
export async function removeLeftovers(disk: Disk): Promise<void> {
  for (const { name } of await disk.list(ROOT)) {
    if (name.startsWith(UNFINISHED_PREFIX) || name.startsWith(TRASH_PREFIX)) await disk.removeTree(name)
  }
}
