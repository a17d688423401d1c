/** Splits long work on the JavaScript thread, so that other work gets its turns. */
import { setImmediate as nextTurn } from 'node:timers/promises'

const MOST_MS = 2

/** One clock for all loops of one piece of work: many short loops pause as often as a long one. */
export class Turns {
  readonly #signal: AbortSignal | undefined
  #started = performance.now()

  constructor(signal?: AbortSignal) {
    this.#signal = signal
  }

  /** Returns a promise to await when other work should run; undefined otherwise. */
  pause(): Promise<void> | undefined {
    return performance.now() - this.#started < MOST_MS ? undefined : this.#giveWay()
  }

  /** Runs `step` for each of `count`, with a pause every few milliseconds. Throws the signal's reason once it fired. */
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
