import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { AnsweredByAnotherThread } from '../../core/answered-by-another-thread.js'
import { VicinalError } from '../../core/errors.js'
import type { RoomHolder } from '../../core/inner-call.js'
import { LIMITS } from '../../core/limits.js'
import type { MaybePromise } from '../../core/maybe-promise.js'
import type { MemoryGate } from '../../core/memory.js'
import type { Stoppable } from '../../core/stop.js'
import { limitKernelMemory, trimHeap } from '../../native/process.js'
import { limitLance } from '../../storage/lance-native.js'
import { openCollections } from './open-collections.js'

/**
 * Shares of the limit. Above SHED_SHARE, memory that files back is shed. Above TIGHT_SHARE, graphs and codes are shed
 * too, rows are written to segment files, and garbage is collected. A request that would exceed FULL_SHARE waits.
 */
const SHED_SHARE = 0.7
const TIGHT_SHARE = 0.8
const FULL_SHARE = 0.92
/** A single request above this share is refused, because it might never get its room. */
const LARGEST_SHARE = 0.5
const POLL_MS = 100
const TIGHT_POLL_MS = 20
/** Pause between two rounds of garbage collection and spilling. It grows while the rounds free too little. */
const EFFORT_EVERY_MS = 1_000
const EFFORT_EVERY_MOST_MS = 30_000
/** When memory is short, a collection that was not used for this time is closed before others write their rows. */
const UNUSED_MS = 10_000
/** The share of the limit that a round must free to count as worth it. */
const WORTH_SHARE = 1 / 64
const RETRY_AFTER_MS = 1_000
/**
 * Share of the limit that unspilled rows may take before they are written to a segment file, and share for a segment.
 */
const SPILL_SHARE = 1 / 8
const SEGMENT_SHARE = 1 / 2
const LEAST_SPILL_BYTES = 8 * 1024 * 1024

/** An open collection, which can give memory back. */
export interface Shrinkable {
  shed(everything: boolean): Promise<void>
  /** Writes rows that are only in memory to the table and to segment files. */
  spill(): Promise<void>
}

interface Waiting {
  bytes: number
  /** The request already holds memory, and keeps it until it gets the rest. */
  isHolding: boolean
  enter(): void
  refuse(error: VicinalError): void
}

const NOTHING = () => {}

/**
 * Keeps the process below a memory limit, counted as the system counts resident memory. Resident memory is measured
 * several times a second. In between, work that is about to take memory calls `reserve` and waits until it fits.
 * Collections make room by shedding and spilling. Small reads and deletions never wait.
 */
export class MemoryBudget implements MemoryGate {
  /** The limits of all open databases; the lowest applies. */
  readonly #limits = new Map<symbol, number>()
  readonly #collections = new Set<Shrinkable>()
  readonly #queue: Waiting[] = []
  readonly #waitMs: number
  #limitBytes = Number.POSITIVE_INFINITY
  #reservedBytes = 0
  #timer: NodeJS.Timeout | null = null
  #shrinking: Promise<void> | null = null
  #spilling: Promise<void> | null = null
  #effortAtMs = 0
  #isElsewhere = false
  #effortEveryMs = EFFORT_EVERY_MS

  constructor({ waitMs = LIMITS.memoryWaitMs }: { waitMs?: number } = {}) {
    this.#waitMs = waitMs
  }

  get limitBytes(): number | null {
    return this.#limits.size > 0 ? this.#limitBytes : null
  }
  get isLimited(): boolean {
    return this.#limits.size > 0 || this.#isElsewhere
  }
  get reservedBytes(): number {
    return this.#reservedBytes
  }
  get waiting(): number {
    return this.#queue.length
  }
  get usedBytes(): number {
    return process.memoryUsage.rss()
  }
  /** Bytes of rows of one collection that may be in memory alone. */
  get spillBytes(): number {
    return Math.max(LEAST_SPILL_BYTES, this.#limitBytes * SPILL_SHARE)
  }
  /** The size in bytes at which a segment takes no more rows. */
  get segmentBytes(): number {
    return this.#limitBytes * SEGMENT_SHARE
  }

  /** Applies a limit until the returned function is called. */
  limit(bytes: number): () => void {
    const key = Symbol()
    this.#limits.set(key, bytes)
    limitLance(bytes)
    this.#apply()
    return () => {
      this.#limits.delete(key)
      this.#apply()
    }
  }

  /** Another thread keeps the process to its limit. This thread hands over all work that has to reserve memory. */
  leaveToOther(): void {
    this.#isElsewhere = true
  }

  add(collection: Shrinkable): void {
    this.#collections.add(collection)
  }
  remove(collection: Shrinkable): void {
    this.#collections.delete(collection)
  }

  /**
   * Reserves `bytes` of memory; the returned function gives them back. Rejects with RESOURCE_EXHAUSTED if there is no
   * room within LIMITS.memoryWaitMs, or if too many requests wait. Rejects with the caller's reason once the caller
   * stops.
   *
   * A request that already holds memory goes before all that hold none: otherwise each would wait for the other.
   */
  reserve(bytes: number, caller?: Stoppable, holder?: RoomHolder): MaybePromise<() => void> {
    if (this.#isElsewhere) throw new AnsweredByAnotherThread()
    if (!this.isLimited) return NOTHING
    if (bytes > this.#limitBytes * LARGEST_SHARE) {
      const message = `the request needs about ${bytes} bytes, more than half of the memory limit of ${this.#limitBytes}: ask for less at once`
      throw new VicinalError('TOO_LARGE', message, { details: { bound: this.#limitBytes, seen: bytes } })
    }
    if (caller?.isStopped) throw goneWith(caller)
    const isHolding = holder?.isHolding === true
    if (!isHolding && this.#queue.length === 0 && this.#fits(bytes)) return this.#taken(bytes)
    const alike = this.#queue.filter((other) => other.isHolding === isHolding).length
    if (alike >= LIMITS.queuedForMemory) throw this.#exhausted('too many requests wait for memory', bytes)
    return this.#wait(bytes, caller, isHolding ? holder : undefined)
  }

  /**
   * Whether work in the background may take so much more memory. Closes collections without a use first. Unlike `reserve`
   * it does not wait, and keeps no room.
   */
  async hasRoom(bytes: number): Promise<boolean> {
    if (this.limitBytes === null || this.#fits(bytes)) return true
    await openCollections.closeUntil(() => this.#fits(bytes), UNUSED_MS)
    return this.#fits(bytes)
  }

  #fits(bytes: number): boolean {
    return this.usedBytes + this.#reservedBytes + bytes <= this.#limitBytes * FULL_SHARE
  }

  #taken(bytes: number): () => void {
    this.#reservedBytes += bytes
    return () => {
      this.#reservedBytes -= bytes
      this.#admit()
    }
  }

  async #wait(bytes: number, caller?: Stoppable, holder?: RoomHolder): Promise<() => void> {
    const isHolding = holder !== undefined
    return await new Promise((resolve, reject) => {
      const leave = () => {
        clearTimeout(timer)
        caller?.offStop(onStop)
        const at = this.#queue.indexOf(waiting)
        if (at >= 0) this.#queue.splice(at, 1)
      }
      const waiting: Waiting = {
        bytes,
        isHolding,
        enter: () => {
          leave()
          resolve(this.#taken(bytes))
        },
        refuse: (error) => {
          leave()
          reject(error)
        },
      }
      const onStop = () => waiting.refuse(goneWith(caller as Stoppable))
      const timer = setTimeout(
        () => waiting.refuse(this.#exhausted('no memory became free in time', bytes)),
        this.#waitMs,
      )
      caller?.onStop(onStop)
      const behind = isHolding ? this.#queue.findIndex((other) => !other.isHolding) : -1
      this.#queue.splice(behind < 0 ? this.#queue.length : behind, 0, waiting)
      holder?.letGo()
      this.#poll()
    })
  }

  #exhausted(what: string, asked: number): VicinalError {
    const { usedBytes, reservedBytes, waiting } = this
    const bound = Math.floor(this.#limitBytes * FULL_SHARE)
    const message = `${what}: the request needs about ${asked} bytes; of ${bound}, ${usedBytes} are in use and ${reservedBytes} reserved`
    return new VicinalError('RESOURCE_EXHAUSTED', message, {
      details: { bound, seen: usedBytes + reservedBytes + asked, waiting },
      retryAfterMs: RETRY_AFTER_MS,
    })
  }

  #admit(): void {
    while (this.#queue[0] && this.#fits(this.#queue[0].bytes)) this.#queue[0].enter()
  }

  #apply(): void {
    this.#limitBytes = Math.min(Number.POSITIVE_INFINITY, ...this.#limits.values())
    limitKernelMemory(this.limitBytes ?? 0)
    if (this.#timer) clearTimeout(this.#timer)
    this.#timer = null
    if (this.isLimited) this.#arm()
    else for (const waiting of [...this.#queue]) waiting.enter()
  }

  #arm(): void {
    const isTight = this.#queue.length > 0 || this.usedBytes > this.#limitBytes * SHED_SHARE
    this.#timer = setTimeout(
      () => {
        this.#poll()
        this.#arm()
      },
      isTight ? TIGHT_POLL_MS : POLL_MS,
    )
    this.#timer.unref()
  }

  #poll(): void {
    this.#admit()
    if (this.#queue.length === 0 && this.usedBytes < this.#limitBytes * SHED_SHARE) return
    this.#shrinking ??= this.#shrink().finally(() => {
      this.#shrinking = null
      this.#admit()
    })
  }

  /** Frees memory, in order of rising cost. */
  async #shrink(): Promise<void> {
    const isTight = () => this.#queue.length > 0 || this.usedBytes > this.#limitBytes * TIGHT_SHARE
    await this.#each((collection) => collection.shed(false))
    if (!isTight()) return
    await trimHeap()
    if (!isTight()) return
    if (this.usedBytes > this.#limitBytes * TIGHT_SHARE) await this.#each((collection) => collection.shed(true))
    const nowMs = performance.now()
    const isDue = nowMs - this.#effortAtMs >= (this.#queue.length > 0 ? EFFORT_EVERY_MS : this.#effortEveryMs)
    if (!isTight() || !isDue || this.#spilling) return
    this.#effortAtMs = nowMs
    this.#spilling = this.#makeEffort().finally(() => {
      this.#spilling = null
    })
  }

  /** Takes as long as writing a segment file. Shedding goes on meanwhile. */
  async #makeEffort(): Promise<void> {
    const before = this.usedBytes
    collectGarbage()
    const isTight = () => this.#queue.length > 0 || this.usedBytes > this.#limitBytes * TIGHT_SHARE
    await openCollections.closeUntil(() => !isTight(), UNUSED_MS)
    await this.#each((collection) => collection.spill())
    await trimHeap()
    const hasPaid = before - this.usedBytes > this.#limitBytes * WORTH_SHARE
    this.#effortEveryMs = hasPaid ? EFFORT_EVERY_MS : Math.min(EFFORT_EVERY_MOST_MS, this.#effortEveryMs * 2)
  }

  /** A collection that closes meanwhile has already given its memory back, so its failure is ignored. */
  async #each(work: (collection: Shrinkable) => Promise<void>): Promise<void> {
    for (const collection of [...this.#collections]) await work(collection).catch(() => undefined)
  }
}

function goneWith({ reason }: Stoppable): VicinalError {
  if (reason instanceof VicinalError) return reason
  return new VicinalError('CANCELLED', 'the call was cancelled while it waited for memory', { cause: reason })
}

let collector: (() => void) | null = null

/** V8 collects garbage by how much it allocated, not by how little memory is left. */
function collectGarbage(): void {
  if (collector === null) {
    setFlagsFromString('--expose-gc')
    collector = runInNewContext('gc') as () => void
  }
  collector()
}

/** One budget for the process, shared by all open databases. */
export const memoryBudget = new MemoryBudget()

/** Runs work that needs `bytes` of memory once that room is reserved. */
export async function withRoom<T>(
  bytes: number,
  caller: Stoppable,
  holder: RoomHolder | undefined,
  work: () => MaybePromise<T>,
): Promise<T> {
  if (bytes === 0) return await work()
  const release = await memoryBudget.reserve(bytes, caller, holder)
  try {
    return await work()
  } finally {
    release()
  }
}
