import type { Clock } from '../../core/clock.js'
import { VicinalError } from '../../core/errors.js'
import type { Disk } from '../../disk/disk.js'
import type { Shard } from '../../native/shard.js'
import { SegmentJanitor } from '../../storage/janitor.js'
import type { LanceTable } from '../../storage/lance-table.js'
import type { CollectionPaths } from '../../storage/layout.js'
import type { Manifest } from '../../storage/manifest.js'
import { hasDropped, layoutOf, liveColumns, liveVectors } from '../../storage/table-layout.js'
import { ManifestFile } from '../catalogue/manifest-file.js'
import { buildIndexes } from '../config/payload-index.js'
import { makeShard, tableShard } from '../config/shard-spec.js'
import { RecoverySpill } from '../memory/unspilled-rows.js'
import { applyRecord } from './apply.js'
import { OutdatedSegments } from './checkpointer.js'
import type { CollectionHome } from './collection-home.js'
import type { CollectionParts } from './collection-view.js'
import { resumeQueries } from './kept-queries.js'
import { Sources } from './sources.js'
import { checkRows } from './table-rows.js'

/**
 * Opens a collection for writing. It opens the table as of the manifest, maps segments, and then adds newer table rows
 * and newer log records. `admit` sees the manifest first, and may refuse it. Rejects with CORRUPT or UNSUPPORTED_FORMAT,
 * naming the file.
 */
export async function recoverCollection(
  home: CollectionHome,
  clock: Clock,
  admit: (manifest: Manifest) => Promise<void> = async () => undefined,
): Promise<CollectionParts> {
  const { disk, paths } = home
  const manifest = await home.readManifest()
  await admit(manifest)
  // A full disk refuses the call even where the folder is there.
  if (!(await disk.exists(paths.segments))) await disk.makeFolder(paths.segments)
  await new SegmentJanitor(disk, paths.segments, clock).sweep(manifest.segments, 0)
  await home.fetchSegments(manifest)
  const table = await home.openTable(manifest, { readOnly: false })
  const { flushedSeq } = manifest
  // A failed opening may be tried again and again, so each leaves nothing open.
  const log = await home.openLog(manifest).catch(async (error) => {
    await table.close()
    throw error
  })
  const warnings: string[] = []
  const outdated = new OutdatedSegments()
  const sources = new Sources(manifest, true)
  const spill = new RecoverySpill(disk.absolute(paths.segments))
  let shard: Shard | null = null
  try {
    shard = await fillShard(disk, paths, manifest, table, { warnings, outdated, trackChanges: true })
    const vectors = liveVectors(layoutOf(manifest))
    for await (const { seq, record } of log.replay(flushedSeq)) {
      await applyRecord(shard, vectors, seq, record)
      if (record.op === 'upsert' && record.source) sources.replay(seq, record.source)
      await spill.after(shard)
    }
    await buildIndexes(shard, manifest.payloadIndexes)
    await resumeQueries(shard, manifest.config.vectors, disk, paths.queries)
  } catch (error) {
    await shard?.close()
    await log.close()
    await table.close()
    throw error
  }
  const file = new ManifestFile(home.manifestPlace(log, manifest), manifest)
  return { shard, log, manifest: file, table, home, sources, readOnly: false, warnings, outdated, clock }
}

interface Filling {
  warnings: string[]
  outdated: OutdatedSegments
  trackChanges: boolean
  spill?: RecoverySpill
}

/**
 * Fills a shard from segments, then from newer table rows. A damaged segment costs time, never an answer: the shard is
 * rebuilt from the table.
 */
export async function fillShard(
  disk: Disk,
  paths: CollectionPaths,
  manifest: Manifest,
  table: LanceTable,
  { warnings, outdated, trackChanges, spill = writersSpill(disk, paths, trackChanges) }: Filling,
): Promise<Shard> {
  const shard = makeShard(manifest, { trackChanges })
  spill.before(shard)
  try {
    await mapSegments(shard, disk, paths, manifest, outdated)
    await loadTable(shard, table, manifest, manifest.checkpointSeq, spill)
    shard.advance(manifest.flushedSeq)
    return shard
  } catch (error) {
    await shard.close()
    if (!isSegmentDamage(error)) throw error
    warnings.push(`rebuilt from the table: ${error.message}`)
    return await rebuild(manifest, table, trackChanges, spill)
  }
}

/** A process that does not write the collection leaves its folder alone. */
function writersSpill(disk: Disk, paths: CollectionPaths, isWriter: boolean): RecoverySpill {
  return new RecoverySpill(isWriter ? disk.absolute(paths.segments) : null)
}

async function mapSegments(
  shard: Shard,
  disk: Disk,
  paths: CollectionPaths,
  manifest: Manifest,
  outdated: OutdatedSegments,
): Promise<void> {
  const path = (file: string) => disk.absolute(`${paths.segments}/${file}`)
  for (const [i, { file, crc, overlay, outdated: isOutdated = false }] of manifest.segments.entries()) {
    const source = {
      path: path(file),
      crc,
      overlay: overlay && { path: path(overlay.file), crc: overlay.crc },
      resume: i === manifest.segments.length - 1 && !isOutdated,
    }
    const opened = await shard.openSegment(source).catch((cause: unknown) => {
      // A segment of a newer format is left untouched for the version that wrote it.
      if (!(cause instanceof VicinalError) || cause.code === 'UNSUPPORTED_FORMAT') throw cause
      throw new VicinalError(cause.code, cause.message, { details: { ...cause.details, segment: file }, cause })
    })
    if (isOutdated) outdated.markOne(opened)
  }
}

function isSegmentDamage(error: unknown): error is VicinalError {
  return error instanceof VicinalError && 'segment' in error.details
}

async function rebuild(
  manifest: Manifest,
  table: LanceTable,
  trackChanges: boolean,
  spill: RecoverySpill,
): Promise<Shard> {
  const shard = makeShard(manifest, { trackChanges })
  spill.before(shard)
  try {
    await loadTable(shard, table, manifest, 0, spill)
    shard.advance(manifest.flushedSeq)
    return shard
  } catch (error) {
    await shard.close()
    throw error
  }
}

async function loadTable(
  shard: Shard,
  table: LanceTable,
  manifest: Manifest,
  afterSeq: number,
  spill: RecoverySpill,
): Promise<void> {
  const layout = layoutOf(manifest)
  const checker = hasDropped(layout) ? tableShard(layout) : shard
  try {
    for await (const batch of table.scan(afterSeq)) {
      await checkRows(checker, table, batch)
      await shard.loadRows(liveColumns(batch, layout.vectors))
      await spill.after(shard)
    }
  } finally {
    if (checker !== shard) await checker.close()
  }
}
