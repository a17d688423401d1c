import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import type { Clock } from '../core/clock.js'
import { VicinalError } from '../core/errors.js'
import type { Disk } from '../disk/disk.js'
import { copyLog } from '../log/copy-log.js'
import { LanceFiles } from '../storage/lance-files.js'
import { createCollection, pathsIn, undone } from '../storage/layout.js'
import { type Manifest, readManifest, writeManifest } from '../storage/manifest.js'
import type { SnapshotCollection } from '../storage/snapshot-index.js'
import { CollectionEngine } from './collection-engine.js'
import { FollowedCollection } from './followed-collection.js'
import { recoverCollection } from './recovery.js'
import { checkRestoredManifest } from './restored-manifest.js'

/** A collection of an unpacked snapshot, known to open. */
export interface StagedCollection {
  folder: string
  name: string
  seq: number
  manifest: Manifest
}

/** Opens what was unpacked as a reader would, so that nothing that cannot be opened takes the place of what is there. */
export async function checkStaged(
  disk: Disk,
  root: string,
  { folder: own, name, seq }: SnapshotCollection,
): Promise<StagedCollection> {
  const folder = join(root, own)
  const paths = pathsIn(folder)
  const manifest = await readManifest(disk, paths.manifest)
  checkRestoredManifest(manifest)
  const files = await LanceFiles.open(disk, paths.table, manifest.name, manifest.tableVersion)
  await files.verify()
  await disk.makeFolder(paths.segments)
  const lastSeq = await FollowedCollection.check(disk, paths)
  if (name !== manifest.name || lastSeq !== seq) {
    throw new VicinalError('CORRUPT', `the snapshot is damaged: expected operation ${seq}, got ${lastSeq}`)
  }
  return { folder, name, seq, manifest }
}

/**
 * Makes a collection of what was unpacked. It is there whole or not at all; the one it replaces (by its uuid) is as good
 * as gone from that moment: should the process end before it is removed, the next open does.
 */
export async function adoptStaged(
  disk: Disk,
  { folder, seq, manifest }: StagedCollection,
  as: { name: string; replaces: string | null },
  clock: Clock,
): Promise<CollectionEngine> {
  const uuid = randomUUID()
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
    const { name, replaces } = as
    await writeManifest(disk, unfinished.manifest, {
      ...manifest,
      uuid,
      name,
      cleanEnd: null,
      ...(replaces === null ? {} : { replaces }),
    })
  })
  try {
    return new CollectionEngine(await recoverCollection(disk, paths, clock))
  } catch (error) {
    throw await undone(disk, paths, error)
  }
}

function partOf(paths: ReturnType<typeof pathsIn>, part: 'segments' | 'table' | 'sums'): string {
  return part === 'sums' ? join(paths.folder, 'sums') : paths[part]
}
