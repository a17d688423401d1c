import type { VicinalError } from '../core/errors.js'
import type { LogEntry, LogRecord } from './record.js'

/** A place in the log: a file's name and a byte offset in it. */
export interface LogPosition {
  file: string
  offset: number
}

/** The two stages of an append. Both reject with the same error if the record is not in the log. */
export interface Appended {
  /** The operating system has the record: it survives the end of this process, but not of its machine. */
  written: Promise<void>
  /** The record is on stable storage. */
  durable: Promise<void>
}

/**
 * The log of one collection: every mutation, in order, until it is in the table.
 *
 * There is one appender. Records are numbered without gaps: `append` only accepts `lastSeq + 1`. A failed append takes
 * back its number and every later append. After a failure the caller therefore reads `lastSeq` again.
 */
export interface Log {
  /** Number of the last accepted record, durable or not. */
  readonly lastSeq: number
  /** Number of the last record on stable storage. */
  readonly durableSeq: number
  /** Bytes of the log, including records that wait to be written. */
  readonly bytes: number
  /** On a store: values of its database that make up the log. An opening reads each. */
  readonly values?: number
  /** Bytes of records in memory that are not on stable storage yet. */
  readonly bufferedBytes: number
  /** The reason why the log takes no records until it is opened again; null while it works. */
  readonly failure: VicinalError | null
  /** On a store: the watermark of everything that is durable. */
  readonly watermark?: string

  /** Appends the record. Its buffers must not change until `durable` settles. Throws if the record is refused. */
  append(seq: number, record: LogRecord): Appended
  /** Resolves once the written records up to this one are on stable storage. Rejects if they cannot get there. */
  durable(throughSeq: number): Promise<void>
  /** The records after `afterSeq` that were present at the call, in order. Rejects with CORRUPT at a damaged record. */
  replay(afterSeq: number): AsyncIterable<LogEntry>
  /** Bytes of the records after this one, rounded to whole files. */
  bytesSince(afterSeq: number): number
  /** The records up to this one are no longer needed. */
  trim(throughSeq: number): Promise<void>
  /**
   * On a store: resolves once it is known that no other node has taken it. A write that changes nothing is answered after
   * that, for the state that it was planned on may be an old one.
   */
  confirm?(): Promise<void>
  /** Writes and syncs waiting records, then closes. Resolves to the end of the log; null if it failed. */
  close(): Promise<LogPosition | null>
}
