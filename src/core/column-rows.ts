import type { ColumnarPoints, ColumnarVectors } from './database.js'
import type { Payload, PointId, RawJson } from './point.js'

/** Rows as views of the columns: nothing is copied before it is encoded. */
export function rowsOf({ ids, vectors, payloads }: ColumnarPoints, start: number, end: number): ColumnarPoints {
  const count = ids.length
  const cut = (column: ColumnarVectors) => {
    if (!(column instanceof Float32Array || column instanceof Float64Array)) return column.slice(start, end)
    const size = count > 0 ? column.length / count : 0
    return column.subarray(start * size, end * size)
  }
  const rows: ColumnarPoints = {
    ids: Array.isArray(ids) ? ids.slice(start, end) : (ids as BigUint64Array | Uint32Array).subarray(start, end),
    vectors:
      vectors instanceof Float32Array || vectors instanceof Float64Array
        ? (cut(vectors) as Float32Array)
        : Object.fromEntries(Object.entries(vectors).map(([name, column]) => [name, cut(column)])),
  }
  return payloads ? { ...rows, payloads: payloads.slice(start, end) as (Payload | RawJson | null)[] } : rows
}

/** Copies of some rows, each chosen by its place. */
export function rowsAt({ ids, vectors, payloads }: ColumnarPoints, places: readonly number[]): ColumnarPoints {
  const count = ids.length
  const chosen = <T>(values: ArrayLike<T>) => places.map((place) => values[place] as T)
  const cut = (column: ColumnarVectors): ColumnarVectors => {
    if (!(column instanceof Float32Array || column instanceof Float64Array)) return chosen(column)
    const size = column.length / count
    const rows = new (column.constructor as Float32ArrayConstructor)(places.length * size)
    for (const [at, place] of places.entries()) rows.set(column.subarray(place * size, (place + 1) * size), at * size)
    return rows
  }
  const rows = {
    ids: ids instanceof BigUint64Array ? BigUint64Array.from(chosen(ids)) : chosen(ids as ArrayLike<PointId>),
    vectors: ArrayBuffer.isView(vectors)
      ? (cut(vectors) as Float32Array)
      : Object.fromEntries(Object.entries(vectors).map(([name, column]) => [name, cut(column)])),
  }
  return payloads ? { ...rows, payloads: chosen(payloads) } : rows
}

export interface SingleColumns extends ColumnarPoints {
  vectors: Float32Array | Readonly<Record<string, Exclude<ColumnarVectors, Float64Array>>>
}

/** The same columns with every Float64Array rounded to float32. */
export function inSinglePrecision(points: ColumnarPoints): SingleColumns {
  const { vectors } = points
  if (vectors instanceof Float64Array) return { ...points, vectors: Float32Array.from(vectors) }
  if (vectors === null || typeof vectors !== 'object' || vectors instanceof Float32Array) return points as SingleColumns
  if (!Object.values(vectors).some((column) => column instanceof Float64Array)) return points as SingleColumns
  const rounded = Object.entries(vectors).map(([name, column]) => {
    return [name, column instanceof Float64Array ? Float32Array.from(column) : column] as const
  })
  return { ...points, vectors: Object.fromEntries(rounded) }
}
