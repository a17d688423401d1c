import { type Awaitable, andThen } from '../core/awaitable.js'
import type { Hit } from '../core/database.js'
import { encodeIds, type Payload } from '../core/point.js'
import type { RowBlock } from '../native/addon.js'
import type { BytesRead } from './bytes-read.js'
import { type Projection, RowReader } from './rows.js'
import type { Source } from './source.js'

/** The hits with the fields that the caller asked for. Points deleted meanwhile are left out. */
export function withFields(
  source: Source,
  hits: readonly Hit[],
  projection: Projection,
  read?: BytesRead,
): Awaitable<Hit[]> {
  const { fields } = projection
  if (hits.length === 0 || (!fields.payload && fields.vectors.length === 0)) return [...hits]
  const ids = encodeIds(hits.map(({ id }) => id))
  return andThen(source.shard.retrieve(ids, fields), (block) => {
    read?.add(block)
    return filled(block, hits, projection)
  })
}

function filled(block: RowBlock & { positions: Uint32Array }, hits: readonly Hit[], projection: Projection): Hit[] {
  const reader = new RowReader(block, projection)
  return Array.from({ length: block.count }, (_, row) => {
    const { id, version, score, orderValue } = hits[block.positions[row] as number] as Hit
    const { payload, vector } = reader.point<Payload>(row)
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
