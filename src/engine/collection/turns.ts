import { LIMITS } from '../../core/limits.js'
import { overloaded } from '../limits/overloaded.js'

/** One after the other, whatever becomes of those before. */
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

  /** The same for what callers ask, of which only so much may wait; `what` is of what there is too much then. */
  async asked<T>(what: string, work: () => Promise<T>): Promise<T> {
    if (this.#waiting >= LIMITS.queuedChanges) throw overloaded(`${what} wait`, LIMITS.queuedChanges, this.#waiting)
    return await this.next(work)
  }
}
