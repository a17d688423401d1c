import type { ReadableCollection } from '../core/database.js'
import { invalid } from '../core/errors.js'
import type { Filter } from '../core/filter.js'
import { type PointId, RawJson, type StoredVector } from '../core/point.js'
import { POINT_OVERHEAD_BYTES, payloadBytes, vectorBytes } from '../core/point-bytes.js'
import type { CollectionConfig } from '../core/schema.js'

/** The parts of a collection that are exported. */
export interface Selection {
  filter?: Filter | undefined
  /** Names of vectors; absent: all. */
  vectors?: readonly string[] | undefined
  /** Keys of payloads; absent: all, none: no payload. */
  payload?: readonly string[] | undefined
}

export interface ExportedPoint {
  id: PointId
  vector?: StoredVector | Record<string, StoredVector>
  payload?: object | RawJson | null
}

export interface LaidVector {
  name: string
  kind: 'dense' | 'multi' | 'sparse'
  size: number
}

/** The columns of an export. */
export interface Layout {
  /** Integers of 64 bits, or texts: UUIDs, with integers among them as digits, or text ids. */
  ids: 'number' | 'text'
  vectors: readonly LaidVector[]
  payload: boolean
}

/** The first of all UUIDs in the order of ids, in which numbers come first. */
const FIRST_UUID = '00000000-0000-0000-0000-000000000000'
/** Numbers of vectors, points, and bytes with payloads, in one page; one point may have more bytes. */
const PAGE_FLOATS = 1_048_576
const MOST_PAGE_POINTS = 2_048
const PAGE_BYTES = 16 * 1024 * 1024
const FIRST_PAGE_POINTS = 64

export async function layoutOf(
  collection: ReadableCollection,
  config: CollectionConfig,
  selection: Selection,
): Promise<Layout> {
  const all = [...config.vectors, ...config.sparseVectors].map(({ name, size, multivectorConfig }): LaidVector => {
    const kind = size === 0 ? 'sparse' : multivectorConfig ? 'multi' : 'dense'
    return { name, kind, size }
  })
  const unknown = selection.vectors?.find((name) => !all.some((vector) => vector.name === name))
  if (unknown !== undefined) {
    throw invalid('vectors', `expected some of ${all.map(({ name }) => name || "''").join(', ')}`, unknown)
  }
  const vectors = all.filter(({ name }) => selection.vectors?.includes(name) ?? true)
  const { filter = null } = selection
  const page = { limit: 1, withPayload: false, filter }
  const isText =
    config.ids === 'text' || (await collection.scrollPage({ ...page, offset: FIRST_UUID })).points.length > 0
  return { ids: isText ? 'text' : 'number', vectors, payload: selection.payload?.length !== 0 }
}

/**
 * The points in the order of their ids, page by page: those of the next page are read while this one is written. How many
 * are read at once follows from the bytes of those before.
 */
export async function* pagesOf(
  collection: ReadableCollection,
  { vectors, payload }: Layout,
  selection: Selection,
): AsyncGenerator<readonly ExportedPoint[]> {
  const floats = vectors.reduce((sum, { size, kind }) => sum + (kind === 'dense' ? size : MOST_PAGE_POINTS), 1)
  const keys = selection.payload
  const most = Math.max(1, Math.min(MOST_PAGE_POINTS, Math.floor(PAGE_FLOATS / floats)))
  let limit = Math.min(most, FIRST_PAGE_POINTS)
  const options = {
    filter: selection.filter ?? null,
    withVector: selection.vectors ? vectors.map(({ name }) => name) : true,
    withPayload: payload && keys ? keys : payload,
    rawPayload: true,
  }
  let next = collection.scrollPage({ ...options, limit })
  for (;;) {
    const { points, nextOffset } = await next
    const sizes = (points as readonly ExportedPoint[]).map(sizeOf)
    const bytes = sizes.reduce((sum, size) => sum + size, 1)
    if (nextOffset !== null) {
      limit = Math.max(1, Math.min(most, limit * 2, Math.floor((PAGE_BYTES * points.length) / bytes)))
      next = collection.scrollPage({ ...options, limit, offset: nextOffset })
      next.catch(() => undefined)
    }
    yield* cutByBytes(points as readonly ExportedPoint[], sizes)
    if (nextOffset === null) return
  }
}

function sizeOf({ vector, payload }: ExportedPoint): number {
  // Its bytes alone: to count its values would take longer than to write it.
  const text = payload instanceof RawJson ? Buffer.byteLength(payload.text) : payloadBytes(payload, 'payload')
  return POINT_OVERHEAD_BYTES + vectorBytes(vector) + text
}

/** Larger points than those before make a page too large: offsets in its columns have 32 bits. */
function* cutByBytes(points: readonly ExportedPoint[], sizes: readonly number[]): Generator<readonly ExportedPoint[]> {
  let start = 0
  let bytes = 0
  for (const [at, size] of sizes.entries()) {
    if (at > start && bytes + size > PAGE_BYTES) {
      yield points.slice(start, at)
      start = at
      bytes = 0
    }
    bytes += size
  }
  if (start < points.length) yield points.slice(start)
}
