/** Estimates how much memory an operation is about to take, before it takes any. */
import type { ColumnarPoints, WriteOperation } from '../../core/database.js'
import { isSparse, type SchemaVector } from '../../core/schema.js'

const FLOAT_BYTES = 4
/** Bytes of a point besides its vectors: id, payload as objects and as text, and the kernel's bookkeeping. */
const POINT_BYTES = 1_024
/** Copies of a written vector in memory: as columns, as a row of the kernel, and as codes with a share of the graph. */
const VECTOR_COPIES = 3
/** A write without rows, such as ids or a patch. */
const LEAST_WRITE_BYTES = 64 * 1024
/** Estimated vectors of a multivector: about one for each token of a sentence. */
const MULTIVECTORS = 32
/** Estimated components of a sparse vector of unknown length: about one for each word of a paragraph. */
const SPARSE_ENTRIES = 128
/** Bytes of an index and its value. A write holds them in its columns, in the row, and in posting lists. */
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

/** Components of one sparse vector in all points, as far as they can be counted without reading the points. */
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

/** 0 for anything that is no points; validation reports it. */
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
