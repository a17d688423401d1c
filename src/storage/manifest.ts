import { VicinalError } from '../core/errors.js'
import type { Filter } from '../core/filter.js'
import type { Cleaning } from '../core/ingest.js'
import type { VectorPlacement } from '../core/memory.js'
import { SEGMENT_FILE, UUID } from '../core/names.js'
import type { PayloadIndexKind, PayloadIndexParams } from '../core/payload-index.js'
import {
  type CollectionConfig,
  DEFAULT_HNSW,
  HnswConfig,
  OptimizersConfig,
  QuantizationConfig,
  type ResolvedVector,
  StrictModeConfig,
  type VectorOverrides,
  WalConfig,
} from '../core/schema.js'
import { read } from '../core/vocabulary/reader.js'
import type { Disk } from '../disk/disk.js'
import { decodeChecked, encodeChecked, type FileKind } from './checked-file.js'
import type { TableLayout } from './table-layout.js'

/** The description of a collection and the names of its files: the root of all durable data. */
export interface Manifest {
  uuid: string
  name: string
  config: CollectionConfig
  /** Absent until a vector is added or dropped. It changes together with `tableVersion`, or before it. */
  layout?: TableLayout
  payloadIndexes: { field: string; kind: PayloadIndexKind; params?: PayloadIndexParams }[]
  /** Version of the Lance table; 0 while there is no table yet. */
  tableVersion: number
  /** The table holds every operation up to this one. */
  flushedSeq: number
  /** The segments hold every operation up to this one. */
  checkpointSeq: number
  /** In the kernel's order; the last one takes rows. */
  segments: SegmentEntry[]
  /** The end of the log at the last clean close: everything before it must be whole. */
  cleanEnd: { file: string; offset: number } | null
  /** How far sources of streams were taken, as of `flushedSeq`; the one written last is the last. */
  sources?: { name: string; position: number; recent?: { vectors: string[]; rows: string } }[]
  /** Counts of the rules by day. */
  ruleCounts?: (Omit<Cleaning, 'errors'> & { day: string })[]
  /** The points that quality reports compare the others with. */
  qualityReference?: { operationId: number } | { filter: Filter } | null
  /** Time as in RFC 3339. */
  createdAt: string
  /** The uuid of the collection that this one replaced. The next open removes its remains. */
  replaces?: string
}

export interface SegmentEntry {
  file: string
  bytes: number
  crc: number
  overlay: { file: string; bytes: number; crc: number } | null
  /** Whether it was built for an earlier configuration and must be rebuilt. */
  outdated?: boolean
}

/** Version 2 knows collections whose ids are texts. An earlier reader would lose the texts, so it must refuse these. */
const KIND: FileKind = { magic: 'VICMANI\n', formatVersion: 2, leastReader: 1, maxBytes: 16 * 1024 * 1024 }
const WITH_TEXT_IDS: FileKind = { ...KIND, leastReader: 2 }

/** Replaces the manifest on stable storage: a crash leaves the old one or the new one. */
export async function writeManifest(disk: Disk, path: string, manifest: Manifest): Promise<void> {
  await disk.replaceFile(path, encodeManifest(path, manifest))
}

export async function readManifest(disk: Disk, path: string): Promise<Manifest> {
  return decodeManifest(path, await disk.readFile(path, KIND.maxBytes))
}

/** `path` is for messages, here and in `decodeManifest`. */
export function encodeManifest(path: string, manifest: Manifest): Buffer {
  return encodeChecked(path, manifest.config.ids === 'text' ? WITH_TEXT_IDS : KIND, manifest)
}

/** Throws CORRUPT or UNSUPPORTED_FORMAT. */
export function decodeManifest(path: string, bytes: Buffer): Manifest {
  const body = decodeChecked(path, KIND, bytes)
  const none = (cause?: unknown) =>
    new VicinalError('CORRUPT', `${path}: the body is no manifest`, { details: { path }, cause })
  if (!isManifest(body)) throw none()
  try {
    return { ...body, config: completeConfig(body.config) }
  } catch (cause) {
    // A manifest that was not written here, such as a snapshot's, may hold anything.
    throw none(cause)
  }
}

/** Manifests of earlier builds lack codes and placements, and spell some settings as the wire does. */
interface EarlierVector extends Omit<ResolvedVector, 'memory'> {
  onDisk?: boolean
  memory?: VectorPlacement
}
type EarlierHnsw = HnswConfig & { tuning?: object }

const EARLIER = {
  quantization: 'auto' as const,
  quantizationConfig: null,
  optimizersConfig: {},
  walConfig: {},
  strictModeConfig: null,
  metadata: null,
  sparseVectors: [],
}

function completeConfig(given: CollectionConfig): CollectionConfig {
  const config = { ...EARLIER, ...given }
  const { quantizationConfig, strictModeConfig } = config
  const hnswConfig = { ...DEFAULT_HNSW, ...hnswOf(config.hnswConfig) }
  return {
    ...config,
    vectors: config.vectors.map((vector) => completeVector(vector, hnswConfig)),
    hnswConfig,
    quantizationConfig: quantizationConfig && read(QuantizationConfig, quantizationConfig, 'library'),
    optimizersConfig: read(OptimizersConfig, config.optimizersConfig, 'library'),
    walConfig: read(WalConfig, config.walConfig, 'library'),
    strictModeConfig: strictModeConfig && read(StrictModeConfig, strictModeConfig, 'library'),
  }
}

function completeVector({ onDisk, ...vector }: EarlierVector, { m, efConstruct }: HnswConfig): ResolvedVector {
  const memory = { vectors: onDisk ? 'cold' : 'cached', graph: 'cached', codes: 'cached' } as const
  const isOwn = vector.m !== m || vector.efConstruct !== efConstruct
  const overrides: VectorOverrides = isOwn ? { hnswConfig: { m: vector.m, efConstruct: vector.efConstruct } } : {}
  const complete = { ...{ quantization: 'auto' as const, overrides, memory }, ...vector }
  const { hnswConfig, quantizationConfig } = complete.overrides
  return {
    ...complete,
    overrides: {
      ...complete.overrides,
      ...(hnswConfig ? { hnswConfig: hnswOf(hnswConfig) } : {}),
      ...(quantizationConfig ? { quantizationConfig: read(QuantizationConfig, quantizationConfig, 'library') } : {}),
    },
  }
}

function hnswOf({ tuning, ...config }: EarlierHnsw): HnswConfig {
  return read(HnswConfig, { ...tuning, ...config }, 'library')
}

/** Checks that it is a manifest, and that its names are no paths: files are opened, replaced and removed by them. */
function isManifest(body: unknown): body is Manifest {
  const manifest = body as Partial<Manifest> | null
  return (
    isUuid(manifest?.uuid) &&
    (manifest?.replaces === undefined || isUuid(manifest.replaces)) &&
    typeof manifest?.name === 'string' &&
    Array.isArray(manifest.config?.vectors) &&
    Array.isArray(manifest.payloadIndexes) &&
    Array.isArray(manifest.segments) &&
    manifest.segments.every((entry) => isFile(entry) && (entry.overlay === null || isFile(entry.overlay))) &&
    [manifest.tableVersion, manifest.flushedSeq, manifest.checkpointSeq].every(Number.isSafeInteger)
  )
}

const isUuid = (value: unknown) => typeof value === 'string' && UUID.test(value)

function isFile(value: unknown): boolean {
  const { file, bytes, crc } = (value ?? {}) as Partial<SegmentEntry>
  const isName = typeof file === 'string' && SEGMENT_FILE.test(file)
  return isName && [bytes, crc].every((number) => Number.isSafeInteger(number) && (number as number) >= 0)
}
