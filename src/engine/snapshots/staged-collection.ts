import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import type { Clock } from '../../core/clock.js'
import { VicinalError } from '../../core/errors.js'
import type { Disk } from '../../disk/disk.js'
import { copyLog } from '../../log/log-follower.js'
import type { FlushBatch } from '../../native/addon.js'
import { ofForeignFiles } from '../../storage/lance-errors.js'
import { LanceFiles } from '../../storage/lance-files.js'
import { checkTable } from '../../storage/lance-wall.js'
import { type CollectionPaths, createCollection, pathsIn, undone } from '../../storage/layout.js'
import { type Manifest, readManifest, writeManifest } from '../../storage/manifest.js'
import type { SnapshotCollection } from '../../storage/snapshot-index.js'
import { layoutOf } from '../../storage/table-layout.js'
import { checkRestoredManifest } from '../catalogue/restored-manifest.js'
import { CollectionEngine } from '../collection/collection-engine.js'
import { FolderHome } from '../collection/collection-home.js'
import { FollowedCollection } from '../collection/followed-collection.js'
import { recoverCollection } from '../collection/recovery.js'

import { checkRows } from '../collection/table-rows.js'
import { checkQuarantine } from '../config/ingestion.js'
import { tableShard } from '../config/shard-spec.js'

/** A collection of an unpacked snapshot. */
export interface StagedCollection {
  folder: string
  name: string
  seq: number
  manifest: Manifest
}

/** The collection that a staged one becomes. */
export interface Adopted {
  uuid: string
  name: string
  /** The uuid of the collection that it replaces. */
  replaces: string | null
}

export function adoptedAs(name: string, replaces: string | null): Adopted {
  return { uuid: randomUUID(), name, replaces }
}

/** The trial reads the manifest by itself, so it is not passed. */
export type TriedCollection = Omit<StagedCollection, 'manifest'>

export async function readStaged(disk: Disk, root: string, { folder: own, name, seq }: SnapshotCollection) {
  const folder = join(root, own)
  const manifest = await readManifest(disk, pathsIn(folder).manifest)
  checkRestoredManifest(manifest)
  return { folder, name, seq, manifest } satisfies StagedCollection
}

/**
 * Does everything with the files that serving the collection would do. It reads every file, opens all as a reader does,
 * reads each row of the table, and commits to it. Rejects if any step fails. Only the trial's process calls it, because
 * damaged files may end the process.
 */
export async function tryStaged(disk: Disk, collection: TriedCollection): Promise<void> {
  try {
    await tryFiles(disk, collection)
  } catch (cause) {
    throw ofForeignFiles(cause)
  }
}

async function tryFiles(disk: Disk, { folder, name, seq }: TriedCollection): Promise<void> {
  const paths = pathsIn(folder)
  const manifest = await readManifest(disk, paths.manifest)
  const files = await LanceFiles.open(disk, paths.table, manifest.name, manifest.tableVersion)
  await files.checkListed()
  await files.verify()
  await checkTable(disk, paths.table, manifest.tableVersion)
  await disk.makeFolder(paths.segments)
  const lastSeq = await FollowedCollection.check(new FolderHome(disk, paths))
  if (name !== manifest.name || lastSeq !== seq) {
    throw new VicinalError('CORRUPT', `the snapshot is damaged: expected operation ${seq}, got ${lastSeq}`)
  }
  await tryTable(disk, paths, manifest)
}

/** The commit leaves files behind. The next process that opens the table for writing removes them. */
async function tryTable(disk: Disk, paths: CollectionPaths, manifest: Manifest): Promise<void> {
  const table = await new FolderHome(disk, paths).openTable(manifest, { readOnly: false })
  const checker = tableShard(layoutOf(manifest))
  try {
    let last: FlushBatch | null = null
    for await (const batch of table.scan(0)) {
      await checkRows(checker, table, batch)
      last = batch
    }
    await table.countRows()
    // Committing rows that the table already has changes nothing.
    if (last) await table.commit(last)
  } finally {
    await checker.close()
    await table.close()
  }
}

/**
 * Makes a collection of an unpacked snapshot. The collection appears as a whole or not at all. It replaces the one with
 * the uuid `replaces` from that moment: if the process ends before that one is removed, the next open removes it.
 */
export async function adoptStaged(
  disk: Disk,
  { folder, seq, manifest }: StagedCollection,
  { uuid, name, replaces }: Adopted,
  clock: Clock,
): Promise<CollectionEngine> {
  // Under its new name its own quarantine may be meant.
  checkQuarantine(name, manifest.config)
  const from = pathsIn(folder)
  const paths = await createCollection(disk, uuid, async (unfinished) => {
    const { flushedSeq } = manifest
    const log = { disk, folder: from.log, uuid: manifest.uuid }
    await copyLog(log, { disk, folder: unfinished.log, uuid }, flushedSeq, seq)
    for (const part of ['segments', 'table', 'sums'] as const) {
      const [source, target] = [partOf(from, part), partOf(unfinished, part)]
      if (!(await disk.exists(source))) continue
      await disk.removeTree(target)
      await disk.rename(source, target)
    }
    await writeManifest(disk, unfinished.manifest, {
      ...manifest,
      uuid,
      name,
      cleanEnd: null,
      ...(replaces === null ? {} : { replaces }),
    })
  })
  try {
    return new CollectionEngine(await recoverCollection(new FolderHome(disk, paths), clock))
  } catch (error) {
    throw await undone(disk, paths, error)
  }
}

function partOf(paths: ReturnType<typeof pathsIn>, part: 'segments' | 'table' | 'sums'): string {
  return part === 'sums' ? join(paths.folder, 'sums') : paths[part]
}
