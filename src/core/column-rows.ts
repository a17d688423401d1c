import type { ColumnarPoints, ColumnarVectors } from './database.js'
import type { Payload, RawJson } from './point.js'

/** Rows as views of the columns: nothing is copied before it is encoded. */
export function rowsOf({ ids, vectors, payloads }: ColumnarPoints, start: number, end: number): ColumnarPoints {
  const count = ids.length
  const cut = (column: ColumnarVectors) => {
    if (!(column instanceof Float32Array)) return column.slice(start, end)
    const size = count > 0 ? column.length / count : 0
    return column.subarray(start * size, end * size)
  }
  const rows: ColumnarPoints = {
    ids: Array.isArray(ids) ? ids.slice(start, end) : (ids as BigUint64Array | Uint32Array).subarray(start, end),
    vectors:
      vectors instanceof Float32Array
        ? (cut(vectors) as Float32Array)
        : Object.fromEntries(Object.entries(vectors).map(([name, column]) => [name, cut(column)])),
  }
  return payloads ? { ...rows, payloads: payloads.slice(start, end) as (Payload | RawJson | null)[] } : rows
}
