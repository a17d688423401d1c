import { type ErrorCode, VicinalError } from '../core/errors.js'
import type { TableVector } from '../core/schema.js'
import type { FlushBatch } from '../native/addon.js'

/**
 * What the main thread and the Arrow worker say to each other. Every buffer in a message changes hands with it; none
 * is copied by the sending.
 */
export type ArrowTask =
  | { kind: 'schema'; vectors: readonly TableVector[] }
  | { kind: 'columns'; vectors: readonly TableVector[] }
  | { kind: 'encode'; vectors: readonly TableVector[]; batch: FlushBatch }
  | { kind: 'decode'; vectors: readonly TableVector[]; rows: Uint8Array }

/** What comes of a task, by its kind. Rows are in Arrow's file format. */
export interface ArrowResults {
  /** A file without rows. */
  schema: Uint8Array
  /** One of the vectors' columns alone. */
  columns: Uint8Array
  encode: EncodedRows
  decode: FlushBatch
}

export interface EncodedRows {
  rows: Uint8Array
  /** The highest sequence number among them. */
  maxSeq: number
}

export interface ArrowRequest {
  id: number
  task: ArrowTask
}

/** `heapBytes`: the worker's JavaScript heap, after the task. */
export type ArrowAnswer = { id: number; heapBytes: number } & (
  | { ok: true; result: ArrowResults[ArrowTask['kind']] }
  | { ok: false; failure: WireFailure }
)

/** Structured cloning keeps an error's message and stack; what it would drop of the catalogue's goes beside it. */
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
