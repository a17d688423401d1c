/**
 * A look that takes long, shared: whoever asks while one is under way gets the next, which begins after they asked. So
 * there is one at a time, however many ask, and none is older than its request.
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
