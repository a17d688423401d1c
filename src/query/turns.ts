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

  /** To be awaited where the others' turn has come; undefined where it has not. */
  pause(): Promise<void> | undefined {
    return performance.now() - this.#started < MOST_MS ? undefined : this.#giveWay()
  }

  /** Runs `step` for each of `count`, giving way every few milliseconds; ends with the signal's reason once it fired. */
  async each(count: number, step: (at: number) => void): Promise<void> {
    for (let at = 0; at < count; at++) {
      step(at)
      const others = this.pause()
      if (others) await others
    }
  }

  async #giveWay(): Promise<void> {
    await nextTurn()
    this.#signal?.throwIfAborted()
    this.#started = performance.now()
  }
}
