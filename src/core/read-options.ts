import type { CallOptions } from './call-options.js'

export type WithPayload = boolean | readonly string[] | { include: readonly string[] } | { exclude: readonly string[] }
export type WithVector = boolean | readonly string[]

export interface ReadOptions extends CallOptions {
  /** Whether payloads are returned, or the keys to include or exclude. Default true. */
  withPayload?: WithPayload
  /** Whether vectors are returned, or the names of those to return. Default false. */
  withVector?: WithVector
  /** Returns payloads as RawJson unless keys are selected, for callers that pass them on as text. */
  rawPayload?: boolean
}
