import { setTimeout as pause } from 'node:timers/promises'
import { SHARE_ENV, Worker, type WorkerOptions } from 'node:worker_threads'
import { VicinalError } from '../core/errors.js'
import { awaitAtExit, callBegins, countOfCalls, leaveAtExit } from './slate-exit.js'
import type {
  Entry,
  OpenTask,
  SlateAnswer,
  SlateFailure,
  SlateRequest,
  SlateResults,
  SlateShared,
  SlateTask,
} from './slate-messages.js'

/** The compiled worker, two folders up and down again: from src/bucket in a checkout as from dist/bucket. */
const entryOf = () => new URL('../../dist/bucket/slate-worker.js', import.meta.url)
/** SlateDB reads variables of the process itself, which a copy of them would not change. */
const OPTIONS: WorkerOptions = { name: 'vicinal-bucket', execArgv: [], env: SHARE_ENV }
/** The threads set variables one after the other: see `withVariables` in the worker. */
const resolving = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT))
/** How long a close may take. */
const CLOSING_MS = 10_000
/** How long a close waits for its thread's end once the database is closed. */
const ENDING_MS = 1_000

const RETRY_AFTER_MS = 1_000

interface Waiting {
  resolve(result: SlateResults[SlateTask['kind']]): void
  reject(error: unknown): void
}

/** The main thread's side of the thread that has a database. Its end is the database's end. */
export class SlateThread {
  readonly #calls = countOfCalls()
  readonly #worker: Worker
  readonly #waiting = new Map<number, Waiting>()
  readonly #memoryBytes: number
  /** Bytes of values that were written or read. */
  #passedBytes = 0
  #lastId = 0
  #isClosing = false
  #end: VicinalError | null = null

  private constructor({ memoryBytes }: OpenTask) {
    this.#memoryBytes = memoryBytes
    const shared: SlateShared = { resolving, calls: this.#calls }
    this.#worker = new Worker(entryOf(), { ...OPTIONS, workerData: shared })
    awaitAtExit(this.#calls)
    const lost = (cause: unknown) => this.#lose(cause)
    this.#worker.unref()
    this.#worker.on('message', (answer: SlateAnswer) => this.#settle(answer))
    this.#worker.on('messageerror', lost)
    this.#worker.on('error', lost)
    this.#worker.on('exit', () => {
      leaveAtExit(this.#calls)
      lost(undefined)
    })
  }

  /** Once `leaving` is aborted, an opening under way keeps the process alive no longer. */
  static async open(task: OpenTask, leaving?: AbortSignal): Promise<SlateThread> {
    const thread = new SlateThread(task)
    leaving?.addEventListener('abort', () => thread.#worker.unref(), { once: true })
    try {
      await thread.#run(task)
      return thread
    } catch (error) {
      await thread.close()
      throw error
    }
  }

  /** Bytes that SlateDB holds at most: of what passed through it, up to the bound that it was opened with. */
  get heldBytes(): number {
    return Math.min(this.#memoryBytes, this.#passedBytes)
  }

  /** Resolves once the batch is durable and counts. The buffers of values are given away. */
  async write(puts: Entry[], deletes: Uint8Array[]): Promise<void> {
    this.#passedBytes += bytesIn(puts)
    await this.#run({ kind: 'write', puts, deletes })
  }

  async get(key: Uint8Array): Promise<Uint8Array | null> {
    const { value } = await this.#run({ kind: 'get', key, isExact: false })
    return value ?? null
  }

  /** The same, with the watermark of what was read. */
  async getExact(key: Uint8Array): Promise<{ value: Uint8Array | null; watermark: Uint8Array | null }> {
    const { value, watermark } = await this.#run({ kind: 'get', key, isExact: true })
    return { value: value ?? null, watermark }
  }

  async scan(from: Uint8Array, to: Uint8Array, bytes: number, isExact = false): Promise<SlateResults['scan']> {
    const scanned = await this.#run({ kind: 'scan', from, to, bytes, isExact })
    this.#passedBytes += bytesIn(scanned.entries)
    return scanned
  }

  /** A reader asks the store so often from now on. */
  async setPoll(intervalMs: number): Promise<void> {
    await this.#run({ kind: 'poll', intervalMs })
  }

  /**
   * A database that cannot be closed in time, since the store does not answer, is left to its thread. The thread ends by
   * itself: to terminate it while SlateDB works for it ends the process once that work calls back.
   */
  async close(): Promise<void> {
    const exited = new Promise((resolve) => this.#worker.once('exit', resolve))
    this.#isClosing = true
    const closed = this.#run({ kind: 'close' }).catch(() => undefined)
    const ended = Promise.race([exited, closed.then(() => pause(ENDING_MS, undefined, { ref: false }))])
    await Promise.race([this.#end ? null : ended, pause(CLOSING_MS, undefined, { ref: false })])
    this.#worker.unref()
    this.#end ??= asError({ message: 'it is closed', ending: 'lost', isMissing: false })
    this.#lose(undefined)
  }

  async #run<T extends SlateTask>(task: T): Promise<SlateResults[T['kind']]> {
    if (this.#end) throw this.#end
    const request: SlateRequest = { id: ++this.#lastId, task }
    callBegins(this.#calls)
    this.#worker.postMessage(request)
    this.#worker.ref()
    const result = new Promise<SlateResults[SlateTask['kind']]>((resolve, reject) => {
      this.#waiting.set(request.id, { resolve, reject })
    })
    return (await result) as SlateResults[T['kind']]
  }

  #settle(answer: SlateAnswer): void {
    const waiting = this.#waiting.get(answer.id)
    // The thread tells its own crash, which ends it once SlateDB has nothing left to do for it.
    if (!waiting && !answer.ok) this.#lose(new Error(answer.failure.message))
    this.#waiting.delete(answer.id)
    if (this.#waiting.size === 0 && !this.#isClosing) this.#worker.unref()
    if (answer.ok) waiting?.resolve(answer.result)
    else waiting?.reject(asError(answer.failure))
  }

  #lose(cause: unknown): void {
    const why = cause instanceof Error ? `: ${cause.message}` : ''
    this.#end ??= asError({
      message: `the thread of the store's database ended${why}`,
      ending: 'lost',
      isMissing: false,
    })
    for (const { reject } of this.#waiting.values()) reject(this.#end)
    this.#waiting.clear()
  }
}

function bytesIn(entries: readonly Entry[]): number {
  return entries.reduce((sum, [, value]) => sum + value.byteLength, 0)
}

function asError({ message, ending, isMissing }: SlateFailure): VicinalError {
  if (isMissing) return new VicinalError('NATIVE_UNAVAILABLE', message)
  return new VicinalError('UNAVAILABLE', `the store's database: ${message}`, {
    details: ending ? { ending } : {},
    // Its node reads from then on, or takes the store again.
    ...(ending ? { retryAfterMs: RETRY_AFTER_MS } : {}),
  })
}
