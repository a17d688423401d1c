/** Long work on the JavaScript thread, which others get their turns of too. */
import { setImmediate as nextTurn } from 'node:timers/promises'

const MOST_MS = 2

/** One clock for all the loops of one piece of work: many short ones give way as one long one does. */
export class Turns {
  readonly #signal: AbortSignal | undefined
  #started = performance.now()

  constructor(signal?: AbortSignal) {
    this.#signal = signal
  }

  /** Runs `step` for each of `count`, giving way every few milliseconds; ends with the signal's reason once it fired. */
  async each(count: number, step: (at: number) => void): Promise<void> {
    for (let at = 0; at < count; at++) {
      step(at)
      if (performance.now() - this.#started < MOST_MS) continue
      await nextTurn()
      this.#signal?.throwIfAborted()
      this.#started = performance.now()
    }
  }
}
