/** The points that a report looks at. */
import { LIMITS } from '../core/limits.js'
import { decodeIds, ID_WORDS, idKey, type PointId } from '../core/point.js'
import type { Schema } from '../core/schema.js'
import type { FilterNode } from '../filter/node.js'
import { compileNode } from '../filter/program.js'
import type { Shard } from '../native/shard.js'
import { toldIds } from '../query/pages.js'

/** A collection as a report reads it. */
export interface Subject {
  readonly shard: Shard
  readonly schema: Schema
  /** Aborted if nobody waits for the report any more. */
  readonly signal: AbortSignal
}

/** Points of a collection: up to an operation, after it, or by a filter. */
export interface Population {
  readonly filter?: FilterNode | null
  readonly afterSeq?: number
  readonly throughSeq?: number
}

/** Vectors of points that were chosen at random, in random order. */
export interface Sample {
  readonly count: number
  readonly dim: number
  /** ID_WORDS of each point. */
  readonly ids: Uint32Array
  /** For each vector asked for, the vectors of all points end to end. */
  readonly vectors: Float32Array[]
}

export interface Wanted {
  /** Vectors that every point has, of equal dimensions. */
  readonly vectors: readonly number[]
  readonly most: number
  readonly seed: number
}

/** Each point of the population is equally likely to be chosen. */
export async function sampleOf(subject: Subject, wanted: Wanted, population: Population = {}): Promise<Sample> {
  const { shard, schema, signal } = subject
  const [first] = wanted.vectors as [number]
  const dim = schema[first]?.size as number
  const bytes = wanted.vectors.length * dim * Float32Array.BYTES_PER_ELEMENT
  const { filter, ...window } = population
  const children: FilterNode[] = wanted.vectors.map((vector) => ({ op: 'hasVector', vector }))
  const block = await shard.sample(
    {
      limit: Math.max(2, Math.min(wanted.most, Math.floor(LIMITS.qualitySampleBytes / bytes))),
      seed: wanted.seed,
      filter: compileNode({ op: 'and', children: filter ? [...children, filter] : children }),
      fields: { payload: false, vectors: Uint32Array.from(wanted.vectors) },
      ...window,
    },
    signal,
  )
  return { count: block.count, dim, ids: block.ids, vectors: block.vectors.map(({ data }) => data) }
}

/** The ids of the points at these places of `ids`, as answers tell them. */
export async function namesOf({ shard, schema }: Subject, ids: Uint32Array, at: readonly number[]): Promise<PointId[]> {
  const words = new Uint32Array(at.length * ID_WORDS)
  for (const [to, from] of at.entries()) words.set(ids.subarray(from * ID_WORDS, (from + 1) * ID_WORDS), to * ID_WORDS)
  return schema.textIds ? await toldIds({ shard, schema }, words) : decodeIds(words)
}

/** A key of the id at a place. */
export function keyAt(ids: Uint32Array, at: number): string {
  return idKey(ids, at * ID_WORDS)
}
