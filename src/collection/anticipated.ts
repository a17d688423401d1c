/** How much memory an operation is about to take, before any of it is taken. */
import type { ColumnarPoints, ReadOptions, WithPayload, WriteOperation } from '../core/database.js'
import { isSparse, type SchemaVector } from '../core/schema.js'

const FLOAT_BYTES = 4
/** Of a point beside its vectors: id, payload as objects and as text, and what the kernel keeps of it. */
const POINT_BYTES = 1_024
/** A vector of a write is in memory as columns, as a row of the kernel, and as codes and a share of the graph. */
const VECTOR_COPIES = 3
/** A row of an answer is in memory in the kernel's block, as a point, and as the text or bytes that are sent. */
const ROW_COPIES = 3
/** A write without rows: ids, a patch. */
const LEAST_WRITE_BYTES = 64 * 1024
/** Answers below this never wait for memory. */
const LARGE_READ_BYTES = 1024 * 1024
/** Of a multivector, how many vectors it is taken to have: about those of a sentence's tokens. */
const MULTIVECTORS = 32
/** Of payloads, where nothing tells more. */
const PAYLOAD_BYTES = 512

export function writeBytes(operation: WriteOperation<unknown>, schema: readonly SchemaVector[]): number {
  if (operation.op !== 'upsert' && operation.op !== 'updateVectors') return LEAST_WRITE_BYTES
  const rows = rowsOf(operation.points)
  return LEAST_WRITE_BYTES + rows * (POINT_BYTES + VECTOR_COPIES * rowVectorBytes(schema))
}

/** Of what is no points; the validation says so. */
function rowsOf(points: unknown): number {
  if (Array.isArray(points)) return points.length
  const { ids, numRows } = (points ?? {}) as Partial<ColumnarPoints> & { numRows?: number }
  return typeof numRows === 'number' ? numRows : (ids?.length ?? 0)
}

/** Of an answer with so many rows; 0 where it is too small to wait for. */
export function readBytes(rows: number, options: ReadOptions, schema: readonly SchemaVector[]): number {
  const bytes = ROW_COPIES * rows * (vectorBytesOf(options, schema) + payloadBytesOf(options.withPayload ?? true))
  return bytes >= LARGE_READ_BYTES ? bytes : 0
}

function vectorBytesOf({ withVector = false }: ReadOptions, schema: readonly SchemaVector[]): number {
  if (withVector === false) return 0
  return rowVectorBytes(withVector === true ? schema : schema.filter(({ name }) => withVector.includes(name)))
}

function payloadBytesOf(withPayload: WithPayload): number {
  return withPayload === false ? 0 : PAYLOAD_BYTES
}

function rowVectorBytes(schema: readonly SchemaVector[]): number {
  return schema.reduce((sum, vector) => {
    const isMulti = !isSparse(vector) && vector.multivectorConfig
    return sum + vector.size * FLOAT_BYTES * (isMulti ? MULTIVECTORS : 1)
  }, 0)
}
