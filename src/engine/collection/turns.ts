import { LIMITS } from '../../core/limits.js'
import { overloaded } from '../limits/overloaded.js'

/** Runs tasks one after the other, whether or not earlier ones fail. */
export class Turns {
  #last: Promise<unknown> = Promise.resolve()
  #waiting = 0

  next<T>(work: () => Promise<T>): Promise<T> {
    this.#waiting++
    const turn = this.#last.then(work).finally(() => {
      this.#waiting--
    })
    this.#last = turn.catch(() => {})
    return turn
  }

  /** The same for tasks that callers ask for, with a bound on how many wait. `what` names them in the refusal. */
  async asked<T>(what: string, work: () => Promise<T>): Promise<T> {
    if (this.#waiting >= LIMITS.queuedChanges) throw overloaded(`${what} wait`, LIMITS.queuedChanges, this.#waiting)
    return await this.next(work)
  }
}
