import type { Table } from 'apache-arrow'
import type { Point } from '../../src/core/point.js'

/** Rows of an Arrow table one by one: `id`, each vector under its name (`vector` if unnamed), the rest as payload. */
export function pointsOfTable(table: Table, vectorNames: readonly string[]): Point[] {
  return Array.from(table, (row) => {
    const { id, ...fields } = (row as { toJSON(): Record<string, unknown> }).toJSON()
    const vector: Record<string, Float32Array> = {}
    const payload: Record<string, unknown> = {}
    for (const [field, value] of Object.entries(fields)) {
      const name = field === 'vector' && vectorNames.includes('') ? '' : field
      if (vectorNames.includes(name)) vector[name] = (value as { toArray(): Float32Array }).toArray()
      else payload[field] = value
    }
    return { id: id as number, vector, payload }
  })
}
