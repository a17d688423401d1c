import { VicinalError } from '../core/errors.js'
import type { Appended, Log, LogPosition } from './log.js'
import type { LogEntry, LogRecord } from './record.js'

const DONE: Appended = { written: Promise.resolve(), durable: Promise.resolve() }

/** The log of a database in memory: it numbers records and keeps none. */
export class MemoryLog implements Log {
  readonly bytes = 0
  readonly bufferedBytes = 0
  readonly failure = null
  #lastSeq = 0
  #closed = false

  get lastSeq(): number {
    return this.#lastSeq
  }

  get durableSeq(): number {
    return this.#lastSeq
  }

  append(seq: number, _record: LogRecord): Appended {
    if (this.#closed) throw new VicinalError('CLOSED', 'the log is closed')
    if (seq !== this.#lastSeq + 1)
      throw new VicinalError('INTERNAL', `log: expected record ${this.#lastSeq + 1}, got ${seq}`)
    this.#lastSeq = seq
    return DONE
  }

  async durable(_throughSeq: number): Promise<void> {}

  async *replay(_afterSeq: number): AsyncGenerator<LogEntry> {}

  bytesSince(_afterSeq: number): number {
    return 0
  }

  async trim(_throughSeq: number): Promise<void> {}

  async close(): Promise<LogPosition | null> {
    this.#closed = true
    return null
  }
}
