import type { RetrieveOptions, ScrollOptions, ScrollPage, StoredPoint } from '../core/database.js'
import { LIMITS } from '../core/limits.js'
import { decodeId, distinctIds, encodeId, encodeIds, ID_WORDS, type PointId } from '../core/point.js'
import type { ResolvedVector } from '../core/schema.js'
import { compileFilter } from '../filter/program.js'
import type { Shard } from '../native/shard.js'
import { projectionOf, RowReader } from './rows.js'
import { bounded } from './search.js'

const DEFAULT_PAGE = 10

/** Points by id, in the order asked for; absent ones are left out, and a repeated id comes once. */
export async function retrieve<P>(
  shard: Shard,
  schema: readonly ResolvedVector[],
  ids: readonly PointId[],
  options: RetrieveOptions,
): Promise<StoredPoint<P>[]> {
  bounded(ids.length, 0, LIMITS.resultLimit, 'ids.length')
  const projection = projectionOf(options, schema)
  const block = await shard.retrieve(distinctIds(encodeIds(ids)), projection.fields)
  const reader = new RowReader(block, projection)
  return Array.from({ length: block.count }, (_, row) => reader.point<P>(row))
}

export async function scrollPage<P>(
  shard: Shard,
  schema: readonly ResolvedVector[],
  options: ScrollOptions,
  signal?: AbortSignal,
): Promise<ScrollPage<P>> {
  const limit = bounded(options.limit ?? DEFAULT_PAGE, 1, LIMITS.resultLimit, 'limit')
  const projection = projectionOf(options, schema)
  const from = firstId(options.offset)
  const filter = options.filter ? compileFilter(options.filter, { vectorNames: schema.map(({ name }) => name) }) : null
  const block = await shard.scroll({ from, limit, filter, fields: projection.fields }, signal)
  const reader = new RowReader(block, projection)
  const points = Array.from({ length: block.count }, (_, row) => reader.point<P>(row))
  return { points, nextOffset: block.next ? decodeId(block.next, 0) : null }
}

function firstId(offset: PointId | null | undefined): Uint32Array | null {
  if (offset === undefined || offset === null) return null
  const from = new Uint32Array(ID_WORDS)
  encodeId(offset, from, 0, 'offset')
  return from
}
