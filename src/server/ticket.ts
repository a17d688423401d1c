import type { ServerResponse } from 'node:http'
import type { RoomHolder } from '../core/inner-call.js'
import type { MaybePromise } from '../core/maybe-promise.js'
import { Stop } from '../core/stop.js'
import type { RequestNotes, Trace } from '../core/tracing.js'
import type { Arriving, ArrivingBody } from './arriving-body.js'
import type { Caller } from './budgets.js'
import type { RouteMetrics } from './metrics.js'
import type { Places, Work } from './places.js'
import { Rights } from './rights.js'

/** Memory reserved for work in progress, given back at its end. */
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

  abstract turn(): MaybePromise<void>

  protected giveBack(): void {
    this.#hasEnded = true
    this.letGo()
  }
}

/** Facts about a forwarded request, from the thread that forwarded it. */
export interface Trust {
  /** The client's address. */
  peer: string
  /** The request's id in the forwarding thread. */
  id: string
  /** The forwarding thread has admitted the request and counts its body. */
  isAdmitted: boolean
}

/**
 * One request in work: its start time, the resources it holds, and its stop. It ends with the response's `close` event.
 * Node emits that event in every case: answered, hung up, or cut off.
 */
export class Ticket extends HeldRoom {
  readonly startedMs = performance.now()
  /** When all of the request had arrived. */
  arrivedMs = this.startedMs
  /** Fires when the client hangs up before its answer, or when the service cuts the request off. */
  readonly stop = new Stop()
  /** Index in OpenTickets. */
  place = 0
  /** The client's address, if another thread forwarded the request. */
  peer: string | undefined
  /** Another thread answers the request and counts it. */
  isAnsweredByMainThread = false
  /** Another thread has admitted the request and counts its body. */
  isAdmittedByMainThread = false
  work: Work = 'light'
  caller: Caller = null
  /** The rights of the caller. */
  rights = Rights.NONE
  /** When the caller's token stops to be valid. */
  expiresMs = Number.POSITIVE_INFINITY
  /** Of a stream of points: whether its key is still known. Keys can be withdrawn. */
  keeps: (() => Promise<boolean>) | null = null
  isWithdrawn = false
  /** The caller may not write where the request reads. */
  isReadOnly = false
  /** The caller, as the audit log names it. */
  subject = 'anyone'
  /** The code of the error that the request was refused with. */
  failure: string | null = null
  /** Names of the collection and aliases that the body changes, for the audit log. */
  named: { collection: string | null; aliases: readonly string[] } | null = null
  /** Another node answers. */
  isForwarded = false
  /** The place in a trace, for other threads and nodes: this request's own where it is traced, else the client's. */
  traceparent: string | undefined
  trace: Trace | null = null
  notes: RequestNotes | null = null
  /** How long the route's function ran. */
  ranMs = 0
  /** Bound on the body's bytes. */
  mostBytes = 0
  /** The body while it is read, or the upload. */
  arriving: Arriving | null = null
  body: ArrivingBody | null = null
  /** Called when the answer is sent, or given up. */
  afterAnswer: () => void = () => {}
  readonly #response: ServerResponse
  readonly #metrics: RouteMetrics
  readonly places: Places
  #hasPlace = false
  #endAnswer: (() => void) | null = null
  /** One for all parts of the request that wait: a batch has many. */
  #turn: Promise<void> | null = null

  constructor(response: ServerResponse, metrics: RouteMetrics, places: Places) {
    super()
    this.#response = response
    this.#metrics = metrics
    this.places = places
  }

  trust({ peer, isAdmitted }: Omit<Trust, 'id'>): void {
    this.peer = peer
    this.isAdmittedByMainThread = isAdmitted
  }

  /** Takes a place for the request, or throws OVERLOADED. */
  admit(work: Work): void {
    this.work = work
    if (this.isAdmittedByMainThread) return
    this.places.enter(work, this.caller)
    this.#hasPlace = true
  }

  /** Resolves when earlier answers of the connection are sent: then Node assigns the connection to this answer. */
  turn(): MaybePromise<void> {
    const response = this.#response
    if (response.socket !== null || response.closed) return
    this.#turn ??= new Promise((resolve) => {
      response.once('socket', () => resolve()).once('close', resolve)
    })
    return this.#turn
  }

  /** Counts a large answer until the request ends, or throws OVERLOADED. */
  takeAnswer(bytes: number): void {
    this.#endAnswer = this.places.takeAnswer(bytes, this.caller)
  }

  /** Makes this answer the last of its connection. */
  endConnection(): void {
    this.#response.shouldKeepAlive = false
  }

  end(): { status: number; elapsedMs: number } {
    const answered = this.#response.writableFinished
    if (!answered) this.stop.stop()
    this.giveBack()
    this.body?.giveBack()
    this.afterAnswer()
    this.#endAnswer?.()
    if (this.#hasPlace) this.places.leave(this.work, this.caller)
    const status = answered ? this.#response.statusCode : HUNG_UP
    const elapsedMs = performance.now() - this.startedMs
    if (!this.isAnsweredByMainThread) this.#metrics.observe(status, elapsedMs)
    return { status, elapsedMs }
  }
}

/**
 * The tickets of requests in work. A Set would burden the garbage collector. After many insertions and deletions a Set
 * moves into new tables, and each old table points to the next. One old table then kept every later request from being
 * collected young, and scavenges took nearly three times as long.
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

  /** Ends only clients' connections: a connection between threads serves other clients too. */
  endConnections(): void {
    for (const ticket of this.#tickets) if (ticket.peer === undefined) ticket.endConnection()
  }

  /** Looks at each body that is still arriving. */
  look(): void {
    // A body that is cut off may leave the list meanwhile.
    for (const ticket of [...this.#tickets]) ticket.arriving?.look()
  }

  /** Marks the streams whose key was withdrawn. */
  recheck(): void {
    for (const ticket of this.#tickets) {
      void ticket.keeps?.().then((keeps) => {
        ticket.isWithdrawn = !keeps
      })
    }
  }

  stopAll(): void {
    for (const ticket of [...this.#tickets]) ticket.stop.stop()
  }
}

/** The status in logs and metrics of a request whose client hung up early. */
export const HUNG_UP = 499

declare module 'fastify' {
  interface FastifyRequest {
    ticket: Ticket
  }
}
