import { setTimeout as sleep } from 'node:timers/promises'
import { VicinalError } from '../core/errors.js'
import type { Heartbeat } from './heartbeats.js'
import { type OwnerWatch, ranked } from './owner-watch.js'

interface TakeoverParts {
  id: string
  lookMs: number
  watch: OwnerWatch
  /** Writes this node's heartbeat now. */
  tell(): Promise<void>
  /** All heartbeats, read now. */
  others(): Promise<readonly Heartbeat[]>
}

/** Opens the store for this node, and tells so before: opening fences every other node, and may take long. */
export class Takeover {
  readonly #parts: TakeoverParts
  #opening: number | null = null

  constructor(parts: TakeoverParts) {
    this.#parts = parts
  }

  /** The epoch of the owner whose store this node is about to open; null while it opens none. */
  get opening(): number | null {
    return this.#opening
  }

  /** False if another node is opening the store. A node that was fenced meanwhile stands back. */
  async take(epoch: number, own: () => Promise<void>): Promise<boolean> {
    const { watch, tell } = this.#parts
    this.#opening = epoch
    try {
      await tell()
      if (!(await this.#isAlone(epoch))) return false
      const beganMs = performance.now()
      await own().finally(() => watch.noteOpening(performance.now() - beganMs))
      return true
    } catch (error) {
      this.noteLoss(error)
      throw error
    } finally {
      this.#opening = null
      await tell().catch(() => undefined)
    }
  }

  /** Another node has the store: it is left alone for a while. */
  noteLoss(error: unknown): void {
    if (error instanceof VicinalError && error.details.ending === 'fenced') this.#parts.watch.standBack()
  }

  /**
   * Tells whether no other node is opening the store. Where several say at the same time that they open it, at least one
   * of them sees the others. All but the first in order give way at once. The first waits one look, and gives way too if
   * another one still says so.
   */
  async #isAlone(epoch: number): Promise<boolean> {
    const { id, lookMs, watch, others } = this.#parts
    const first = await others()
    const rivals = watch.openers(first, epoch)
    if (first.some((other) => isLater(other, epoch))) return false
    if (rivals.length === 0) return true
    if (ranked([...rivals, id], epoch)[0] !== id) return false
    await sleep(lookMs, undefined, { ref: false })
    // A heartbeat that did not change meanwhile may be one that the store is slow to take.
    const goesOn = (other: Heartbeat) => other.id !== id && (other.opening === epoch || isLater(other, epoch))
    return !(await others()).some(goesOn)
  }
}

/** Tells whether the node has opened the store after the owner of this epoch. */
function isLater(other: Heartbeat, epoch: number): boolean {
  return other.epoch !== null && other.epoch > epoch
}
