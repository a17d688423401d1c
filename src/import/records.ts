import type { NamedVector, Payload, Point } from '../core/point.js'
import type { RowColumns, VectorShape } from '../readers/rows.js'

/** The form of a JSON value that may be a vector; null: it is none. */
export function vectorShapeOf(value: unknown): VectorShape | null {
  if (isNumbers(value)) return { kind: 'dense', size: value.length }
  if (Array.isArray(value)) {
    return value.length > 0 && value.every(isNumbers) ? { kind: 'multi', size: (value[0] as number[]).length } : null
  }
  if (value === null || typeof value !== 'object') return null
  const { indices, values, ...others } = value as Record<string, unknown>
  const isSparse = isNumbers(indices) && isNumbers(values) && Object.keys(others).length === 0
  return isSparse ? { kind: 'sparse', size: 0 } : null
}

function isNumbers(value: unknown): value is number[] {
  return Array.isArray(value) && value.length > 0 && value.every((item) => typeof item === 'number')
}

/** The point of an object: its vectors and its id are taken out, and the rest is the payload. */
export function pointOfRecord(record: Record<string, unknown>, { id, vectors }: RowColumns): Point<unknown> {
  const taken = new Set(vectors.map(([, column]) => column))
  if (id !== null) taken.add(id)
  const found: [string, NamedVector][] = []
  for (const [name, column] of vectors) {
    const value = Object.hasOwn(record, column) ? record[column] : undefined
    if (value !== null && value !== undefined) found.push([name, value as NamedVector])
  }
  // Unlike assignment, this makes a plain key of a column called __proto__.
  const payload: Payload = Object.fromEntries(Object.entries(record).filter(([key]) => !taken.has(key)))
  const own = id !== null && Object.hasOwn(record, id) ? record[id] : undefined
  return { id: own as Point['id'], vector: Object.fromEntries(found), payload }
}
