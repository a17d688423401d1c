/**
 * A slow look, shared by its callers. A call during a look gets the next one, which begins after the call. So there is one
 * look at a time, however many callers, and none is older than its request.
 */
export class SharedLook<T> {
  readonly #look: () => Promise<T>
  #running: Promise<unknown> = Promise.resolve()
  #next: Promise<T> | null = null

  constructor(look: () => Promise<T>) {
    this.#look = look
  }

  get(): Promise<T> {
    this.#next ??= this.#running.then(() => {
      this.#next = null
      const look = this.#look()
      this.#running = look.catch(() => {})
      return look
    })
    return this.#next
  }
}
