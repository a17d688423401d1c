import type { CallOptions } from '../core/database.js'
import { invalid, VicinalError } from '../core/errors.js'
import { LIMITS } from '../core/limits.js'

/**
 * Runs one call under its deadline and the caller's AbortSignal. `work` gets a signal to hand on to the kernel;
 * the call rejects with TIMEOUT or CANCELLED as soon as either fires, whatever the work is still doing.
 */
export async function withDeadline<T>(
  options: CallOptions | undefined,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const timeoutMs = options?.timeoutMs ?? LIMITS.timeoutMs
  if (typeof timeoutMs !== 'number' || !(timeoutMs > 0) || timeoutMs > LIMITS.maxTimeoutMs) {
    throw invalid('timeout', `expected milliseconds above 0, at most ${LIMITS.maxTimeoutMs}`, timeoutMs)
  }
  const outer = options?.signal
  if (outer?.aborted) throw cancelled(outer)
  const inner = new AbortController()
  return await new Promise<T>((resolve, reject) => {
    const stop = (error: VicinalError) => {
      inner.abort(error)
      reject(error)
    }
    const onAbort = () => stop(cancelled(outer as AbortSignal))
    const timer = setTimeout(
      () =>
        stop(
          new VicinalError('TIMEOUT', `the call took longer than its timeout of ${timeoutMs} ms`, {
            details: { timeoutMs },
          }),
        ),
      timeoutMs,
    )
    outer?.addEventListener('abort', onAbort, { once: true })
    const settle = () => {
      clearTimeout(timer)
      outer?.removeEventListener('abort', onAbort)
    }
    work(inner.signal).then(
      (value) => {
        settle()
        resolve(value)
      },
      (error: unknown) => {
        settle()
        reject(error)
      },
    )
  })
}

function cancelled(signal: AbortSignal): VicinalError {
  return new VicinalError('CANCELLED', 'the call was cancelled by its AbortSignal', { cause: signal.reason })
}
