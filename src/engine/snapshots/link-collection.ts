import { join } from 'node:path'
import type { Disk } from '../../disk/disk.js'
import { copyLog } from '../../log/log-follower.js'
import { LanceFiles } from '../../storage/lance-files.js'
import type { CollectionPaths } from '../../storage/layout.js'
import { type Manifest, writeManifest } from '../../storage/manifest.js'
import type { SnapshotCollection } from '../../storage/snapshot-index.js'
import type { CollectionEngine, HeldFiles } from '../collection/collection-engine.js'

/**
 * Attempts to link the segment files that a manifest names. If they are gone by then, a newer manifest names others.
 */
const ATTEMPTS = 5

/**
 * Links the files of a collection as of one operation, below `folder`. Files of table and segments never change once
 * written. A hard link therefore keeps each of them while writes and maintenance go on. Log records up to that
 * operation which the table lacks are copied.
 */
export async function linkCollection(
  engine: CollectionEngine,
  disk: Disk,
  folder: string,
): Promise<SnapshotCollection> {
  const name = engine.name
  const { manifest, seq } = await linkFiles(engine, disk, folder)
  const { uuid, flushedSeq } = manifest
  const linked = join(folder, 'linked-log')
  await disk.makeFolder(join(folder, 'log'))
  await copyLog(
    { disk, folder: linked, uuid },
    { disk, folder: join(folder, 'log'), uuid },
    flushedSeq,
    Math.max(flushedSeq, seq),
  )
  await disk.removeTree(linked)
  return await describeFolder(disk, folder, { ...manifest, name }, Math.max(flushedSeq, seq))
}

/** Writes the manifest of a captured collection beside its files, and lists all of them. */
export async function describeFolder(
  disk: Disk,
  folder: string,
  { replaces: _, ...manifest }: Manifest,
  seq: number,
): Promise<SnapshotCollection> {
  await writeManifest(disk, join(folder, 'manifest'), { ...manifest, cleanEnd: null })
  const files: Record<string, number> = {}
  for (const file of await disk.files(folder)) files[file] = (await disk.facts(join(folder, file)))?.bytes ?? 0
  return { folder: folder.split('/').at(-1) as string, name: manifest.name, seq, files }
}

async function linkFiles(engine: CollectionEngine, disk: Disk, folder: string): Promise<HeldFiles> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await engine.holdFiles(async (held) => {
        await linkAll(disk, held, folder)
        return held
      })
    } catch (cause) {
      await disk.removeTree(folder)
      if (attempt === ATTEMPTS || (cause as { details?: { errno?: string } }).details?.errno !== 'ENOENT') throw cause
    }
  }
}

async function linkAll(disk: Disk, { manifest, paths }: HeldFiles, folder: string): Promise<void> {
  const pairs: [from: string, to: string][] = [
    ...manifest.segments.flatMap(({ file, overlay }) => {
      const names = overlay ? [file, overlay.file] : [file]
      return names.map((name): [string, string] => [join(paths.segments, name), join(folder, 'segments', name)])
    }),
    ...(await tableFiles(disk, paths, manifest)).map((name): [string, string] => {
      return [join(paths.folder, name), join(folder, name)]
    }),
    ...(await disk.list(paths.log)).map(({ name }): [string, string] => {
      return [join(paths.log, name), join(folder, 'linked-log', name)]
    }),
  ]
  for (const to of ['segments', 'linked-log']) await disk.makeFolder(join(folder, to))
  for (const [from, to] of pairs) {
    await disk.makeFolder(join(to, '..'))
    await disk.linkFile(from, to)
  }
}

/** Files of the table version that the manifest names, relative to the collection's folder. */
async function tableFiles(disk: Disk, paths: CollectionPaths, manifest: Manifest): Promise<string[]> {
  const { tableVersion, name } = manifest
  if (tableVersion === 0) return []
  const files = await LanceFiles.open(disk, paths.table, name, tableVersion)
  const table = paths.table.slice(paths.folder.length + 1)
  const names = await files.filesOf(tableVersion)
  return [...names.map((file) => join(table, file)), join('sums', `${tableVersion}.sums`)]
}
