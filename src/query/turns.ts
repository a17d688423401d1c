/** Splits long work on the JavaScript thread, so that other work gets its turns. */
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { MaybePromise } from '../core/maybe-promise.js'
import type { Stoppable } from '../core/stop.js'

const MOST_MS = 2

/** Work that may give way, or end, wherever it yields. Between two yields it takes some microseconds. */
export type Steps<T> = Generator<undefined, T>

/** For work that is known to be short. */
export function atOnce<T>(steps: Steps<T>): T {
  let taken = steps.next()
  while (!taken.done) taken = steps.next()
  return taken.value
}

/** One clock for all loops of one piece of work: many short loops pause as often as a long one. */
export class Turns {
  readonly #call: Pick<Stoppable, 'isStopped' | 'reason'> | undefined
  #started = performance.now()

  constructor(call?: Pick<Stoppable, 'isStopped' | 'reason'>) {
    this.#call = call
  }

  /** Returns a promise to await when other work should run; undefined otherwise. */
  pause(): Promise<void> | undefined {
    return performance.now() - this.#started < MOST_MS ? undefined : this.#giveWay()
  }

  /** Takes the steps: at once where that takes no more than some milliseconds, else in turns. Ends as `each` does. */
  take<T>(steps: Steps<T>): MaybePromise<T> {
    const taken = this.#takeSome(steps)
    return taken.done ? taken.value : this.#takeOthers(steps)
  }

  /** Runs `step` for each of `count`, giving way every few milliseconds; ends with the call's reason once it was stopped. */
  async each(count: number, step: (at: number) => void): Promise<void> {
    for (let at = 0; at < count; at++) {
      step(at)
      const others = this.pause()
      if (others) await others
    }
  }

  #takeSome<T>(steps: Steps<T>): IteratorResult<undefined, T> {
    let taken = steps.next()
    while (!taken.done && performance.now() - this.#started < MOST_MS) taken = steps.next()
    return taken
  }

  async #takeOthers<T>(steps: Steps<T>): Promise<T> {
    for (;;) {
      await this.#giveWay()
      const taken = this.#takeSome(steps)
      if (taken.done) return taken.value
    }
  }

  async #giveWay(): Promise<void> {
    await nextTurn()
    if (this.#call?.isStopped) throw this.#call.reason
    this.#started = performance.now()
  }
}
