import { setTimeout as sleep } from 'node:timers/promises'
import { hasReached, type Position, type Watermark } from '../../bucket/watermark.js'

/** How often the store is looked at while a caller waits. */
const LOOK_MS = 10

/** How far a node has a store that several nodes share. */
export interface StoreProgress {
  /** The last batch that can be read here. */
  position(): Promise<Position>
  /** Rejects if another node has taken the store: what is here may be old. */
  confirm?(): Promise<void>
  /** Makes everything up to the present position visible. False if that failed, and is worth another try. */
  catchUp(): Promise<boolean>
}

interface Waiting {
  wanted: Watermark
  done(): void
}

/** Callers that wait until a node has a watermark. One look at the store serves them all. */
export class WatermarkWaits {
  readonly #progress: () => StoreProgress
  readonly #waiting = new Set<Waiting>()
  #isLooking = false

  /** The node may change its role meanwhile, so that its progress is asked for at each look. */
  constructor(progress: () => StoreProgress) {
    this.#progress = progress
  }

  /** Resolves once the node has it. Rejects with the stop's reason if that comes first. */
  async until(wanted: Watermark, signal: AbortSignal): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      const waiting: Waiting = {
        wanted,
        done() {
          signal.removeEventListener('abort', onStop)
          resolve()
        },
      }
      const onStop = () => {
        this.#waiting.delete(waiting)
        reject(signal.reason)
      }
      signal.addEventListener('abort', onStop, { once: true })
      this.#waiting.add(waiting)
      if (!this.#isLooking) void this.#look()
    })
  }

  async #look(): Promise<void> {
    this.#isLooking = true
    while (this.#waiting.size > 0) {
      // The store may be closing, or out of reach for a while: callers wait until their deadline.
      const isDone = await this.#lookOnce().catch(() => false)
      if (!isDone) await sleep(LOOK_MS, undefined, { ref: false })
    }
    this.#isLooking = false
  }

  /** Whether some of the callers have what they wait for. */
  async #lookOnce(): Promise<boolean> {
    const progress = this.#progress()
    const position = await progress.position()
    const due = [...this.#waiting].filter(({ wanted }) => hasReached(position, wanted))
    if (due.length === 0 || !(await progress.catchUp())) return false
    for (const waiting of due) {
      this.#waiting.delete(waiting)
      waiting.done()
    }
    return true
  }
}
