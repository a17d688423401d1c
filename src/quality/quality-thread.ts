import { Worker } from 'node:worker_threads'
import { type ErrorCode, VicinalError } from '../core/errors.js'
import type { CollectionConfig } from '../core/schema.js'
import type { AskedPairs } from './pairs.js'
import type { Asked } from './report.js'

/** The compiled worker, two folders up and down again: from src/quality in a checkout as from dist/quality. */
const entryOf = () => new URL('../../dist/quality/quality-worker.js', import.meta.url)

export type QualityTask = {
  /** The number of the shard, see `Shard.shared`. */
  readonly shard: number
  readonly config: CollectionConfig
} & ({ readonly kind: 'report'; readonly asked: Asked } | { readonly kind: 'pairs'; readonly asked: AskedPairs })

export type WorkerAnswer =
  | { ok: true; result: unknown }
  | { ok: false; code: ErrorCode | null; message: string; details: Record<string, unknown> }

/**
 * Runs one task in a thread of its own, which ends with it: arithmetic of seconds is kept off the event loop. An abort
 * of the signal ends the work within milliseconds, and rejects with CANCELLED.
 */
export async function inOwnThread<T>(task: QualityTask, signal: AbortSignal): Promise<T> {
  signal.throwIfAborted()
  // The flags of this process are not the worker's: with `--input-type` it would not start.
  const worker = new Worker(entryOf(), { name: 'vicinal-quality', execArgv: [], workerData: task })
  const stop = () => worker.postMessage('stop')
  signal.addEventListener('abort', stop, { once: true })
  try {
    return await new Promise<T>((resolve, reject) => {
      worker.once('message', (answer: WorkerAnswer) => {
        if (answer.ok) resolve(answer.result as T)
        else reject(new VicinalError(answer.code ?? 'INTERNAL', answer.message, { details: answer.details }))
      })
      const lost = (cause: unknown) => {
        const why = cause instanceof Error ? `: ${cause.message}` : ''
        reject(new VicinalError('UNAVAILABLE', `the thread that makes quality reports ended${why}`, { cause }))
      }
      worker.once('error', lost)
      worker.once('exit', lost)
    })
  } finally {
    signal.removeEventListener('abort', stop)
  }
}
