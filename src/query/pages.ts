import type { RetrieveOptions, ScrollOptions, ScrollPage, StoredPoint } from '../core/database.js'
import { badRequest } from '../core/errors.js'
import { decodeIds, encodeId, ID_WORDS, type PointId } from '../core/point.js'
import type { FacetHit, FacetOptions } from '../core/query.js'
import type { Schema } from '../core/schema.js'
import type { Stoppable } from '../core/stop.js'
import { filterContext } from '../filter/parse.js'
import { parsePath } from '../filter/path.js'
import { compileFilter } from '../filter/program.js'
import type { FacetResult } from '../native/addon.js'
import type { Shard } from '../native/shard.js'
import { boundedRows, DEFAULT_LIMIT } from './amounts.js'
import type { BytesRead } from './explain.js'
import { orderOf } from './parse-order.js'
import { orderValueAt, projectionOf, RowReader } from './rows.js'
import type { Source } from './source.js'
import { distinctIds, encodedIds, listOf, Turns } from './turns.js'

const OFFSET_WITH_ORDER =
  "Cannot use an `offset` when using `order_by`. The alternative for paging is to use `order_by.start_from` and a filter to exclude the IDs that you've already seen for the `order_by.start_from` value"

/** Points by id in the order asked for. Absent ones are left out, and a repeated id is returned once. */
export async function retrieve<P>(
  shard: Shard,
  schema: Schema,
  ids: readonly PointId[],
  options: RetrieveOptions,
  call: Stoppable | undefined,
  read?: BytesRead,
): Promise<StoredPoint<P>[]> {
  const projection = projectionOf(options, schema)
  const turns = new Turns(call)
  const encoded = await turns.take(encodedIds(ids.length, (at) => ids[at] as PointId, 'ids', schema.textIds))
  const block = await shard.retrieve(await turns.take(distinctIds(encoded)), projection.fields, call)
  read?.add(block)
  return await new Turns(call).take(new RowReader(block, projection).points<P>())
}

export async function scrollPage<P>(
  shard: Shard,
  schema: Schema,
  options: ScrollOptions,
  call?: Stoppable,
): Promise<ScrollPage<P>> {
  const limit = boundedRows(options.limit ?? DEFAULT_LIMIT)
  const projection = projectionOf(options, schema)
  const from = firstId(options.offset, schema)
  const filter = options.filter ? compileFilter(options.filter, filterContext(schema)) : null
  if (options.orderBy !== undefined && options.orderBy !== null) {
    if (from) throw badRequest('offset', OFFSET_WITH_ORDER)
    const { key: field, descending, from: start } = orderOf(options.orderBy, 'orderBy')
    const request = { field, descending, from: start, limit, filter, fields: projection.fields }
    const ordered = await shard.orderBy(request, call?.signal)
    const points = await new Turns(call).take(new RowReader(ordered, projection).points<P>())
    for (const [row, point] of points.entries()) point.orderValue = orderValueAt(ordered, row)
    return { points, nextOffset: null }
  }
  const block = await shard.scroll({ from, limit, filter, fields: projection.fields }, call?.signal)
  const points = await new Turns(call).take(new RowReader(block, projection).points<P>())
  const [nextOffset = null] = block.next ? await toldIds({ shard, schema }, block.next, call) : []
  return { points, nextOffset }
}

/** Ids as answers tell them: in a collection of texts their texts, but for points that are deleted meanwhile. */
export async function toldIds(
  { shard, schema }: Pick<Source, 'shard' | 'schema'>,
  ids: Uint32Array,
  call?: Stoppable,
): Promise<PointId[]> {
  const told = decodeIds(ids)
  if (!schema.textIds) return told
  const projection = projectionOf({ withPayload: false }, schema)
  const block = await shard.retrieve(ids, projection.fields, call)
  const reader = new RowReader(block, projection)
  for (const [row, position] of block.positions.entries()) told[position] = reader.point(row).id
  return told
}

/** The id that a page begins with, in words. */
export function firstId(offset: PointId | null | undefined, { textIds }: Schema): Uint32Array | null {
  if (offset === undefined || offset === null) return null
  const from = new Uint32Array(ID_WORDS)
  encodeId(offset, from, 0, 'offset', textIds)
  return from
}

/** The number of points with each value of an indexed field: most frequent first, then in the order of the values. */
export async function facet({ shard, schema }: Source, options: FacetOptions, call?: Stoppable): Promise<FacetHit[]> {
  const limit = boundedRows(options.limit ?? DEFAULT_LIMIT)
  parsePath(options.key, 'key')
  const filter = options.filter ? compileFilter(options.filter, filterContext(schema)) : null
  const result = await shard.facet({ field: options.key, limit, filter }, call?.signal)
  const { counts } = result
  return await new Turns(call).take(
    listOf(counts.length, (at) => ({ value: valueAt(result, at), count: counts[at] as number })),
  )
}

function valueAt({ texts, integers, kind }: FacetResult, at: number): FacetHit['value'] {
  if (texts) {
    const { bytes, offsets } = texts
    return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8', offsets[at], offsets[at + 1])
  }
  const value = (integers as BigInt64Array)[at] as bigint
  if (kind === 'bool') return value !== 0n
  return Number.isSafeInteger(Number(value)) ? Number(value) : value
}
