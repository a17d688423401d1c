/** Arrow tables on their way to a service: as columns where every point has every vector, else as points. */
import { columnsOfArrow, isArrowTable } from '../collection/arrow-columns.js'
import type { ArrowTable, ColumnarPoints } from '../core/database.js'
import { decodeIds, type Point, type PointColumns, RawJson } from '../core/point.js'
import type { ResolvedVector } from '../core/schema.js'

export { isArrowTable }

export function pointsOfArrow(table: ArrowTable, schema: readonly ResolvedVector[]): Point<RawJson>[] | ColumnarPoints {
  const columns = columnsOfArrow(table, schema)
  const ids = decodeIds(columns.ids)
  const payloads = payloadsOf(columns)
  if (columns.vectors.every((column) => column.rows === null)) {
    const vectors = Object.fromEntries(columns.vectors.map(({ name, data }) => [name, data]))
    return { ids, vectors, payloads }
  }
  const points = ids.map((id, i) => ({ id, vector: {} as Record<string, Float32Array>, payload: payloads[i] ?? null }))
  for (const { name, data, rows } of columns.vectors) {
    const count = rows?.length ?? columns.count
    const dim = data.length / count
    for (let i = 0; i < count; i++) {
      const point = points[rows ? (rows[i] as number) : i]
      if (point) point.vector[name] = data.subarray(i * dim, (i + 1) * dim)
    }
  }
  return points
}

function payloadsOf({ payloads, count }: PointColumns): (RawJson | null)[] {
  if (!payloads) return new Array<null>(count).fill(null)
  const { bytes, offsets } = payloads
  const texts = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  return Array.from({ length: count }, (_, i) => {
    const text = texts.toString('utf8', offsets[i], offsets[i + 1])
    return text === '' ? null : new RawJson(text)
  })
}
