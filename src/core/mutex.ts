/** Runs work one after the other, in the order in which it was given, even if the work before fails. */
export class Mutex {
  #last: Promise<unknown> = Promise.resolve()
  #pending = 0
  readonly #ended = () => {
    this.#pending--
  }

  /** How much work runs or waits. */
  get pending(): number {
    return this.#pending
  }

  /** Settles as the work does. */
  run<T>(work: () => T | Promise<T>): Promise<T> {
    this.#pending++
    const run = this.#last.then(work)
    this.#last = run.then(this.#ended, this.#ended)
    return run
  }

  /** Resolves once all work given so far has ended. */
  async idle(): Promise<void> {
    await this.#last
  }
}
