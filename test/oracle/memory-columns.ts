import type { ColumnarPoints } from '../../src/core/database.js'
import { invalid } from '../../src/core/errors.js'
import type { NamedVector, Payload, Point, PointId } from '../../src/core/point.js'
import { isNumbers } from '../../src/core/point.js'
import type { MemorySpace } from './memory-vectors.js'

/** Converts columns to points. */
export function pointsOfColumns(
  { ids, vectors, payloads }: ColumnarPoints,
  spaceOf: (name: string) => MemorySpace,
): Point[] {
  const named = isNumbers(vectors)
    ? { '': vectors }
    : (vectors as Record<string, Float32Array | Float64Array | NamedVector[]>)
  if (payloads && payloads.length !== ids.length) {
    throw invalid('payloads', `expected ${ids.length} payloads, one for each id`, payloads.length)
  }
  return Array.from(ids as ArrayLike<PointId>, (id, row) => ({
    id,
    payload: (payloads?.[row] ?? null) as Payload | null,
    vector: Object.fromEntries(
      Object.entries(named).map(([name, column]): [string, NamedVector] => {
        const { size } = spaceOf(name)
        if (!ArrayBuffer.isView(column)) return [name, column[row] as NamedVector]
        if (column.length !== ids.length * size) {
          throw invalid('vectors', `Vector dimension error: expected ${ids.length} × ${size} numbers`, column.length)
        }
        return [name, column.slice(row * size, (row + 1) * size)]
      }),
    ),
  }))
}
