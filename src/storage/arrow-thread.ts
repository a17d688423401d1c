import { Worker } from 'node:worker_threads'
import { type ErrorCode, VicinalError } from '../core/errors.js'
import type { TableVector } from '../core/schema.js'
import type { FlushBatch } from '../native/addon.js'
import { buffersOf, copyBatch, copyBytes } from './batch-arrays.js'

/** The compiled worker, two folders up and down again: from src/storage in a checkout as from dist/storage. */
const entryOf = () => new URL('../../dist/storage/arrow-worker.js', import.meta.url)
/** The flags of this process are not the worker's: with `--input-type` it would not start. */
const OPTIONS = { name: 'vicinal-arrow', execArgv: [] }

interface Waiting {
  resolve(result: ArrowResults[ArrowTask['kind']]): void
  reject(error: unknown): void
}

/**
 * The main thread's side of the worker that turns rows into Arrow and back. The worker starts with the first task and
 * stays. While idle it does not keep the process alive. If it ends, its tasks reject with UNAVAILABLE, and the next
 * task starts another worker.
 */
export class ArrowThread {
  #worker: Worker | null = null
  readonly #waiting = new Map<number, Waiting>()
  #lastId = 0
  #heapBytes = 0

  /** Bytes of the worker's JavaScript heap after its last task; 0 without a worker. */
  get heapBytes(): number {
    return this.#heapBytes
  }

  /** A file without rows, from which a table is created. */
  async schema(vectors: readonly TableVector[]): Promise<Uint8Array> {
    return await this.#run({ kind: 'schema', vectors }, [])
  }

  /** A file without rows that has only the vectors' columns; it adds them to a table. */
  async columns(vectors: readonly TableVector[]): Promise<Uint8Array> {
    return await this.#run({ kind: 'columns', vectors }, [])
  }

  /** The batch may lack the columns of dropped vectors. */
  async encode(batch: FlushBatch, vectors: readonly TableVector[]): Promise<EncodedRows> {
    const copy = await copyBatch(batch)
    return await this.#run({ kind: 'encode', vectors, batch: copy }, buffersOf(copy))
  }

  /** Decodes a file with one record batch. */
  async decode(file: Uint8Array, vectors: readonly TableVector[]): Promise<FlushBatch> {
    const rows = await copyBytes(file)
    return await this.#run({ kind: 'decode', vectors, rows }, [rows.buffer])
  }

  /** The checksums of a file with one record batch of that column alone. */
  async checksums(file: Uint8Array): Promise<Uint32Array> {
    const rows = await copyBytes(file)
    return await this.#run({ kind: 'checksums', rows }, [rows.buffer])
  }

  async #run<T extends ArrowTask>(task: T, given: ArrayBuffer[]): Promise<ArrowResults[T['kind']]> {
    const worker = this.#started()
    const request: ArrowRequest = { id: ++this.#lastId, task }
    worker.postMessage(request, given)
    worker.ref()
    const result = new Promise<ArrowResults[ArrowTask['kind']]>((resolve, reject) => {
      this.#waiting.set(request.id, { resolve, reject })
    })
    return (await result) as ArrowResults[T['kind']]
  }

  #started(): Worker {
    if (this.#worker) return this.#worker
    const worker = new Worker(entryOf(), OPTIONS)
    worker.unref()
    worker.on('message', (answer: ArrowAnswer) => this.#settle(worker, answer))
    worker.on('messageerror', (cause) => this.#lose(worker, cause))
    worker.on('error', (cause) => this.#lose(worker, cause))
    worker.on('exit', () => this.#lose(worker, undefined))
    this.#worker = worker
    return worker
  }

  #settle(worker: Worker, answer: ArrowAnswer): void {
    const waiting = this.#waiting.get(answer.id)
    this.#waiting.delete(answer.id)
    this.#heapBytes = answer.heapBytes
    if (this.#waiting.size === 0) worker.unref()
    if (answer.ok) waiting?.resolve(answer.result)
    else waiting?.reject(fromWire(answer.failure))
  }

  #lose(worker: Worker, cause: unknown): void {
    if (this.#worker !== worker) return
    this.#worker = null
    this.#heapBytes = 0
    void worker.terminate()
    const why = cause instanceof Error ? `: ${cause.message}` : ''
    const error = new VicinalError('UNAVAILABLE', `the thread that turns rows into Arrow ended${why}`, { cause })
    for (const { reject } of this.#waiting.values()) reject(error)
    this.#waiting.clear()
  }
}

/** One worker for the process, shared by all tables. */
export const arrowThread = new ArrowThread()

/** Messages between the main thread and the Arrow worker. Buffers of a message are transferred, not copied. */
export type ArrowTask =
  | { kind: 'schema'; vectors: readonly TableVector[] }
  | { kind: 'columns'; vectors: readonly TableVector[] }
  | { kind: 'encode'; vectors: readonly TableVector[]; batch: FlushBatch }
  | { kind: 'decode'; vectors: readonly TableVector[]; rows: Uint8Array }
  | { kind: 'checksums'; rows: Uint8Array }

/** The result of a task, by its kind. Rows are in Arrow's file format. */
export interface ArrowResults {
  /** A file without rows. */
  schema: Uint8Array
  /** A file without rows that has only the vectors' columns. */
  columns: Uint8Array
  encode: EncodedRows
  decode: FlushBatch
  checksums: Uint32Array
}

export interface EncodedRows {
  rows: Uint8Array
  /** The highest sequence number among the rows. */
  maxSeq: number
}

export interface ArrowRequest {
  id: number
  task: ArrowTask
}

/** `heapBytes` is the size of the worker's JavaScript heap after the task. */
export type ArrowAnswer = { id: number; heapBytes: number } & (
  | { ok: true; result: ArrowResults[ArrowTask['kind']] }
  | { ok: false; failure: WireFailure }
)

/** Structured cloning keeps an error's message and stack. The fields that it drops are sent beside it. */
type WireFailure =
  | { code: null; cause: unknown }
  | { code: ErrorCode; message: string; details: Record<string, unknown>; cause: unknown }

export function toWire(error: unknown): WireFailure {
  if (!(error instanceof VicinalError)) return { code: null, cause: error }
  const { code, message, details, cause } = error
  return { code, message, details, cause }
}

export function fromWire(failure: WireFailure): unknown {
  if (failure.code === null) return failure.cause
  const { code, message, details, cause } = failure
  return new VicinalError(code, message, { details, cause })
}
