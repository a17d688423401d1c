import type { Hit } from '../core/database.js'
import { encodeIds, type Payload } from '../core/point.js'
import type { BytesRead } from './bytes-read.js'
import { type Projection, RowReader } from './rows.js'
import type { Source } from './source.js'

/** The points with what is to be seen of them. Those that have been deleted meanwhile are left out. */
export async function withFields(
  source: Source,
  hits: readonly Hit[],
  projection: Projection,
  read?: BytesRead,
): Promise<Hit[]> {
  const { fields } = projection
  if (hits.length === 0 || (!fields.payload && fields.vectors.length === 0)) return [...hits]
  const block = await source.shard.retrieve(encodeIds(hits.map(({ id }) => id)), fields)
  read?.add(block)
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
