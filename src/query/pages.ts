import type { RetrieveOptions, ScrollOptions, ScrollPage, StoredPoint } from '../core/database.js'
import { badRequest } from '../core/errors.js'
import { decodeId, encodeId, ID_WORDS, type PointId } from '../core/point.js'
import type { SchemaVector } from '../core/schema.js'
import type { Stoppable } from '../core/stop.js'
import { compileFilter } from '../filter/program.js'
import type { Shard } from '../native/shard.js'
import { boundedRows, DEFAULT_LIMIT } from './amounts.js'
import type { BytesRead } from './bytes-read.js'
import { distinctIds, encodedIds } from './long-lists.js'
import { orderOf } from './parse-order.js'
import { orderValueAt, projectionOf, RowReader } from './rows.js'
import { Turns } from './turns.js'

const OFFSET_WITH_ORDER =
  "Cannot use an `offset` when using `order_by`. The alternative for paging is to use `order_by.start_from` and a filter to exclude the IDs that you've already seen for the `order_by.start_from` value"

/** Points by id in the order asked for. Absent ones are left out, and a repeated id is returned once. */
export async function retrieve<P>(
  shard: Shard,
  schema: readonly SchemaVector[],
  ids: readonly PointId[],
  options: RetrieveOptions,
  call: Stoppable | undefined,
  read?: BytesRead,
): Promise<StoredPoint<P>[]> {
  const projection = projectionOf(options, schema)
  const turns = new Turns(call)
  const encoded = await turns.take(encodedIds(ids.length, (at) => ids[at] as PointId))
  const block = await shard.retrieve(await turns.take(distinctIds(encoded)), projection.fields, call)
  read?.add(block)
  return await new Turns(call).take(new RowReader(block, projection).points<P>())
}

export async function scrollPage<P>(
  shard: Shard,
  schema: readonly SchemaVector[],
  options: ScrollOptions,
  call?: Stoppable,
): Promise<ScrollPage<P>> {
  const limit = boundedRows(options.limit ?? DEFAULT_LIMIT)
  const projection = projectionOf(options, schema)
  const from = firstId(options.offset)
  const filter = options.filter ? compileFilter(options.filter, { vectorNames: schema.map(({ name }) => name) }) : null
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
  return { points, nextOffset: block.next ? decodeId(block.next, 0) : null }
}

function firstId(offset: PointId | null | undefined): Uint32Array | null {
  if (offset === undefined || offset === null) return null
  const from = new Uint32Array(ID_WORDS)
  encodeId(offset, from, 0, 'offset')
  return from
}
