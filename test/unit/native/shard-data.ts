import { decodeIds, encodeIds, type PointId } from '../../../src/core/point.js'
import type { RowBlock, SearchRequest, ShardSpec, TextBuffers } from '../../../src/native/addon.js'
import { Shard } from '../../../src/native/shard.js'
import { prepareVectors } from '../../../src/native/vectors.js'

export const NO_FIELDS = { payload: false, vectors: new Uint32Array(0) }
export const PAYLOAD = { payload: true, vectors: new Uint32Array(0) }

export function spec(dim: number, options: Partial<ShardSpec> = {}): ShardSpec {
  const vectors: ShardSpec['vectors'] = [{ name: '', dim, metric: 'cosine', m: 16, efConstruct: 120 }]
  return { vectors, segmentBytes: 2 ** 30, trackChanges: true, ...options }
}

/** Repeatable numbers in [0, 1): the same seed gives the same numbers. */
export function randomNumbers(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296
  }
}

/**
 * Unit vectors like embeddings: around centres of different weight, in a space of fewer dimensions than they have
 * components. Uniform noise is unlike any real data.
 */
export async function clusteredVectors(count: number, dim: number, seed: number): Promise<Float32Array> {
  const random = randomNumbers(seed)
  const gaussian = () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random())
  const centres = Array.from({ length: 64 }, () => Float32Array.from({ length: dim }, gaussian))
  const axes = Array.from({ length: 12 }, () => Float32Array.from({ length: dim }, gaussian))
  const data = new Float32Array(count * dim)
  for (let row = 0; row < count; row++) {
    const centre = centres[Math.floor(random() ** 2 * centres.length)] as Float32Array
    const weights = axes.map(() => 0.4 * gaussian())
    for (let at = 0; at < dim; at++) {
      let value = (centre[at] as number) + 0.2 * gaussian()
      for (let axis = 0; axis < axes.length; axis++) {
        value += (weights[axis] as number) * ((axes[axis] as Float32Array)[at] as number)
      }
      data[row * dim + at] = value
    }
  }
  await prepareVectors(data, dim, true)
  return data
}

/** A shard of this many vectors with its graph; it is added to those to close. */
export async function filledShard(open: Shard[], count: number, dim: number) {
  const shard = new Shard(spec(dim))
  open.push(shard)
  const data = await clusteredVectors(count, dim, 1)
  await shard.upsert({ ids: sequence(0, count), seq: 1, vectors: [{ vector: 0, data, rows: null }], payloads: null })
  await shard.waitForIndex()
  return { shard, data }
}

export function texts(values: readonly (unknown | undefined)[]): TextBuffers {
  const parts = values.map((value) => Buffer.from(value === undefined ? '' : JSON.stringify(value)))
  const offsets = new Uint32Array(parts.length + 1)
  for (let at = 0; at < parts.length; at++) offsets[at + 1] = (offsets[at] as number) + (parts[at] as Buffer).length
  return { bytes: new Uint8Array(Buffer.concat(parts)), offsets }
}

export function sequence(from: number, count: number): Uint32Array {
  return encodeIds(Array.from({ length: count }, (_, at) => from + at))
}

export function query(vector: Float32Array, options: Partial<SearchRequest> = {}): SearchRequest {
  return {
    vector: 0,
    query: vector,
    limit: 10,
    offset: 0,
    ef: 64,
    recall: 0.95,
    exact: false,
    indexedOnly: false,
    scoreThreshold: null,
    filter: null,
    exclude: null,
    fields: NO_FIELDS,
    ...options,
  }
}

export function idsOf(block: RowBlock): PointId[] {
  return decodeIds(block.ids)
}

export function payloadsOf(block: RowBlock): unknown[] {
  const { bytes, offsets } = block.payloads as TextBuffers
  return Array.from({ length: block.count }, (_, at) => {
    const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString(
      'utf8',
      offsets[at],
      offsets[at + 1],
    )
    return text === '' ? null : JSON.parse(text)
  })
}

/** The share of `expected` that is in `found`. */
export function recall(found: readonly PointId[], expected: readonly PointId[]): number {
  const wanted = new Set(expected)
  return expected.length === 0 ? 1 : found.filter((id) => wanted.has(id)).length / expected.length
}
