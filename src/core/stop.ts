/** What may be over before it is done: an AbortSignal, made only where one is asked for. */
export interface Stoppable {
  readonly isStopped: boolean
  readonly reason: unknown
  readonly signal: AbortSignal
  /** Each listener is called once, or never. */
  onStop(listener: () => void): void
  offStop(listener: () => void): void
}

/**
 * Says of a call that it is to end. To make an AbortSignal and to listen to it takes as long as many a call, which needs
 * neither: it is over before anything happens.
 */
export class Stop implements Stoppable {
  #reason: unknown
  #isStopped = false
  /** Most calls have one listener. */
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
