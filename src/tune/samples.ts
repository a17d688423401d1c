/** The vectors that configurations are measured on, and the queries that measure them. */

import { VicinalError } from '../core/errors.js'
import { LIMITS } from '../core/limits.js'
import { ID_WORDS } from '../core/point.js'
import type { ResolvedVector } from '../core/schema.js'
import { formatOf, openSource } from '../import/formats.js'
import { choiceOf, mappingOf } from '../import/mapping.js'
import { START } from '../import/source.js'
import type { Shard } from '../native/shard.js'
import type { ReadRow } from '../readers/rows.js'
import { UsageError } from '../terminal/usage-error.js'

const PAGE_FLOATS = 4_194_304
const MOST_PAGE_ROWS = 16_384
/** Bytes of the sample, since vectors are held several times. A memory limit may lower this. */
const MOST_SAMPLE_BYTES = 256 * 1024 * 1024
/**
 * Most copies of a vector in memory, codes and graphs included: the sample, its split, each finalist, and the build.
 */
const HELD_TIMES = 12
/** Fewer vectors do not show a difference. */
const LEAST_SAMPLE = 1_000
/** Share of stored vectors that may be held out as queries. */
const MOST_HELD_OUT_SHARE = 0.1

export interface Samples {
  dim: number
  /** `count × dim` floats. */
  vectors: Float32Array
  count: number
  /** `queryCount × dim` floats. */
  queries: Float32Array
  queryCount: number
  /** Whether some vectors of the collection were left out, besides the queries. */
  isPart: boolean
  /** The source of the queries, as text for the user. */
  source: string
}

export interface SampleOptions {
  /** Bound on the vectors. */
  most: number
  queries: number
  /** A file with queries; without it stored vectors are held out. */
  queryFile: string | undefined
  format: string | undefined
  memoryLimitBytes: number | undefined
}

/** Samples vectors evenly from the whole collection. Held-out queries are not among them, so none finds itself. */
export async function takeSamples(
  shard: Shard,
  vector: number,
  { name, size: dim }: ResolvedVector,
  options: SampleOptions,
): Promise<Samples> {
  const live = shard.stats().vectors[vector]?.live ?? 0
  if (live < 2) throw new VicinalError('INVALID_ARGUMENT', `it holds ${live} vectors; there is nothing to tune`)
  const given = options.queryFile === undefined ? null : await readQueries(options, name, dim)
  const heldOut = given ? 0 : Math.max(1, Math.min(options.queries, Math.floor(live * MOST_HELD_OUT_SHARE)))
  const most = Math.min(options.most, mostInMemory(dim, Math.min(live, options.most), options.memoryLimitBytes))
  const taken = Math.min(live, most + heldOut)
  const all = await readEvenly(shard, vector, dim, live, taken)
  const { kept, held } = split(all.data, all.count, dim, Math.min(heldOut, all.count - 1))
  return {
    dim,
    vectors: kept,
    count: kept.length / dim,
    queries: given ?? held,
    queryCount: (given ?? held).length / dim,
    isPart: taken < live,
    source: given ? (options.queryFile as string) : 'stored vectors, held out',
  }
}

/** The most vectors of a sample within the memory limit, minus the process's memory before measuring. */
function mostInMemory(dim: number, wanted: number, memoryLimitBytes: number | undefined): number {
  const vectorBytes = dim * Float32Array.BYTES_PER_ELEMENT
  const usual = Math.max(1, Math.floor(MOST_SAMPLE_BYTES / vectorBytes))
  if (memoryLimitBytes === undefined) return usual
  const most = Math.floor((memoryLimitBytes - LIMITS.leastMemoryLimitBytes) / HELD_TIMES / vectorBytes)
  const least = Math.min(wanted, LEAST_SAMPLE)
  if (most >= least) return Math.min(usual, most)
  const enough = LIMITS.leastMemoryLimitBytes + least * HELD_TIMES * vectorBytes
  throw new UsageError(
    `--memory-limit: expected at least ${Math.ceil(enough / 1e6)} MB to measure on ${least} vectors, got ${memoryLimitBytes} bytes`,
  )
}

/** Reads `wanted` of the `live` vectors, evenly in the order of their ids. */
async function readEvenly(shard: Shard, vector: number, dim: number, live: number, wanted: number) {
  const data = new Float32Array(wanted * dim)
  const limit = Math.max(1, Math.min(MOST_PAGE_ROWS, Math.floor(PAGE_FLOATS / dim)))
  const fields = { payload: false, vectors: Uint32Array.of(vector) }
  let count = 0
  let seen = 0
  for (let from: Uint32Array | null = new Uint32Array(ID_WORDS), isFirst = true; isFirst || from; isFirst = false) {
    const page = await shard.scroll({ from: isFirst ? null : from, limit, filter: null, fields })
    const [column] = page.vectors
    for (let row = 0; column && row < page.count && count < wanted; row++) {
      if (!column.counts[row]) continue
      // Takes a vector each time the share seen passes another whole one.
      if (Math.floor(((seen + 1) * wanted) / live) > Math.floor((seen * wanted) / live)) {
        data.set(column.data.subarray(row * dim, (row + 1) * dim), count * dim)
        count++
      }
      seen++
    }
    from = page.next
  }
  return { data: data.subarray(0, count * dim), count }
}

/** Splits off `heldOut` of the rows, evenly. */
function split(data: Float32Array, count: number, dim: number, heldOut: number) {
  const held = new Float32Array(heldOut * dim)
  const kept = new Float32Array((count - heldOut) * dim)
  let taken = 0
  for (let row = 0; row < count; row++) {
    const vector = data.subarray(row * dim, (row + 1) * dim)
    if (Math.floor(((row + 1) * heldOut) / count) > Math.floor((row * heldOut) / count)) {
      held.set(vector, taken * dim)
      taken++
    } else {
      kept.set(vector, (row - taken) * dim)
    }
  }
  return { kept, held }
}

async function readQueries(options: SampleOptions, name: string, dim: number): Promise<Float32Array> {
  const path = options.queryFile as string
  const source = await openSource(path, formatOf(path, options.format))
  try {
    const mapping = mappingOf(await source.shape(), { idColumn: undefined, vectors: [], existing: [name] }, path)
    const [vector] = mapping.vectors as [(typeof mapping.vectors)[number]]
    if (vector.shape.size !== dim)
      throw wrongFile(path, `expected queries of ${dim} dimensions, got ${vector.shape.size}`)
    const parts: Float32Array[] = []
    for await (const { rows, first } of source.rows(choiceOf(mapping), START)) {
      for (const [at, row] of rows.entries()) {
        if (row === null || parts.length === options.queries) continue
        const query = queryOf(row, vector.name, dim)
        if (typeof query === 'string') throw wrongFile(path, `row ${first + at}: ${query}`)
        if (query) parts.push(query)
      }
      if (parts.length === options.queries) break
    }
    const rows = parts.length
    if (rows === 0) throw wrongFile(path, 'the file has no query')
    const queries = new Float32Array(rows * dim)
    for (const [row, query] of parts.entries()) queries.set(query, row * dim)
    return queries
  } finally {
    await source.close()
  }
}

/** The query of a row, or why it has none; null: the row has no vector. */
function queryOf(row: ReadRow, name: string, dim: number): Float32Array | string | null {
  if ('error' in row) return row.error.message
  const { vector } = row.point
  const numbers = (Array.isArray(vector) ? vector : (vector as Record<string, unknown>)[name]) as
    | readonly number[]
    | undefined
  if (numbers === undefined) return null
  const query = Float32Array.from(numbers)
  if (query.length !== dim) return `expected ${dim} dimensions, got ${query.length}`
  return query.every(Number.isFinite) ? query : 'expected finite numbers'
}

function wrongFile(path: string, what: string): VicinalError {
  return new VicinalError('INVALID_ARGUMENT', `${path}: ${what}`)
}
