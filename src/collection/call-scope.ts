import { setMaxListeners } from 'node:events'
import type { Awaitable } from '../core/awaitable.js'
import type { CallOptions } from '../core/database.js'
import { invalid, VicinalError } from '../core/errors.js'
import { LIMITS } from '../core/limits.js'

/** A call that runs. Its signal is made when it is first asked for: a call that ends at once needs none. */
export class CallScope {
  #controller: AbortController | undefined
  #reason: VicinalError | undefined

  get signal(): AbortSignal {
    this.#controller ??= controllerOfMany()
    if (this.#reason) this.#controller.abort(this.#reason)
    return this.#controller.signal
  }

  stop(reason: VicinalError): void {
    this.#reason = reason
    this.#controller?.abort(reason)
  }
}

/** Each search of a batch listens: as many as there are are no leak. */
function controllerOfMany(): AbortController {
  const controller = new AbortController()
  setMaxListeners(0, controller.signal)
  return controller
}

/**
 * Runs one call under its deadline and the caller's AbortSignal. `work` hands the scope's signal on to the kernel;
 * the call rejects with TIMEOUT or CANCELLED as soon as either fires, whatever the work is still doing. What is done
 * at once is returned at once.
 */
export function withDeadline<T>(
  options: CallOptions | undefined,
  work: (scope: CallScope) => Awaitable<T>,
): Awaitable<T> {
  const timeoutMs = options?.timeoutMs ?? options?.defaultTimeoutMs ?? LIMITS.timeoutMs
  if (typeof timeoutMs !== 'number' || !(timeoutMs > 0) || timeoutMs > LIMITS.maxTimeoutMs) {
    throw invalid('timeout', `expected milliseconds above 0, at most ${LIMITS.maxTimeoutMs}`, timeoutMs)
  }
  const outer = options?.signal
  if (outer?.aborted) throw cancelled(outer)
  const scope = new CallScope()
  const started = work(scope)
  return started instanceof Promise ? untilStopped(started, scope, timeoutMs, outer) : started
}

function untilStopped<T>(
  started: Promise<T>,
  scope: CallScope,
  timeoutMs: number,
  outer: AbortSignal | undefined,
): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const stop = (error: VicinalError) => {
      scope.stop(error)
      reject(error)
    }
    const onAbort = () => stop(cancelled(outer as AbortSignal))
    const timer = setTimeout(() => stop(timedOut(timeoutMs)), timeoutMs)
    outer?.addEventListener('abort', onAbort, { once: true })
    const settle = () => {
      clearTimeout(timer)
      outer?.removeEventListener('abort', onAbort)
    }
    started.then(
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

function timedOut(timeoutMs: number): VicinalError {
  return new VicinalError('TIMEOUT', `the call took longer than its timeout of ${timeoutMs} ms`, {
    details: { timeoutMs },
  })
}

function cancelled(signal: AbortSignal): VicinalError {
  return new VicinalError('CANCELLED', 'the call was cancelled by its AbortSignal', { cause: signal.reason })
}
