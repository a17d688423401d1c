import type { Clock } from '../../core/clock.js'
import { VicinalError } from '../../core/errors.js'
import { workTimes } from '../../core/work-times.js'
import type { Shard } from '../../native/shard.js'
import { SegmentJanitor } from '../../storage/janitor.js'
import type { LanceTable } from '../../storage/lance-table.js'
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
  const manifest = await home.readManifest()
  await admit(manifest)
  const facts = { collection: manifest.name, records: 0, points: 0 }
  return await workTimes.time('recovery', facts, () => recovered(home, clock, manifest, facts))
}

/** `facts` gets the number of log records that were applied, and of points. */
async function recovered(
  home: CollectionHome,
  clock: Clock,
  manifest: Manifest,
  facts: { records: number; points: number },
): Promise<CollectionParts> {
  const { disk, paths } = home
  // A full disk refuses the call even where the folder is there.
  if (!(await disk.exists(paths.segments))) await disk.makeFolder(paths.segments)
  await new SegmentJanitor(disk, paths.segments, clock).sweep(manifest.segments, 0)
  const warnings: string[] = []
  const lost = await fetchSegments(home, manifest, warnings)
  const table = await home.openTable(manifest, { readOnly: false })
  const { flushedSeq } = manifest
  // A failed opening may be tried again and again, so each leaves nothing open.
  const log = await home.openLog(manifest).catch(async (error) => {
    await table.close()
    throw error
  })
  const outdated = new OutdatedSegments()
  const sources = new Sources(manifest, true)
  const spill = spillOf(home, true)
  let shard: Shard | null = null
  try {
    shard = await fillShard(home, manifest, table, { warnings, outdated, trackChanges: true, lost })
    const vectors = liveVectors(layoutOf(manifest))
    for await (const { seq, record } of log.replay(flushedSeq)) {
      await applyRecord(shard, vectors, seq, record)
      facts.records++
      if (record.op === 'upsert' && record.source) sources.replay(seq, record.source)
      await spill.after(shard)
    }
    await buildIndexes(shard, manifest.payloadIndexes)
    await resumeQueries(shard, manifest.config.vectors, disk, paths.queries)
    facts.points = shard.stats().points
  } catch (error) {
    await shard?.close()
    await log.close()
    await table.close()
    throw error
  }
  const file = new ManifestFile(home.manifestPlace(log, manifest), manifest)
  const onClosed = () => home.release()
  return { shard, log, manifest: file, table, home, sources, readOnly: false, onClosed, warnings, outdated, clock }
}

interface Filling {
  warnings: string[]
  outdated: OutdatedSegments
  trackChanges: boolean
  spill?: RecoverySpill
  /** Why the segments cannot be had: the shard is made of the table. */
  lost?: VicinalError | null
}

/** Fetches the segments of a manifest. Resolves to the error if a file of one is nowhere; the table has its rows. */
export async function fetchSegments(
  home: CollectionHome,
  manifest: Manifest,
  warnings: string[],
): Promise<VicinalError | null> {
  try {
    const warning = await home.fetchSegments(manifest)
    if (warning !== null) warnings.push(warning)
    return null
  } catch (error) {
    if (isSegmentDamage(error)) return error
    throw error
  }
}

/**
 * Fills a shard from segments, then from newer table rows. A damaged segment costs time, never an answer: another copy is
 * fetched, or the shard is rebuilt from the table.
 */
export async function fillShard(
  home: CollectionHome,
  manifest: Manifest,
  table: LanceTable,
  filling: Filling,
): Promise<Shard> {
  const { warnings, outdated, trackChanges, spill = spillOf(home, trackChanges) } = filling
  for (let damage = filling.lost ?? null; ; ) {
    if (damage && !(await refetched(home, manifest, damage, warnings))) {
      warnings.push(`rebuilt from the table: ${damage.message}`)
      return await rebuild(manifest, table, trackChanges, spill)
    }
    const shard = makeShard(manifest, { trackChanges })
    spill.before(shard)
    try {
      await mapSegments(shard, home, manifest, outdated)
      await loadTable(shard, table, manifest, manifest.checkpointSeq, spill)
      shard.advance(manifest.flushedSeq)
      return shard
    } catch (error) {
      await shard.close()
      if (!isSegmentDamage(error)) throw error
      damage = error
    }
  }
}

/** Whether the damaged files were only copies, and others are in their place. */
async function refetched(
  home: CollectionHome,
  { segments }: Manifest,
  damage: VicinalError,
  warnings: string[],
): Promise<boolean> {
  const segment = segments.find(({ file, overlay }) => [file, overlay?.file].includes(damage.details.segment as string))
  const isReplaced = segment !== undefined && (await home.refetchSegment(segment).catch(() => false))
  if (isReplaced) warnings.push(`a damaged copy of a segment was fetched again: ${damage.message}`)
  return isReplaced
}

/** A process that does not write the collection leaves its folder alone, unless it is a cache of its own. */
export function spillOf({ disk, paths, isOwnFolder }: CollectionHome, isWriter: boolean): RecoverySpill {
  return new RecoverySpill(isWriter || isOwnFolder ? disk.absolute(paths.segments) : null)
}

async function mapSegments(
  shard: Shard,
  home: CollectionHome,
  { segments }: Manifest,
  outdated: OutdatedSegments,
): Promise<void> {
  const path = (file: string) => home.disk.absolute(`${home.paths.segments}/${file}`)
  for (const [i, segment] of segments.entries()) {
    const { file, crc, overlay, outdated: isOutdated = false } = segment
    const source = {
      path: path(file),
      crc,
      overlay: overlay && { path: path(overlay.file), crc: overlay.crc },
      resume: i === segments.length - 1 && !isOutdated,
      verified: await home.isVerified(segment),
    }
    const opened = await shard.openSegment(source).catch((cause: unknown) => {
      // A segment of a newer format is left untouched for the version that wrote it.
      if (!(cause instanceof VicinalError) || cause.code === 'UNSUPPORTED_FORMAT') throw cause
      throw new VicinalError(cause.code, cause.message, { details: { ...cause.details, segment: file }, cause })
    })
    await home.noteVerified(segment)
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
