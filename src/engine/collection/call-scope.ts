import { setMaxListeners } from 'node:events'
import type { CallNotes } from '../../core/call-notes.js'
import { CallOptions } from '../../core/call-options.js'
import { invalid, VicinalError } from '../../core/errors.js'
import { givenIfAny } from '../../core/given-options.js'
import { innerOf } from '../../core/inner-call.js'
import { LIMITS } from '../../core/limits.js'
import type { MaybePromise } from '../../core/maybe-promise.js'
import { Stop } from '../../core/stop.js'

const NO_OPTIONS: CallOptions = {}

/** The stop of one running call. */
export class CallScope extends Stop {
  /** Null where nobody wants notes of the call. */
  readonly notes: CallNotes | null

  constructor(notes: CallNotes | null = null) {
    super()
    this.notes = notes
  }

  protected override makeController(): AbortController {
    const controller = new AbortController()
    // Each search of a batch adds a listener, so many listeners are no leak.
    setMaxListeners(0, controller.signal)
    return controller
  }
}

/**
 * Runs one call until its deadline or until the caller stops it. `work` passes the scope's signal to the kernel. The
 * call rejects with TIMEOUT or CANCELLED as soon as either fires, even while work goes on. An answer that is ready at
 * once is returned without a promise.
 */
export function withDeadline<T>(
  options: CallOptions | undefined,
  work: (scope: CallScope) => MaybePromise<T>,
): MaybePromise<T> {
  return within(options?.timeoutMs ?? innerOf(options)?.defaultTimeoutMs ?? LIMITS.timeoutMs, options, work)
}

/** The same for calls without a default deadline (waits, flushes, snapshots): only a deadline of the caller's holds. */
export function untilDone<T>(
  options: CallOptions | undefined,
  work: (scope: CallScope) => MaybePromise<T>,
): MaybePromise<T> {
  return within(options?.timeoutMs ?? null, options, work)
}

function within<T>(
  timeoutMs: number | null,
  options: CallOptions | undefined,
  work: (scope: CallScope) => MaybePromise<T>,
): MaybePromise<T> {
  if (timeoutMs !== null) checkTimeout(timeoutMs)
  if (options?.signal?.aborted) throw cancelled(options.signal.reason)
  const inner = innerOf(options)
  if (inner?.stop?.isStopped) throw cancelled(undefined)
  const deadline = timeoutMs === null ? null : { timeoutMs, leftMs: leftOf(timeoutMs, inner?.arrivedMs) }
  if (deadline && deadline.leftMs <= 0) throw timedOut(deadline)
  const scope = new CallScope(inner?.notes)
  const started = begun(work, scope)
  return started instanceof Promise ? untilStopped(started, scope, deadline, options ?? NO_OPTIONS) : started
}

/** The time that a call was given, and the rest of it. */
interface Deadline {
  timeoutMs: number
  leftMs: number
}

function leftOf(timeoutMs: number, arrivedMs: number | undefined): number {
  return arrivedMs === undefined ? timeoutMs : timeoutMs - (performance.now() - arrivedMs)
}

function checkTimeout(timeoutMs: unknown): void {
  if (typeof timeoutMs !== 'number' || !(timeoutMs > 0) || timeoutMs > LIMITS.maxTimeoutMs) {
    throw invalid('timeoutMs', `expected milliseconds above 0, at most ${LIMITS.maxTimeoutMs}`, timeoutMs)
  }
}

/** `withDeadline` of a verb that is told nothing else than how it is called. */
export function withCall<T>(
  call: CallOptions | undefined,
  work: (scope: CallScope) => MaybePromise<T>,
): MaybePromise<T> {
  return withDeadline(givenIfAny(CallOptions, call), work)
}

/** If one part of a call fails, its other parts are stopped, because nobody wants their answers. */
function begun<T>(work: (scope: CallScope) => MaybePromise<T>, scope: CallScope): MaybePromise<T> {
  try {
    return work(scope)
  } catch (error) {
    scope.stop(error)
    throw error
  }
}

function untilStopped<T>(
  started: Promise<T>,
  scope: CallScope,
  deadline: Deadline | null,
  options: CallOptions,
): Promise<T> {
  const { signal } = options
  const stop = innerOf(options)?.stop
  return new Promise<T>((resolve, reject) => {
    const end = (error: VicinalError) => {
      scope.stop(error)
      reject(error)
    }
    const onStop = () => end(cancelled(signal?.reason))
    const timer = deadline === null ? undefined : setTimeout(() => end(timedOut(deadline)), deadline.leftMs)
    signal?.addEventListener('abort', onStop, { once: true })
    stop?.onStop(onStop)
    const settle = () => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', onStop)
      stop?.offStop(onStop)
    }
    started.then(
      (value) => {
        settle()
        resolve(value)
      },
      (error: unknown) => {
        settle()
        scope.stop(error)
        reject(error)
      },
    )
  })
}

function timedOut({ timeoutMs }: Deadline): VicinalError {
  return new VicinalError('TIMEOUT', `the call took longer than its timeout of ${timeoutMs} ms`, {
    details: { timeoutMs },
  })
}

function cancelled(cause: unknown): VicinalError {
  return new VicinalError('CANCELLED', 'the call was cancelled by its AbortSignal', { cause })
}
