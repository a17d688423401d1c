import type { Hit } from '../core/database.js'
import { andThen, type MaybePromise } from '../core/maybe-promise.js'
import type { Payload } from '../core/point.js'
import type { RowBlock } from '../native/addon.js'
import type { BytesRead } from './bytes-read.js'
import { encodedIds, listOf } from './long-lists.js'
import { type Projection, RowReader } from './rows.js'
import type { QueryScope } from './source.js'
import { type Steps, Turns } from './turns.js'

/** The hits with the fields that the caller asked for. Points deleted meanwhile are left out. */
export function withFields(
  { source, call }: Pick<QueryScope, 'source' | 'call'>,
  hits: readonly Hit[],
  projection: Projection,
  read?: BytesRead,
): MaybePromise<Hit[]> {
  const { fields } = projection
  if (hits.length === 0 || (!fields.payload && fields.vectors.length === 0)) return [...hits]
  const ids = new Turns(call).take(encodedIds(hits.length, (at) => (hits[at] as Hit).id))
  return andThen(
    andThen(ids, (asked) => source.shard.retrieve(asked, fields, call)),
    (block) => {
      read?.add(block)
      return new Turns(call).take(filled(block, hits, projection))
    },
  )
}

function filled(
  block: RowBlock & { positions: Uint32Array },
  hits: readonly Hit[],
  projection: Projection,
): Steps<Hit[]> {
  const reader = new RowReader(block, projection)
  return listOf(block.count, (row) => {
    const { version, score, orderValue } = hits[block.positions[row] as number] as Hit
    const { id, payload, vector } = reader.point<Payload>(row)
    return {
      id,
      version,
      score,
      ...(payload === undefined ? {} : { payload }),
      ...(vector === undefined ? {} : { vector }),
      ...(orderValue === undefined ? {} : { orderValue }),
    }
  })
}
