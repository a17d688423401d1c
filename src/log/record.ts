import type { PointColumns } from '../core/point.js'

/**
 * One mutation as effects: ids and values, never a filter or condition to be evaluated again. Ids are encoded
 * (core/point.ts); texts are JSON.
 */
export type LogRecord =
  | { op: 'upsert'; columns: PointColumns }
  | { op: 'updateVectors'; columns: PointColumns }
  | { op: 'deleteVectors'; ids: Uint32Array; names: string[] }
  | { op: 'delete'; ids: Uint32Array }
  | { op: 'setPayload'; ids: Uint32Array; patch: string; key?: string }
  | { op: 'overwritePayload'; ids: Uint32Array; text: string }
  | { op: 'deletePayload'; ids: Uint32Array; keys: string[] }
  | { op: 'clearPayload'; ids: Uint32Array }

export interface LogEntry {
  seq: number
  record: LogRecord
}
