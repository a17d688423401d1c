/** How much memory an operation is about to take, before any of it is taken. */
import type { ColumnarPoints, WriteOperation } from '../../core/database.js'
import { isSparse, type SchemaVector } from '../../core/schema.js'

const FLOAT_BYTES = 4
/** Of a point beside its vectors: id, payload as objects and as text, and what the kernel keeps of it. */
const POINT_BYTES = 1_024
/** A vector of a write is in memory as columns, as a row of the kernel, and as codes and a share of the graph. */
const VECTOR_COPIES = 3
/** A write without rows: ids, a patch. */
const LEAST_WRITE_BYTES = 64 * 1024
/** Of a multivector, how many vectors it is taken to have: about those of a sentence's tokens. */
const MULTIVECTORS = 32
/** Of a sparse vector of which nothing more is known, components: about those of a paragraph's words. */
const SPARSE_ENTRIES = 128
/** Index and value; a write has them in its columns, in the row, and in postings. */
const SPARSE_ENTRY_BYTES = 8
/** Characters of a text for each word that becomes a component. */
const CHARACTERS_A_WORD = 6

export function writeBytes(operation: WriteOperation<unknown>, schema: readonly SchemaVector[]): number {
  if (operation.op !== 'upsert' && operation.op !== 'updateVectors') return LEAST_WRITE_BYTES
  const rows = rowsOf(operation.points)
  const dense = schema.filter((vector) => !isSparse(vector))
  const entries = schema
    .filter(isSparse)
    .reduce((sum, { name }) => sum + sparseEntries(operation.points, name, rows), 0)
  const vectors = rows * rowVectorBytes(dense) + entries * SPARSE_ENTRY_BYTES
  return LEAST_WRITE_BYTES + rows * POINT_BYTES + VECTOR_COPIES * vectors
}

/** Components of one sparse vector in all points, as far as they tell without being read. */
function sparseEntries(points: unknown, name: string, rows: number): number {
  const column = (points as Partial<ColumnarPoints> | null)?.vectors as Record<string, unknown> | undefined
  if (Array.isArray(points)) {
    return points.reduce((sum: number, point) => sum + entriesOf((point?.vector as Record<string, unknown>)?.[name]), 0)
  }
  const vectors = column?.[name]
  return Array.isArray(vectors) ? vectors.reduce((sum: number, one) => sum + entriesOf(one), 0) : rows * SPARSE_ENTRIES
}

function entriesOf(vector: unknown): number {
  const { indices, text } = (vector ?? {}) as { indices?: ArrayLike<number>; text?: string }
  if (typeof text === 'string') return text.length / CHARACTERS_A_WORD
  return typeof indices?.length === 'number' ? indices.length : 0
}

/** Of what is no points; the validation says so. */
function rowsOf(points: unknown): number {
  if (Array.isArray(points)) return points.length
  const { ids, numRows } = (points ?? {}) as Partial<ColumnarPoints> & { numRows?: number }
  return typeof numRows === 'number' ? numRows : (ids?.length ?? 0)
}

function rowVectorBytes(schema: readonly SchemaVector[]): number {
  return schema.reduce((sum, vector) => {
    if (isSparse(vector)) return sum + SPARSE_ENTRIES * SPARSE_ENTRY_BYTES
    const isMulti = vector.multivectorConfig
    return sum + vector.size * FLOAT_BYTES * (isMulti ? MULTIVECTORS : 1)
  }, 0)
}
