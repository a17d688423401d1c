/**
 * Request bodies as they arrive: counted piece by piece, held while there is no room for more, and cut off when slow.
 */
import type { Readable } from 'node:stream'
import { VicinalError } from '../core/errors.js'
import type { RoomHolder } from '../core/inner-call.js'
import type { MaybePromise } from '../core/maybe-promise.js'
import type { Stop } from '../core/stop.js'
import type { BodyBudget, Caller } from './budgets.js'
import { GatheredBytes } from './gathered-bytes.js'
import { bodyBudgetOf, overloaded, type Places, type Work } from './places.js'

/** A smaller body never waits: the bound on requests in work bounds their number. */
export const LARGE_BODY_BYTES = 64 * 1024
/** Parsed values of fewer bytes neither wait nor reserve room, for the same reason. */
export const FEW_VALUE_BYTES = 256 * 1024
/** Checks of a body in each window of its rate, and checks of a reader in the time it may stall. */
export const LOOKS = 10
/** How often a waiting body asks again, because other threads do not notify when they give room back. */
const ASK_AGAIN_MS = 20
const MS_PER_SECOND = 1000

/** A body or a file of a request, still on its way. */
export interface Arriving {
  /** Call it LOOKS times a window. It ends a body that arrives too slowly. */
  look(): void
}

export interface ArrivalBounds {
  /** The average rate in each window. Time in which the service itself holds a body does not count. */
  minBodyBytesPerSecond: number
  bodyWindowMs: number
  /** How long a body may wait for room, with nothing of it being read. */
  bodyWaitMs: number
}

/** The bounds and the parts that all bodies share. */
export interface ArrivalParts extends ArrivalBounds {
  places: Places
  /** Set below a memory limit. Resolves once there is room for the bytes, to a function that gives the room back. */
  room: ((bytes: number, stop: Stop, holder: RoomHolder) => MaybePromise<() => void>) | null
}

interface Waiting {
  body: ArrivingBody
  /** Bytes that it is about to add. */
  bytes: number
  budget: BodyBudget
  caller: Caller
  sinceMs: number
  goOn(): void
  refuse(error: VicinalError): void
}

/**
 * Waiting bodies of one thread, first come, first served. No body waits for ever: in all threads together one body of
 * each budget may exceed every bound. That body arrives and is answered, or it is cut off for its rate. Its answer
 * waits for no other body, and then the next one may exceed the bound. Bodies in work therefore hold at most the bound,
 * one body more, and one piece or one small body each.
 */
export class ArrivingBodies {
  readonly parts: ArrivalParts
  /** The least bytes of each window. */
  readonly leastBytes: number
  #waiting: Waiting[] = []
  #timer: NodeJS.Timeout | null = null

  constructor(parts: ArrivalParts) {
    this.parts = parts
    this.leastBytes = leastBytesOf(parts)
  }

  wait(body: ArrivingBody, budget: BodyBudget, caller: Caller, bytes = LARGE_BODY_BYTES): Promise<void> {
    this.#timer ??= setInterval(() => this.#askAgain(), ASK_AGAIN_MS).unref()
    return new Promise((goOn, refuse) => {
      this.#waiting.push({ body, bytes, budget, caller, sinceMs: performance.now(), goOn, refuse })
    })
  }

  leave(body: ArrivingBody): void {
    this.#waiting = this.#waiting.filter((waiting) => waiting.body !== body)
    if (this.#waiting.length > 0 || this.#timer === null) return
    clearInterval(this.#timer)
    this.#timer = null
  }

  #askAgain(): void {
    for (const budget of ['readBytes', 'writeBytes'] as const) {
      this.#letGoOn(
        budget,
        this.#waiting.filter((waiting) => waiting.budget === budget),
      )
    }
  }

  /** Lets bodies go on only while there is room for a piece of each. */
  #letGoOn(budget: BodyBudget, waiting: readonly Waiting[]): void {
    const { places, bodyWaitMs } = this.parts
    const { budgets } = places
    let left = budgets.bound(budget) - budgets.sum(budget)
    let isFirst = true
    for (const { body, bytes, caller, sinceMs, goOn, refuse } of waiting) {
      const full = budgets.full(budget, caller) ?? (left < 0 ? 'bound' : null)
      if (full === null || (isFirst && body.goBeyond())) {
        left -= bytes
        this.leave(body)
        goOn()
      } else {
        isFirst = false
        if (performance.now() - sinceMs <= bodyWaitMs) continue
        this.leave(body)
        refuse(overloaded(full, budgets.bound(budget), 'bytes of request bodies'))
      }
    }
  }
}

export interface BodyOf {
  work: Work
  caller: Caller
  declaredBytes: number
  mostBytes: number
  stop: Stop
  /** Keeps the room reserved below a memory limit until the request ends. */
  holder: RoomHolder
  /** Another thread already counts its bytes. */
  isCounted: boolean
}

type Done = (error: Error | null, bytes?: Buffer) => void

/** One body until all of it has arrived. Its bytes count until `giveBack`. */
export class ArrivingBody implements Arriving {
  readonly #bodies: ArrivingBodies
  readonly #payload: Readable
  readonly #of: BodyOf
  readonly #budget: BodyBudget
  readonly #done: Done
  readonly #gathered = new GatheredBytes()
  #counted = 0
  #isOver = false
  #isHeld = false
  #isBeyond = false
  /** Up to this many bytes room is reserved below the memory limit. */
  #roomyBytes = LARGE_BODY_BYTES
  /** State of the window in which the rate is measured. */
  #looks = 0
  #wasHeld = false
  #windowBytes = 0

  constructor(arriving: ArrivingBodies, payload: Readable, of: BodyOf, done: Done) {
    this.#bodies = arriving
    this.#payload = payload
    this.#of = of
    this.#budget = bodyBudgetOf(of.work)
    this.#done = done
    payload.on('data', this.#onData).on('end', this.#onEnd).on('error', this.#onEnd)
    if (of.declaredBytes > of.mostBytes && Number.isFinite(of.declaredBytes)) this.#fail(this.#tooLarge())
  }

  look(): void {
    if (this.#isOver) return
    const isHeld = this.#isHeld || this.#wasHeld
    this.#wasHeld = false
    if (isHeld || ++this.#looks < LOOKS) return
    const { leastBytes, parts } = this.#bodies
    const came = this.#gathered.length - this.#windowBytes
    this.#looks = 0
    this.#windowBytes = this.#gathered.length
    if (came < leastBytes) this.#fail(tooSlow(parts, came))
  }

  /** Whether this body may exceed the bounds, from now until it ends. */
  goBeyond(): boolean {
    this.#isBeyond ||= this.#bodies.parts.places.budgets.tryBeyond(this.#budget)
    return this.#isBeyond
  }

  /** Counts the parsed values like body bytes, once there is room for them. */
  takeValues(bytes: number): MaybePromise<void> {
    const { caller } = this.#of
    const { budgets } = this.#bodies.parts.places
    if (budgets.take(this.#budget, bytes, caller) === null) this.#counted += bytes
    else if (this.#isBeyond) this.#count(bytes)
    else return this.#bodies.wait(this, this.#budget, caller, bytes).then(() => this.#count(bytes))
  }

  /** Call it at the end of the request, or before. */
  giveBack(): void {
    this.#leave()
    this.#bodies.leave(this)
    if (this.#counted > 0) this.#count(-this.#counted)
    if (this.#isBeyond) this.#bodies.parts.places.budgets.endBeyond(this.#budget)
    this.#isBeyond = false
  }

  readonly #onData = (chunk: Buffer): void => {
    const { mostBytes, declaredBytes } = this.#of
    this.#gathered.add(chunk)
    if (this.#of.isCounted) this.#count(chunk.length)
    const { length } = this.#gathered
    if (length > mostBytes) this.#fail(this.#tooLarge())
    else if (length > LARGE_BODY_BYTES && length < declaredBytes) this.#goOnWithRoom()
  }

  readonly #onEnd = (error?: Error): void => {
    const { declaredBytes } = this.#of
    const { length } = this.#gathered
    if (error) this.#fail(new VicinalError('CANCELLED', 'body: its connection ended early', { cause: error }))
    else if (Number.isFinite(declaredBytes) && length !== declaredBytes) {
      this.#fail(new VicinalError('INVALID_ARGUMENT', `body: expected ${declaredBytes} bytes, got ${length}`))
    } else {
      this.#leave()
      this.#done(null, this.#gathered.take())
    }
  }

  #count(bytes: number): void {
    this.#counted += bytes
    this.#bodies.parts.places.budgets.add(this.#budget, bytes, this.#of.caller)
  }

  #goOnWithRoom(): void {
    const { places, room } = this.#bodies.parts
    const { caller, isCounted } = this.#of
    const isFull = isCounted && !this.#isBeyond && places.budgets.full(this.#budget, caller) !== null
    const needsRoom = room !== null && this.#gathered.length > this.#roomyBytes
    if (isFull || needsRoom) void this.#holdUp(isFull, needsRoom)
  }

  async #holdUp(isFull: boolean, needsRoom: boolean): Promise<void> {
    this.#isHeld = this.#wasHeld = true
    this.#payload.pause()
    try {
      if (isFull) await this.#bodies.wait(this, this.#budget, this.#of.caller)
      if (needsRoom) await this.#makeRoom()
    } catch (error) {
      this.#fail(error as Error)
    }
    if (this.#isOver) return
    this.#isHeld = false
    this.#payload.resume()
  }

  /**
   * Reserves as many bytes again as have arrived. Arrived bytes are already counted as memory in use, and a length that
   * is merely declared reserves nothing. A body with room gives it back while it waits, and goes before bodies without
   * room.
   */
  async #makeRoom(): Promise<void> {
    const { length } = this.#gathered
    const { declaredBytes, mostBytes, stop, holder } = this.#of
    const bytes = Math.min(length, Math.min(declaredBytes, mostBytes) - length)
    const release = await this.#bodies.parts.room?.(bytes, stop, holder)
    this.#roomyBytes = length + bytes
    if (release) holder.hold(release)
  }

  #fail(error: Error): void {
    if (this.#isOver) return
    this.#gathered.clear()
    this.giveBack()
    // Drops the rest of the body.
    this.#payload.on('error', () => {}).resume()
    this.#done(error)
  }

  /** Stops reading the body. */
  #leave(): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#payload.off('data', this.#onData).off('end', this.#onEnd).off('error', this.#onEnd)
    this.#bodies.leave(this)
  }

  #tooLarge(): VicinalError {
    const { mostBytes: bound, declaredBytes } = this.#of
    const isDeclared = Number.isFinite(declaredBytes)
    const seen = isDeclared ? declaredBytes : this.#gathered.length
    const got = isDeclared ? `${seen}` : `at least ${seen}`
    const details = { field: 'body', bound, seen }
    return new VicinalError('TOO_LARGE', `body: expected at most ${bound} bytes, got ${got}`, { details })
  }
}

export function leastBytesOf({ minBodyBytesPerSecond, bodyWindowMs }: ArrivalBounds): number {
  return (minBodyBytesPerSecond * bodyWindowMs) / MS_PER_SECOND
}

export function tooSlow(
  { minBodyBytesPerSecond, bodyWindowMs }: ArrivalBounds,
  came: number,
  what = 'body',
): VicinalError {
  const seconds = bodyWindowMs / MS_PER_SECOND
  return new VicinalError(
    'TIMEOUT',
    `${what}: expected at least ${minBodyBytesPerSecond} bytes a second, got ${came} in ${seconds} s`,
    { details: { bound: minBodyBytesPerSecond, seen: Math.floor(came / seconds) } },
  )
}
