/** Arrow tables on their way to a service: as columns where every point has every vector, else as points. */

import type { ArrowTable, ColumnarPoints, ColumnarVectors } from '../core/database.js'
import {
  decodeIds,
  type NamedVector,
  type Point,
  type PointColumns,
  type PointId,
  RawJson,
  type VectorColumn,
} from '../core/point.js'
import type { Schema } from '../core/schema.js'
import { splitTextId } from '../core/text-ids.js'
import { columnsOfArrow, isArrowTable } from '../ingest/arrow-columns.js'
import { sparseAt } from '../ingest/sparse-column.js'

export { isArrowTable }

export function pointsOfArrow(table: ArrowTable, schema: Schema): Point<RawJson>[] | ColumnarPoints {
  const columns = columnsOfArrow(table, schema)
  const ids = decodeIds(columns.ids)
  const payloads = payloadsOf(columns, schema.textIds ? ids : null)
  if (columns.vectors.every((column) => column.rows === null)) {
    const vectors = Object.fromEntries(
      columns.vectors.map((column) => [column.name, wholeColumn(column, columns.count)]),
    )
    return { ids, vectors, payloads }
  }
  const points = ids.map((id, i) => ({ id, vector: {} as Record<string, NamedVector>, payload: payloads[i] ?? null }))
  for (const column of columns.vectors) {
    const { name, data, rows } = column
    const count = rows?.length ?? columns.count
    const dim = data.length / count
    for (let i = 0; i < count; i++) {
      const point = points[rows ? (rows[i] as number) : i]
      if (point) point.vector[name] = column.sparse ? sparseAt(column, i) : data.subarray(i * dim, (i + 1) * dim)
    }
  }
  return points
}

function wholeColumn(column: VectorColumn, count: number): ColumnarVectors {
  return column.sparse ? Array.from({ length: count }, (_, i) => sparseAt(column, i)) : column.data
}

/** Puts text ids, which stand in the payload texts, among the `ids`. */
function payloadsOf({ payloads, count }: PointColumns, ids: PointId[] | null): (RawJson | null)[] {
  if (!payloads) return new Array<null>(count).fill(null)
  const { bytes, offsets } = payloads
  const texts = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  return Array.from({ length: count }, (_, i) => {
    const stored = texts.toString('utf8', offsets[i], offsets[i + 1])
    const { textId, payload: text } = ids ? splitTextId(stored) : { textId: null, payload: stored }
    if (ids && textId !== null) ids[i] = textId
    return text === '' ? null : new RawJson(text)
  })
}
