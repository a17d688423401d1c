import { type ErrorCode, VicinalError } from '../core/errors.js'
import type { TableVector } from '../core/schema.js'
import type { FlushBatch } from '../native/addon.js'

/** Messages between the main thread and the Arrow worker. Buffers of a message are transferred, not copied. */
export type ArrowTask =
  | { kind: 'schema'; vectors: readonly TableVector[] }
  | { kind: 'columns'; vectors: readonly TableVector[] }
  | { kind: 'encode'; vectors: readonly TableVector[]; batch: FlushBatch }
  | { kind: 'decode'; vectors: readonly TableVector[]; rows: Uint8Array }
  | { kind: 'checksums'; rows: Uint8Array }

/** The result of a task, by its kind. Rows are in Arrow's file format. */
export interface ArrowResults {
  /** A file without rows. */
  schema: Uint8Array
  /** A file without rows that has only the vectors' columns. */
  columns: Uint8Array
  encode: EncodedRows
  decode: FlushBatch
  checksums: Uint32Array
}

export interface EncodedRows {
  rows: Uint8Array
  /** The highest sequence number among the rows. */
  maxSeq: number
}

export interface ArrowRequest {
  id: number
  task: ArrowTask
}

/** `heapBytes` is the size of the worker's JavaScript heap after the task. */
export type ArrowAnswer = { id: number; heapBytes: number } & (
  | { ok: true; result: ArrowResults[ArrowTask['kind']] }
  | { ok: false; failure: WireFailure }
)

/** Structured cloning keeps an error's message and stack. The fields that it drops are sent beside it. */
export type WireFailure =
  | { code: null; cause: unknown }
  | { code: ErrorCode; message: string; details: Record<string, unknown>; cause: unknown }

export function toWire(error: unknown): WireFailure {
  if (!(error instanceof VicinalError)) return { code: null, cause: error }
  const { code, message, details, cause } = error
  return { code, message, details, cause }
}

export function fromWire(failure: WireFailure): unknown {
  if (failure.code === null) return failure.cause
  const { code, message, details, cause } = failure
  return new VicinalError(code, message, { details, cause })
}
