/** Options of the verbs that write, declared once. */
import Type, { type Static, type TSchema } from 'typebox'
import { CALL_OPTIONS } from './call-options.js'
import { Filter } from './filter.js'
import { optional, recursive } from './vocabulary/declare.js'

const WRITE = {
  /**
   * true (default): resolves once the write is on stable storage and searchable. false: resolves once it is in the log and
   * searchable. Until its fdatasync a crash of the machine can lose it (docs/ARCHITECTURE.md).
   */
  wait: optional(Type.Boolean({ description: 'Whether the answer waits for stable storage.' })),
  ...CALL_OPTIONS,
}
/** Options of all writes. */
export const WriteOptions = Type.Object(WRITE)
export type WriteOptions = Static<typeof WriteOptions>

/** Whether a write inserts points, updates them, or both. */
export const UPDATE_MODES = ['upsert', 'insert_only', 'update_only'] as const
export type UpdateMode = (typeof UPDATE_MODES)[number]

export const UPDATE_FILTER = {
  /** Stored points are only written if they match, by their state before the write. New points are always written. */
  updateFilter: optional(recursive<Filter | null>((): TSchema => Filter)),
}
export const UPDATE_CONDITION = {
  ...UPDATE_FILTER,
  /** `upsert` (default): all points. `insert_only`: only new points. `update_only`: only stored points. */
  updateMode: optional(
    Type.Enum(UPDATE_MODES, {
      description: '`upsert` (default): all points. `insert_only`: new points. `update_only`: stored points.',
    }),
  ),
}
/**
 * Selects the points of a write that are written. It is evaluated with every earlier write applied, and no later one.
 */
export const UpdateCondition = Type.Object(UPDATE_CONDITION)
export type UpdateCondition = Static<typeof UpdateCondition>

export const UpsertOptions = Type.Object({ ...UPDATE_CONDITION, ...WRITE })
export const VectorUpdateOptions = Type.Object({ ...UPDATE_FILTER, ...WRITE })
export const PAYLOAD_KEY = {
  key: optional(Type.String({ description: 'A path in the payload: the keys are set below it.' })),
}
export const PayloadOptions = Type.Object({ ...PAYLOAD_KEY, ...WRITE })
