import { invalid } from '../core/errors.js'
import type { PointColumns } from '../core/point.js'
import type { ResolvedVector, SchemaVector } from '../core/schema.js'
import { prepareVectors } from '../native/vectors.js'

/**
 * Cleans vectors in place before they are logged: every component is finite, and Cosine vectors have unit length. Log,
 * table and segments then hold the same bits, so an index rebuilt from the table is the same.
 */
export async function cleanVectors(columns: PointColumns, schema: readonly SchemaVector[]): Promise<void> {
  for (const column of columns.vectors) {
    // Sparse vectors were already checked component by component.
    if (column.sparse) continue
    const vector = schema.find((candidate) => candidate.name === column.name) as ResolvedVector
    const datatype = vector.datatype ?? 'float32'
    const bad = await prepareVectors(column.data, vector.size, vector.distance === 'Cosine', datatype)
    if (bad < 0) continue
    const position = column.counts ? positionOf(bad, column.counts) : bad
    const row = column.rows ? (column.rows[position] as number) : position
    const name = column.name === '' ? '' : `.${column.name}`
    throw invalid(
      `points[${row}].vector${name}`,
      `expected finite numbers that ${datatype} can hold, got NaN, infinity or beyond`,
    )
  }
}

/** The position of the point that a vector belongs to, if points have several vectors. */
function positionOf(vector: number, counts: Uint32Array): number {
  let before = 0
  return counts.findIndex((count) => {
    before += count
    return vector < before
  })
}
