import type { CallOptions } from './call-options.js'

export type WithPayload = boolean | readonly string[] | { include: readonly string[] } | { exclude: readonly string[] }
export type WithVector = boolean | readonly string[]

export interface ReadOptions extends CallOptions {
  /** Default true. */
  withPayload?: WithPayload
  /** Default false. */
  withVector?: WithVector
  /** Payloads come as RawJson where they need no selection: for those who pass them on as text. */
  rawPayload?: boolean
}
