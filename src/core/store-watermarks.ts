import type { CallOptions } from './call-options.js'

/** How far this node has a store that several nodes share. */
export interface StoreWatermarks {
  /** Of everything that this node has written or can read; null where there are none. */
  current(): string | null | Promise<string | null>
  /**
   * Resolves to false if this node's data is the newest, or if it only reads. Rejects with UNAVAILABLE if it owned the
   * store and another node has taken it: its data may be old.
   */
  unchanged(): Promise<false>
  /**
   * Resolves once this node has everything up to the watermark: the names of collections and aliases, and the rows of
   * the named collections or else of all. Rejects with INVALID_ARGUMENT for a text that is none, and with UNAVAILABLE at
   * the call's deadline, with the reason where a collection cannot follow.
   */
  reach(after: string, call?: CallOptions, collections?: readonly string[]): Promise<void>
}
