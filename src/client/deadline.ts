import { VicinalError } from '../core/errors.js'

/**
 * The timeout of one call, and its caller's signal. It is created for every call and costs a timer. It creates no
 * AbortController, since that takes longer than everything else a client does for a query.
 */
export class Deadline {
  readonly #timeoutMs: number | null
  readonly #endsMs: number
  readonly #timer: NodeJS.Timeout | undefined
  readonly #caller: AbortSignal | undefined
  #passed = false
  #action: () => void = () => {}

  /** null: only the caller's signal ends it. */
  constructor(timeoutMs: number | null, caller: AbortSignal | undefined) {
    this.#timeoutMs = timeoutMs
    this.#endsMs = timeoutMs === null ? Number.POSITIVE_INFINITY : performance.now() + timeoutMs
    this.#timer = timeoutMs === null ? undefined : setTimeout(this.#pass, timeoutMs)
    this.#caller = caller
    if (caller?.aborted) this.#passed = true
    else caller?.addEventListener('abort', this.#pass, { once: true })
  }

  /** Whether the caller has cancelled the call. */
  get isCancelled(): boolean {
    return this.#caller?.aborted === true
  }

  get leftMs(): number {
    return this.#endsMs - performance.now()
  }

  /** Sets the action to run on timeout or cancellation. A later call replaces it. */
  onPassed(action: () => void): void {
    this.#action = action
    if (this.#passed) action()
  }

  /** Throws TIMEOUT or CANCELLED if the call has ended. */
  check(): void {
    if (this.#caller?.aborted) {
      throw new VicinalError('CANCELLED', 'The call was cancelled', { cause: this.#caller.reason })
    }
    if (this.#passed) throw new VicinalError('TIMEOUT', `The call took longer than ${this.#timeoutMs} ms`)
  }

  /** Resolves after the delay, or as soon as the call has ended. */
  sleep(delayMs: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, delayMs)
      this.onPassed(() => {
        clearTimeout(timer)
        resolve()
      })
    })
  }

  end(): void {
    this.#action = () => {}
    clearTimeout(this.#timer)
    this.#caller?.removeEventListener('abort', this.#pass)
  }

  readonly #pass = (): void => {
    this.#passed = true
    this.#action()
  }
}
