import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import type { Clock } from '../../core/clock.js'
import type { Disk } from '../../disk/disk.js'
import { copyLog } from '../../log/copy-log.js'
import { createCollection, pathsIn, undone } from '../../storage/layout.js'
import { writeManifest } from '../../storage/manifest.js'
import { CollectionEngine } from '../collection/collection-engine.js'
import { FolderHome } from '../collection/collection-home.js'
import { recoverCollection } from '../collection/recovery.js'
import type { StagedCollection } from './staged-collection.js'

/**
 * Makes a collection of an unpacked snapshot. The collection appears as a whole or not at all. It replaces the one with
 * the uuid `replaces` from that moment: if the process ends before that one is removed, the next open removes it.
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
    return new CollectionEngine(await recoverCollection(new FolderHome(disk, paths), clock))
  } catch (error) {
    throw await undone(disk, paths, error)
  }
}

function partOf(paths: ReturnType<typeof pathsIn>, part: 'segments' | 'table' | 'sums'): string {
  return part === 'sums' ? join(paths.folder, 'sums') : paths[part]
}
