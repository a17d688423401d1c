import type { ServerResponse } from 'node:http'
import type { Awaitable } from '../core/awaitable.js'
import type { RoomHolder } from '../core/inner-call.js'
import { Stop } from '../core/stop.js'
import type { Admission, Work } from './admission.js'
import type { Arriving, ArrivingBody } from './arriving-body.js'
import type { Caller } from './budgets.js'
import type { RouteMetrics } from './metrics.js'

/** Memory that was reserved for what is in work, to be given back at its end. */
export abstract class HeldRoom implements RoomHolder {
  #releases: (() => void)[] | null = null
  #hasEnded = false

  hold(release: () => void): void {
    if (this.#hasEnded) release()
    else if (this.#releases) this.#releases.push(release)
    else this.#releases = [release]
  }

  get isHolding(): boolean {
    return this.#releases !== null
  }

  letGo(): void {
    const releases = this.#releases ?? []
    this.#releases = null
    for (const release of releases) release()
  }

  abstract turn(): Awaitable<void>

  protected giveBack(): void {
    this.#hasEnded = true
    this.letGo()
  }
}

/** Facts that a thread tells of a request that it forwards. */
export interface Trust {
  /** Its client's address. */
  peer: string
  /** The request's id there. */
  id: string
  /** It has its place there, and the bytes of its body are counted there. */
  isAdmitted: boolean
}

/**
 * One request on its way through: when it came, what it holds, and how to stop it. It ends with the response's
 * `close`, which Node emits in every case: answered, hung up, or cut off.
 */
export class Ticket extends HeldRoom {
  readonly startedMs = performance.now()
  /** When the client hangs up before it has its answer, or when the service has to. */
  readonly stop = new Stop()
  /** Among the open ones. */
  place = 0
  /** Who has sent a request that another thread has forwarded. */
  peer: string | undefined
  /** Another thread answers, and counts it. */
  isElsewhere = false
  /** Another thread has given it its place, and counts its body. */
  isAdmittedElsewhere = false
  work: Work = 'light'
  caller: Caller = null
  /** Its key may only read. */
  isReadOnly = false
  /** Of its body. */
  mostBytes = 0
  /** Its body, while that is read; or the upload that it brings. */
  arriving: Arriving | null = null
  body: ArrivingBody | null = null
  readonly #response: ServerResponse
  readonly #metrics: RouteMetrics
  readonly #admission: Admission
  #hasPlace = false
  #endAnswer: (() => void) | null = null

  constructor(response: ServerResponse, metrics: RouteMetrics, admission: Admission) {
    super()
    this.#response = response
    this.#metrics = metrics
    this.#admission = admission
  }

  trust({ peer, isAdmitted }: Omit<Trust, 'id'>): void {
    this.peer = peer
    this.isAdmittedElsewhere = isAdmitted
  }

  /** Takes a place for it, or throws OVERLOADED. */
  admit(work: Work): void {
    this.work = work
    if (this.isAdmittedElsewhere) return
    this.#admission.enter(work, this.caller)
    this.#hasPlace = true
  }

  /** Node gives an answer the connection once those to earlier requests are sent. */
  turn(): Awaitable<void> {
    const response = this.#response
    if (response.socket !== null || response.closed) return
    return new Promise((resolve) => {
      response.once('socket', () => resolve()).once('close', resolve)
    })
  }

  /** Counts its answer, which is large, until its end; or throws OVERLOADED. */
  takeAnswer(bytes: number): void {
    this.#endAnswer = this.#admission.takeAnswer(bytes, this.caller)
  }

  /** Its answer is the last of its connection. */
  endConnection(): void {
    this.#response.shouldKeepAlive = false
  }

  end(): { status: number; elapsedMs: number } {
    const answered = this.#response.writableFinished
    if (!answered) this.stop.stop()
    this.giveBack()
    this.body?.giveBack()
    this.#endAnswer?.()
    if (this.#hasPlace) this.#admission.leave(this.work, this.caller)
    const status = answered ? this.#response.statusCode : HUNG_UP
    const elapsedMs = performance.now() - this.startedMs
    if (!this.isElsewhere) this.#metrics.observe(status, elapsedMs)
    return { status, elapsedMs }
  }
}

/**
 * Those of the requests in work. A Set would do but for what the collector makes of it: a Set that much is added to and
 * deleted from moves into new tables, those it has left point to the next one, and so one old table kept every request
 * since from being collected young. Scavenges took nearly three times as long.
 */
export class OpenTickets {
  readonly #tickets: Ticket[] = []

  add(ticket: Ticket): void {
    ticket.place = this.#tickets.length
    this.#tickets.push(ticket)
  }

  delete(ticket: Ticket): void {
    const last = this.#tickets.pop()
    if (last === undefined || last === ticket) return
    this.#tickets[ticket.place] = last
    last.place = ticket.place
  }

  /** Of clients: that between threads serves others of them. */
  endConnections(): void {
    for (const ticket of this.#tickets) if (ticket.peer === undefined) ticket.endConnection()
  }

  /** Looks at each body that is still on its way. */
  look(): void {
    // One that is cut may leave the list meanwhile.
    for (const ticket of [...this.#tickets]) ticket.arriving?.look()
  }

  stopAll(): void {
    for (const ticket of [...this.#tickets]) ticket.stop.stop()
  }
}

/** The status that logs and metrics give a request whose client did not wait. */
export const HUNG_UP = 499

declare module 'fastify' {
  interface FastifyRequest {
    ticket: Ticket
  }
}
