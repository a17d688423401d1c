import { setTimeout as pause } from 'node:timers/promises'
import { VicinalError } from '../core/errors.js'
import type { SlateThread } from './slate-thread.js'

/** Pauses between attempts to open a database that has ended. */
const RETRY_FIRST_MS = 100
const RETRY_MOST_MS = 5_000
/** How long a close waits for an opening under way. */
const CLOSING_MS = 10_000

interface ReaderThreadParts {
  open(): Promise<SlateThread>
  /** Rejects if the new database must not be read. */
  admit(next: SlateThread): Promise<void>
}

/**
 * The thread of a reader's database. A database may end for good: its checkpoint expired while the store could not be
 * reached, or its thread crashed. The next read then opens another one, and is repeated there. Reads that come meanwhile
 * share this opening. After a failed one, reads fail until the pause is over.
 */
export class ReaderThread {
  readonly #parts: ReaderThreadParts
  #thread: SlateThread
  #opening: Promise<void> | null = null
  #retryMs = RETRY_FIRST_MS
  #retryAtMs = 0
  #isClosed = false

  constructor(thread: SlateThread, parts: ReaderThreadParts) {
    this.#thread = thread
    this.#parts = parts
  }

  get present(): SlateThread {
    return this.#thread
  }

  async read<T>(work: (thread: SlateThread) => Promise<T>): Promise<T> {
    const thread = this.#thread
    try {
      return await work(thread)
    } catch (error) {
      if (!(error instanceof VicinalError) || error.details.ending === undefined || this.#isClosed) throw error
      await this.#replace(thread, error)
    }
    return await work(this.#thread)
  }

  /** An opening under way closes its database itself. */
  async close(): Promise<void> {
    this.#isClosed = true
    const opened = this.#opening?.catch(() => undefined)
    await Promise.race([opened, pause(CLOSING_MS, undefined, { ref: false })])
    await this.#thread.close()
  }

  async #replace(ended: SlateThread, cause: VicinalError): Promise<void> {
    // Another read has replaced it meanwhile.
    if (this.#thread !== ended) return
    if (this.#opening === null && performance.now() < this.#retryAtMs) throw cause
    this.#opening ??= this.#openAgain().finally(() => {
      this.#retryAtMs = performance.now() + this.#retryMs
      this.#retryMs = Math.min(RETRY_MOST_MS, 2 * this.#retryMs)
      this.#opening = null
    })
    await this.#opening
  }

  async #openAgain(): Promise<void> {
    // The one before worked for a while.
    if (performance.now() - this.#retryAtMs > RETRY_MOST_MS) this.#retryMs = RETRY_FIRST_MS
    const next = await this.#parts.open()
    try {
      await this.#parts.admit(next)
      if (this.#isClosed) throw new VicinalError('CLOSED', 'the store is closed')
    } catch (error) {
      await next.close()
      throw error
    }
    const before = this.#thread
    this.#thread = next
    void before.close()
  }
}
