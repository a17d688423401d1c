import { background } from '../../core/background.js'
import { mostDescriptors } from '../../disk/process-bounds.js'

/** One part in this many of the open collections is closed at a time where the system has too little for all. */
export const CLOSED_SHARE = 16
/** The share of the process's file descriptors that open collections may take. */
const DESCRIPTORS_SHARE = 1 / 2

/** An open collection that may be closed, since its next use opens it again. */
export interface Closable {
  /** Closed when it was not used for this time. */
  readonly idleMs: number
  readonly usedAtMs: number
  /** Looks whether it was used since the last look. */
  noteUse(nowMs: number): void
  /** Resolves to whether it was closed: not while it is used. */
  closeIfUnused(): Promise<boolean>
}

/** The open collections of this process, of which those unused for the longest are closed first. */
export class OpenCollections {
  readonly #open = new Set<Closable>()
  readonly #sweep = () => this.closeIdle(performance.now())

  add(collection: Closable): void {
    if (this.#open.size === 0) background.add(this.#sweep)
    this.#open.add(collection)
  }

  remove(collection: Closable): void {
    if (this.#open.delete(collection) && this.#open.size === 0) background.remove(this.#sweep)
  }

  get count(): number {
    return this.#open.size
  }

  /** Closes collections whose idle time is over. */
  async closeIdle(nowMs: number): Promise<void> {
    this.#look(nowMs)
    for (const collection of this.#open)
      if (nowMs - collection.usedAtMs >= collection.idleMs) await collection.closeIfUnused()
  }

  /**
   * Closes collections that were not used for `unusedMs`, the least recently used first, until `isEnough`. Runs
   * `onClosed` after each. Resolves to their number.
   */
  async closeUntil(
    isEnough: (closed: number) => boolean,
    unusedMs: number,
    onClosed?: () => Promise<void>,
  ): Promise<number> {
    const nowMs = performance.now()
    this.#look(nowMs)
    const unused = [...this.#open].filter(({ usedAtMs }) => nowMs - usedAtMs >= unusedMs)
    let closed = 0
    for (const collection of unused.sort((a, b) => a.usedAtMs - b.usedAtMs)) {
      if (isEnough(closed)) break
      if (!(await collection.closeIfUnused())) continue
      closed++
      await onClosed?.()
    }
    return closed
  }

  /**
   * Closes a share of the open collections if these, with the descriptor of each one's log, leave too few descriptors to
   * connections and background work.
   */
  async makeRoomForOne(): Promise<void> {
    if (this.count < DESCRIPTORS_SHARE * (await mostDescriptors())) return
    const most = Math.ceil(this.count / CLOSED_SHARE)
    await this.closeUntil((closed) => closed >= most, 0)
  }

  #look(nowMs: number): void {
    for (const collection of this.#open) collection.noteUse(nowMs)
  }
}

/** Memory and memory maps belong to the process, so all its databases share one instance. */
export const openCollections = new OpenCollections()
