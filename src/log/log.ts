import type { VicinalError } from '../core/errors.js'
import type { LogEntry, LogRecord } from './record.js'

/** A place in the log: a file's name and a byte offset in it. */
export interface LogPosition {
  file: string
  offset: number
}

/** The two moments of an append. Both reject with the same error when the record is not in the log. */
export interface Appended {
  /** The record is with the operating system: it survives the end of this process, not of its machine. */
  written: Promise<void>
  /** The record is on stable storage. */
  durable: Promise<void>
}

/**
 * The log of one collection: every mutation, in order, until it is in the table.
 *
 * There is one appender. Records are numbered without gaps: `append` takes `lastSeq + 1` and nothing else. An
 * append that fails takes its number back, and with it every append behind it; so after a failure the caller
 * reads `lastSeq` again.
 */
export interface Log {
  /** Number of the last record taken, durable or not. */
  readonly lastSeq: number
  /** Number of the last record on stable storage. */
  readonly durableSeq: number
  /** Bytes the log takes, records waiting to be written included. */
  readonly bytes: number
  /** Of records in memory on their way to stable storage. */
  readonly bufferedBytes: number
  /** Why the log takes no more records until it is opened again; null while it works. */
  readonly failure: VicinalError | null

  /** Hands over the record; its buffers must not change until `durable` settles. Throws what it cannot take. */
  append(seq: number, record: LogRecord): Appended
  /** The records after `afterSeq` that were there at the call, in order. Rejects with CORRUPT at a damaged one. */
  replay(afterSeq: number): AsyncIterable<LogEntry>
  /** Bytes of the records after this one, to the granularity of a file. */
  bytesSince(afterSeq: number): number
  /** The records up to this one are no longer needed. */
  trim(throughSeq: number): Promise<void>
  /** Writes and syncs what waits, then lets go. Resolves to the end of the log (null where it failed). */
  close(): Promise<LogPosition | null>
}
