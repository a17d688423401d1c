import { type Clock, systemClock } from '../core/clock.js'
import type { Group } from './group.js'
import { REMOVALS, removalKey } from './keys.js'
import type { Objects } from './objects.js'
import type { Entry } from './slate-messages.js'
import { removalPathOf } from './values.js'

const HOUR_MS = 3_600_000
/** Objects stay for as long after nothing names them, for readers that have just read the manifest. */
export const DEFAULT_REMOVAL_MS = HOUR_MS
/** Begins the paths that stand for old versions of a table: `prune/<uuid>/<version>`, with the version to keep. */
export const PRUNING = 'prune/'
/** Removals of one batch. */
const AT_ONCE = 100
/** A store that removes so many objects in a row not at all is left alone for a while. */
const FAILED_IN_A_ROW = 5
const RETRY_MS = 30_000
/** An object that could not be removed is tried again after this time, then after twice as much, and so on. */
const OBJECT_RETRY_FIRST_MS = 2 * RETRY_MS

/**
 * Objects that no manifest names any more. The batch that stops naming them writes a key for each. The owner removes them
 * later, by its own clock: a takeover begins the time anew. A path that ends with a slash stands for everything below it.
 *
 * Names of objects are never used again, so that a removal is right whenever it comes, even by an owner that was paused.
 */
export class Removals {
  readonly #group: Group
  readonly #objects: Objects
  readonly #clock: Clock
  /** Unnamed objects stay so long. */
  readonly afterMs: number
  /** When each was first seen, the earliest first. */
  readonly #sinceMs = new Map<string, number>()
  /** Paths below which nothing is removed now, with the number of their holders. */
  readonly #held = new Map<string, number>()
  /** Objects that could not be removed. Others pass them by meanwhile. */
  readonly #failed = new Map<string, { retryAtMs: number; waitMs: number }>()
  #retryAtMs = 0
  /** Removes the old versions for a path that begins with PRUNING; no object has such a path. */
  prune: (path: string) => Promise<void> = async () => undefined

  private constructor(group: Group, objects: Objects, clock: Clock, afterMs: number) {
    this.#group = group
    this.#objects = objects
    this.#clock = clock
    this.afterMs = afterMs
  }

  /** Rejects with CORRUPT for a key that stands for nothing that an owner removes. */
  static async open(
    group: Group,
    objects: Objects,
    { clock = systemClock, removalMs = DEFAULT_REMOVAL_MS }: { clock?: Clock; removalMs?: number },
  ): Promise<Removals> {
    const removals = new Removals(group, objects, clock, removalMs)
    const found: string[] = []
    for await (const [key] of group.scan(REMOVALS)) found.push(removalPathOf(key))
    removals.added(found)
    return removals
  }

  /** Entries for the batch that stops naming these objects. */
  puts(paths: readonly string[]): Entry[] {
    return paths.map((path) => [removalKey(path), new Uint8Array(0)])
  }

  /** That batch is durable. */
  added(paths: readonly string[]): void {
    const nowMs = this.#clock.monotonicMs()
    for (const path of paths) {
      // Its time begins anew.
      this.#sinceMs.delete(path)
      this.#sinceMs.set(path, nowMs)
    }
  }

  has(path: string): boolean {
    return this.#sinceMs.has(path)
  }

  /** Nothing below these paths is removed until the returned function is called. */
  hold(paths: readonly string[]): () => void {
    for (const path of paths) this.#held.set(path, 1 + (this.#held.get(path) ?? 0))
    return () => {
      for (const path of paths) {
        const left = (this.#held.get(path) ?? 0) - 1
        if (left > 0) this.#held.set(path, left)
        else this.#held.delete(path)
      }
    }
  }

  /** Removes all due objects. Rejects if one could not be removed, once the others are. */
  async sweep(): Promise<void> {
    const nowMs = this.#clock.monotonicMs()
    if (nowMs < this.#retryAtMs) return
    const failures: unknown[] = []
    for (let due = this.#due(nowMs); due.length > 0; due = this.#due(nowMs)) {
      // A node that no longer owns the store finds out here, and leaves the removal to its successor.
      await this.#group.write({ puts: this.puts(due) })
      this.#retryAtMs = nowMs + RETRY_MS
      const { removed, isAway } = await this.#removeAll(due, nowMs, failures)
      if (removed.length > 0) await this.#group.write({ puts: [], deletes: removed.map(removalKey) })
      for (const path of removed) this.#sinceMs.delete(path)
      if (isAway) break
      this.#retryAtMs = 0
    }
    if (failures.length > 0) throw failures[0]
  }

  /** `isAway`: the store removes nothing, and the rest was not tried. */
  async #removeAll(
    paths: readonly string[],
    nowMs: number,
    failures: unknown[],
  ): Promise<{ removed: string[]; isAway: boolean }> {
    const removed: string[] = []
    let inARow = 0
    for (const path of paths) {
      try {
        await this.#removeOne(path)
        removed.push(path)
        this.#failed.delete(path)
        inARow = 0
      } catch (error) {
        failures.push(error)
        const waitMs = Math.min(HOUR_MS, 2 * (this.#failed.get(path)?.waitMs ?? OBJECT_RETRY_FIRST_MS / 2))
        this.#failed.set(path, { retryAtMs: nowMs + waitMs, waitMs })
        if (++inARow === FAILED_IN_A_ROW) return { removed, isAway: true }
      }
    }
    return { removed, isAway: false }
  }

  async #removeOne(path: string): Promise<void> {
    // Old versions that cannot be removed now go with the next compaction, and keep nothing else.
    if (path.startsWith(PRUNING)) await this.prune(path).catch(() => undefined)
    else if (path.endsWith('/')) await this.#objects.removeTree(path)
    else await this.#objects.remove(path)
  }

  /** The due paths. Those that failed before come last. */
  #due(nowMs: number): string[] {
    const due: string[] = []
    const again: string[] = []
    for (const [path, sinceMs] of this.#sinceMs) {
      if (nowMs - sinceMs < this.afterMs || due.length === AT_ONCE) break
      if (this.#isHeld(path)) continue
      const failed = this.#failed.get(path)
      if (!failed) due.push(path)
      else if (nowMs >= failed.retryAtMs) again.push(path)
    }
    return [...due, ...again].slice(0, AT_ONCE)
  }

  #isHeld(path: string): boolean {
    for (const held of this.#held.keys()) if (path.startsWith(held) || held.startsWith(path)) return true
    return false
  }
}
