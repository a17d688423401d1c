/** A running call that can be stopped. Its AbortSignal is only created when asked for. */
export interface Stoppable {
  readonly isStopped: boolean
  readonly reason: unknown
  readonly signal: AbortSignal
  /** Each listener is called at most once. */
  onStop(listener: () => void): void
  offStop(listener: () => void): void
}

/**
 * Stops a call. Creating an AbortSignal and listening to it takes as long as many calls do, and most calls end without
 * being stopped.
 */
export class Stop implements Stoppable {
  #reason: unknown
  #isStopped = false
  /** Most calls have only one listener. */
  #first: (() => void) | undefined
  #others: Set<() => void> | undefined
  #controller: AbortController | undefined

  get isStopped(): boolean {
    return this.#isStopped
  }

  get reason(): unknown {
    return this.#reason
  }

  get signal(): AbortSignal {
    this.#controller ??= this.makeController()
    if (this.#isStopped) this.#controller.abort(this.#reason)
    return this.#controller.signal
  }

  onStop(listener: () => void): void {
    if (this.#first === undefined && !this.#others?.has(listener)) this.#first = listener
    if (this.#first === listener) return
    this.#others ??= new Set()
    this.#others.add(listener)
  }

  offStop(listener: () => void): void {
    if (this.#first === listener) this.#first = undefined
    else this.#others?.delete(listener)
  }

  stop(reason?: unknown): void {
    if (this.#isStopped) return
    this.#isStopped = true
    this.#reason = reason
    const first = this.#first
    const others = this.#others
    this.#first = undefined
    this.#others = undefined
    first?.()
    for (const listener of others ?? []) listener()
    this.#controller?.abort(reason)
  }

  protected makeController(): AbortController {
    return new AbortController()
  }
}
