import { isDeepStrictEqual } from 'node:util'
import { VicinalError } from '../../core/errors.js'
import { LIMITS } from '../../core/limits.js'
import { checkCollectionName, checkVectorName, SEGMENT_FILE, UUID } from '../../core/names.js'
import { UNNAMED_VECTOR } from '../../core/point.js'
import {
  type CollectionConfig,
  type CollectionOptions,
  DISTANCES,
  isSparse,
  QUANTIZATIONS,
  type ResolvedVector,
  schemaOf,
  type TableVector,
} from '../../core/schema.js'
import type { Manifest } from '../../storage/manifest.js'
import { liveVectors, type TableLayout } from '../../storage/table-layout.js'
import { checkPayloadIndex } from '../config/payload-index.js'
import { resolveConfig } from '../config/schema.js'
import { checkRestoredIngest } from './restored-ingest.js'

const WHOLE = (value: unknown) => Number.isSafeInteger(value) && (value as number) >= 0

/**
 * Checks a manifest that comes from outside. It must look like one that this build writes: names are no paths, and the
 * configuration is within a caller's bounds. Throws CORRUPT, with `where` in its message.
 */
export function checkRestoredManifest(manifest: Manifest, where = 'the snapshot is damaged: its manifest'): void {
  try {
    checkParts(manifest)
  } catch (cause) {
    throw new VicinalError('CORRUPT', `${where}: ${(cause as Error).message}`, { cause })
  }
}

function checkParts(manifest: Manifest): void {
  const { uuid, name, config, layout, payloadIndexes, segments, replaces, ...positions } = manifest
  // A snapshot never names another folder: the next open would remove the folder that `replaces` names.
  need(replaces === undefined, 'a collection it replaces')
  checkCollectionName(name)
  need(UUID.test(uuid), 'its uuid')
  const { tableVersion, flushedSeq, checkpointSeq } = positions
  need([tableVersion, flushedSeq, checkpointSeq].every(WHOLE) && checkpointSeq <= flushedSeq, 'its positions')
  for (const { file, bytes, crc, overlay } of segments) {
    for (const part of overlay ? [{ file, bytes, crc }, overlay] : [{ file, bytes, crc }]) {
      need(SEGMENT_FILE.test(part.file) && WHOLE(part.bytes) && WHOLE(part.crc), 'a segment')
    }
  }
  if (layout !== undefined) checkLayout(layout, config)
  need(payloadIndexes.length <= LIMITS.payloadIndexes, 'its payload indexes')
  for (const { field, kind, params } of payloadIndexes) checkPayloadIndex(field, { type: kind, ...params })
  for (const vector of config.vectors) checkVector(vector)
  const names = schemaOf(config).map(({ name }) => name)
  need(names.length <= LIMITS.vectorsPerCollection && new Set(names).size === names.length, 'its vectors')
  for (const name of names) if (name !== UNNAMED_VECTOR) checkVectorName(name)
  checkRestoredIngest(manifest)
  // The rest of the configuration is checked like a caller's.
  const { hnswConfig, optimizersConfig, walConfig, strictModeConfig, metadata } = config
  const sparseVectors = Object.fromEntries(
    config.sparseVectors.map(({ name, modifier, index }) => [name, { modifier, index }]),
  )
  need(config.sparseVectors.every(isSparse), 'a sparse vector')
  resolveConfig({
    vectors: { size: 1, distance: 'Dot' },
    sparseVectors,
    hnswConfig,
    optimizersConfig,
    walConfig,
    ...(strictModeConfig ? { strictModeConfig } : {}),
    ...(metadata ? { metadata } : {}),
  } as CollectionOptions)
}

/** Checks that the live vectors equal the configuration's, in order, and that every vector has its own slot. */
function checkLayout({ nextSlot, vectors }: TableLayout, config: CollectionConfig): void {
  need(WHOLE(nextSlot) && Array.isArray(vectors) && vectors.length <= LIMITS.tableVectors, 'its layout')
  const slots = new Set(vectors.map(({ slot }) => slot))
  need(slots.size === vectors.length && [...slots].every((slot) => WHOLE(slot) && slot < nextSlot), 'a slot')
  for (const { name, size, since, columnSuffix, multivectorConfig } of vectors) {
    need(typeof name === 'string' && WHOLE(size) && size <= LIMITS.dimensions, 'a vector of its layout')
    need(
      [since, columnSuffix].every((number) => number === undefined || WHOLE(number)),
      'a vector of its layout',
    )
    need(multivectorConfig === undefined || multivectorConfig.comparator === 'max_sim', 'a vector of its layout')
  }
  const described = (vector: TableVector) => [vector.name, vector.size, vector.multivectorConfig !== undefined].join()
  const live = liveVectors({ nextSlot, vectors })
  need(isDeepStrictEqual(live.map(described), schemaOf(config).map(described)), 'the vectors of its layout')
}

function checkVector(vector: ResolvedVector): void {
  const { name, size, distance, multivectorConfig, datatype, m, efConstruct, memory, quantization, overrides } = vector
  need(typeof name === 'string' && DISTANCES.includes(distance) && QUANTIZATIONS.includes(quantization), 'a vector')
  // The kernel does not check these values.
  resolveConfig({
    vectors: { size, distance, hnswConfig: { m, efConstruct, memory: memory.graph }, memory: memory.vectors },
  })
  const multi = { ...(multivectorConfig ? { multivectorConfig } : {}), ...(datatype ? { datatype } : {}) }
  resolveConfig({ vectors: { size, distance, ...multi, memory: memory.codes } })
  const { hnswConfig, quantizationConfig } = overrides
  resolveConfig({
    vectors: { size, distance, ...(hnswConfig ? { hnswConfig } : {}) },
    ...(quantizationConfig ? { quantizationConfig } : {}),
  })
}

function need(holds: boolean, what: string): void {
  if (!holds) throw new Error(`${what}: not valid`)
}
