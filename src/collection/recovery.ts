import type { Clock } from '../core/clock.js'
import { VicinalError } from '../core/errors.js'
import { LIMITS } from '../core/limits.js'
import type { CollectionConfig } from '../core/schema.js'
import { ensureFolder } from '../disk/files.js'
import { FileLog } from '../log/file-log.js'
import { Shard } from '../native/shard.js'
import type { CollectionPaths } from '../storage/layout.js'
import { LanceTable } from '../storage/lance-table.js'
import { type Manifest, readManifest } from '../storage/manifest.js'
import { applyRecord } from './apply.js'
import type { CollectionParts } from './collection-engine.js'
import { removeUnnamed } from './checkpointer.js'
import { ManifestFile } from './manifest-file.js'
import { metricOf } from './schema.js'

export function makeShard(config: CollectionConfig, trackChanges: boolean): Shard {
  const vectors = config.vectors.map(({ name, size, distance, m, efConstruct }) => ({ name, dim: size, metric: metricOf(distance), m, efConstruct }))
  return new Shard({ vectors, segmentBytes: LIMITS.segmentBytes, trackChanges })
}

/**
 * Opens a collection for writing: table as of the manifest, segments mapped, then the table's rows that are newer
 * than the segments, then the log behind the table. Rejects with CORRUPT or UNSUPPORTED_FORMAT, naming the file.
 */
export async function recoverCollection(paths: CollectionPaths, clock: Clock): Promise<CollectionParts> {
  const manifest = await readManifest(paths.manifest)
  await ensureFolder(paths.segments)
  await removeUnnamed(paths.segments, manifest.segments)
  const table = await LanceTable.open(paths.table, manifest)
  const log = await FileLog.open(paths.log, { uuid: manifest.uuid, cleanEnd: manifest.cleanEnd, flushedSeq: manifest.flushedSeq })
  const warnings: string[] = []
  const shard = await fillShard(manifest, paths, table, warnings)
  try {
    for await (const { seq, record } of log.replay(manifest.flushedSeq)) {
      await applyRecord(shard, manifest.config.vectors, seq, record)
    }
    for (const { field, kind } of manifest.payloadIndexes) await shard.createPayloadIndex(field, kind)
  } catch (error) {
    await shard.close()
    await log.close()
    throw error
  }
  return {
    shard,
    log,
    manifest: new ManifestFile(paths.manifest, manifest),
    table,
    segmentsFolder: paths.segments,
    readOnly: false,
    warnings,
    clock,
  }
}

/** Segments, then what the table has beyond them. A damaged segment costs time, never an answer: all is rebuilt. */
export async function fillShard(manifest: Manifest, paths: CollectionPaths, table: LanceTable, warnings: string[]): Promise<Shard> {
  const shard = makeShard(manifest.config, true)
  try {
    await mapSegments(shard, manifest, paths)
    await loadTable(shard, table, manifest.checkpointSeq)
    shard.advance(manifest.flushedSeq)
    return shard
  } catch (error) {
    await shard.close()
    if (!isSegmentDamage(error)) throw error
    warnings.push(`rebuilt from the table: ${error.message}`)
    return await rebuild(manifest, table)
  }
}

async function mapSegments(shard: Shard, manifest: Manifest, paths: CollectionPaths): Promise<void> {
  for (const [i, { file, crc, overlay }] of manifest.segments.entries()) {
    const source = {
      path: `${paths.segments}/${file}`,
      crc,
      overlay: overlay ? { path: `${paths.segments}/${overlay.file}`, crc: overlay.crc } : null,
      resume: i === manifest.segments.length - 1,
    }
    await shard.openSegment(source).catch((cause: unknown) => {
      // A newer format is left untouched for the version that wrote it.
      if (!(cause instanceof VicinalError) || cause.code === 'UNSUPPORTED_FORMAT') throw cause
      throw new VicinalError(cause.code, cause.message, { details: { ...cause.details, segment: true }, cause })
    })
  }
}

function isSegmentDamage(error: unknown): error is VicinalError {
  return error instanceof VicinalError && error.details.segment === true
}

async function rebuild(manifest: Manifest, table: LanceTable): Promise<Shard> {
  const shard = makeShard(manifest.config, true)
  try {
    await loadTable(shard, table, 0)
  } catch (error) {
    await shard.close()
    throw error
  }
  shard.advance(manifest.flushedSeq)
  return shard
}

async function loadTable(shard: Shard, table: LanceTable, afterSeq: number): Promise<void> {
  for await (const batch of table.scan(afterSeq)) {
    const damaged = await shard.verifyRows(batch)
    if (damaged >= 0) throw new VicinalError('CORRUPT', `${table.describe()}: the checksum of row ${damaged} of a batch does not match`)
    await shard.loadRows(batch)
  }
}
