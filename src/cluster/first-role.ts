import { setTimeout as sleep } from 'node:timers/promises'
import { DATABASE } from '../bucket/bounded.js'
import type { Objects } from '../bucket/objects.js'
import { VicinalError } from '../core/errors.js'
import type { NodeStore } from '../engine/stores/node-store.js'

interface FirstRoleParts {
  /** Where other nodes reach this one. */
  url: string
  lookMs: number
  /** The service stops: a start that waits for an owner ends. */
  isGivenUp(): boolean
  /** The store has no owner yet, or has one after all. */
  onWaiting(isWaiting: boolean): void
  /** Whether other nodes that may own the store have told of themselves. */
  hasRivals(): Promise<boolean>
  /** Takes the store from the owner of this epoch, unless another node is doing so. */
  take(epoch: number): Promise<unknown>
}

/** Has a node that starts own the store, or read what another one writes. */
export class FirstRole {
  readonly #store: NodeStore
  readonly #objects: Objects
  readonly #parts: FirstRoleParts

  constructor(store: NodeStore, objects: Objects, parts: FirstRoleParts) {
    this.#store = store
    this.#objects = objects
    this.#parts = parts
  }

  /**
   * Reads the store. A store that no node has written yet is looked at again until one has. False if none has by
   * `deadlineMs`: the store is not open then.
   */
  async read(deadlineMs = Number.POSITIVE_INFINITY): Promise<boolean> {
    for (;;) {
      try {
        await this.#store.startReading()
        this.#parts.onWaiting(false)
        return true
      } catch (error) {
        if (this.#parts.isGivenUp() || !(await isEmpty(error, this.#objects))) throw error
      }
      if (performance.now() > deadlineMs) return false
      this.#parts.onWaiting(true)
      await this.#pause()
    }
  }

  /**
   * A store that another node owns is read; one whose owner had this node's address, or none, is taken. Of the nodes that
   * start on an empty store, the one that claimed it takes it. The others take it if they see no owner in time.
   */
  async ownOrRead(isNew: boolean, patienceMs: number): Promise<void> {
    const deadlineMs = performance.now() + patienceMs
    if (isNew || !(await this.read(deadlineMs))) return await this.#tryToOwn(() => this.#store.startOwning())
    let owner = await this.#store.owner()
    // Its first owner opens it before it tells its name.
    for (; owner === null && performance.now() < deadlineMs; owner = await this.#store.owner()) await this.#pause()
    if (owner !== null && owner.url !== null && owner.url !== this.#parts.url) return
    // Nodes that start together on a store that no node owned agree by their heartbeats, as they do after any owner.
    if (owner?.url === null && (await this.#parts.hasRivals())) return
    await this.#tryToOwn(() => this.#parts.take(owner?.epoch ?? 0))
  }

  /** Reads the store where another node has opened it at the same time. */
  async #tryToOwn(own: () => Promise<unknown>): Promise<void> {
    try {
      await own()
    } catch (error) {
      if (!(error instanceof VicinalError) || error.details.ending !== 'fenced') throw error
      if (!this.#store.isOpen) await this.#store.startReading()
    }
    this.#parts.onWaiting(false)
  }

  async #pause(): Promise<void> {
    await sleep(this.#parts.lookMs, undefined, { ref: false })
  }
}

/** Whether a store could not be read since no node has written it yet. */
async function isEmpty(error: unknown, objects: Objects): Promise<boolean> {
  if (!(error instanceof VicinalError)) return false
  if (error.details.isEmpty === true) return true
  // Its first owner claims it before it makes the database.
  return error.code === 'UNAVAILABLE' && (await objects.list(`${DATABASE}/`)).length === 0
}
