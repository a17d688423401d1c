import { setTimeout as sleep } from 'node:timers/promises'
import { hasReached, type Position, type Watermark } from '../../bucket/watermark.js'

/** How often the store is looked at while a caller waits. */
const LOOK_MS = 10
/** A collection that cannot follow is tried again for its callers after this time at most. */
const RETRY_MOST_MS = 1_000

/** How far a node has a store that several nodes share. */
export interface StoreProgress {
  /** Rejects if another node has taken the store: this node's data may be old. */
  confirm?(): Promise<void>
  /** The last batch that can be read here. `isAwaited`: callers wait for the next one. */
  position(isAwaited?: boolean): Promise<Position>
  /** The last batch that all collections have here. Collections that cannot follow do not count. */
  applied(): Promise<Position>
  /**
   * Makes everything up to the present position visible: the catalogue and, if they are named, collections. Resolves to
   * null, or to the reason why that failed, and is worth another try.
   */
  catchUp(uuids: readonly string[]): Promise<string | null>
}

/** The collections that a caller reads, by their present uuids. These may change once the catalogue has caught up. */
export type Reads = () => readonly string[]

interface Waiting {
  wanted: Watermark
  onReached(): void
}

/**
 * Callers that wait until a node has a watermark. One look at the store serves them all. Then each waits for the
 * collections that it reads, so that one that cannot follow keeps no other's callers.
 */
export class WatermarkWaits {
  readonly #progress: () => StoreProgress
  readonly #waiting = new Set<Waiting>()
  #isLooking = false

  /** The node may change its role meanwhile, so that its progress is asked for at each look. */
  constructor(progress: () => StoreProgress) {
    this.#progress = progress
  }

  /** Resolves once the node has it. Rejects with the signal's reason if that comes first, and tells `onTrouble` before why. */
  async until(wanted: Watermark, reads: Reads, signal: AbortSignal, onTrouble: (why: string) => void): Promise<void> {
    await this.#reached(wanted, signal)
    for (let retryMs = LOOK_MS; ; retryMs = Math.min(RETRY_MOST_MS, 2 * retryMs)) {
      const why = await stopped(this.#catchUp(reads), signal)
      if (why === null) return
      onTrouble(why)
      await sleep(retryMs, undefined, { ref: false, signal }).catch(() => signal.throwIfAborted())
    }
  }

  /** The catalogue first: it names the collections. */
  async #catchUp(reads: Reads): Promise<string | null> {
    try {
      const progress = this.#progress()
      return (await progress.catchUp([])) ?? (await progress.catchUp(reads()))
    } catch (error) {
      // The store may be closing, or out of reach for a while: callers wait until their deadline.
      return (error as Error).message
    }
  }

  async #reached(wanted: Watermark, signal: AbortSignal): Promise<void> {
    const reached = new Promise<void>((resolve) => {
      const waiting = { wanted, onReached: resolve }
      this.#waiting.add(waiting)
      signal.addEventListener('abort', () => this.#waiting.delete(waiting), { once: true })
    })
    if (!this.#isLooking) void this.#look()
    await stopped(reached, signal)
  }

  async #look(): Promise<void> {
    this.#isLooking = true
    while (this.#waiting.size > 0) {
      await this.#lookOnce().catch(() => undefined)
      if (this.#waiting.size > 0) await sleep(LOOK_MS, undefined, { ref: false })
    }
    this.#isLooking = false
  }

  async #lookOnce(): Promise<void> {
    const position = await this.#progress().position(true)
    for (const waiting of this.#waiting) {
      if (!hasReached(position, waiting.wanted)) continue
      this.#waiting.delete(waiting)
      waiting.onReached()
    }
  }
}

/** The same, until the signal fires. */
async function stopped<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return await new Promise((resolve, reject) => {
    const onAbort = () => reject(signal.reason)
    if (signal.aborted) onAbort()
    signal.addEventListener('abort', onAbort, { once: true })
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort))
  })
}
