/** Memory that the main thread and the thread of the database share. */
export interface SlateShared {
  /** Of all threads of this kind one resolves an address at a time. */
  resolving: Int32Array
  /** Calls under way: see `slate-exit.ts`. */
  calls: Int32Array
}

/** Requests of the main thread to the thread that has the database, and its answers. */
export interface OpenTask {
  kind: 'open'
  /** Address of the store's root, as SlateDB resolves it. */
  url: string
  /** Variables that SlateDB reads while it resolves the address: it takes access in no other way. */
  environment: Record<string, string>
  /** Path of the database below it. */
  path: string
  role: 'writer' | 'reader'
  /** How long a batch waits for others, for a writer; how often a reader looks. */
  intervalMs: number
  /** Age from which SlateDB removes objects of its log. Half of it bounds the time between batches that count. */
  minAgeMs: number
  /** Bytes that SlateDB may hold before they are in its tables. */
  memoryBytes: number
}

export type Entry = [key: Uint8Array, value: Uint8Array]

export interface WriteTask {
  kind: 'write'
  puts: Entry[]
  deletes: Uint8Array[]
}

/** `isExact`: the answer has the watermark of the state that was read. */
export interface GetTask {
  kind: 'get'
  key: Uint8Array
  isExact: boolean
}

/** Entries from `from` on, `to` excluded, until they have about `bytes`. */
export interface ScanTask {
  kind: 'scan'
  from: Uint8Array
  to: Uint8Array
  bytes: number
  isExact: boolean
}

/** From now on the reader asks the store so often. It sees at least what it saw before. */
export interface PollTask {
  kind: 'poll'
  intervalMs: number
}

export interface CloseTask {
  kind: 'close'
}

export type SlateTask = OpenTask | WriteTask | GetTask | ScanTask | PollTask | CloseTask

export interface SlateResults {
  open: undefined
  write: undefined
  get: { value: Uint8Array | undefined; watermark: Uint8Array | null }
  /** `isWhole`: there are no more. */
  scan: { entries: Entry[]; isWhole: boolean; watermark: Uint8Array | null }
  poll: undefined
  close: undefined
}

/**
 * Why the database takes nothing more. `fenced`: another opened it. `late`: a batch came back too late to count (see
 * `CountedBatches`). `lost`: anything else. In each case the outcome of the batch under way is unknown.
 */
export type Ending = 'fenced' | 'late' | 'lost'

export interface SlateFailure {
  message: string
  /** Set if the database has ended. */
  ending: Ending | null
  /** The package could not be loaded. */
  isMissing: boolean
}

export interface SlateRequest {
  id: number
  task: SlateTask
}

export type SlateAnswer =
  | { id: number; ok: true; result: SlateResults[SlateTask['kind']] }
  | { id: number; ok: false; failure: SlateFailure }
