import type { ServerResponse } from 'node:http'
import type { Awaitable } from '../core/awaitable.js'
import type { RoomHolder } from '../core/call-options.js'
import { Stop } from '../core/stop.js'
import type { Admission, Work } from './admission.js'
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
  readonly #response: ServerResponse
  readonly #metrics: RouteMetrics
  #work: Work = 'light'
  #bodyBytes = 0

  constructor(response: ServerResponse, metrics: RouteMetrics) {
    super()
    this.#response = response
    this.#metrics = metrics
  }

  admit(work: Work, bodyBytes: number): void {
    this.#work = work
    this.#bodyBytes = bodyBytes
  }

  /** That were declared of its body. */
  get bodyBytes(): number {
    return this.#bodyBytes
  }

  /** Node gives an answer the connection once those to earlier requests are sent. */
  turn(): Awaitable<void> {
    const response = this.#response
    if (response.socket !== null || response.closed) return
    return new Promise((resolve) => {
      response.once('socket', () => resolve()).once('close', resolve)
    })
  }

  /** Its answer is the last of its connection. */
  endConnection(): void {
    this.#response.shouldKeepAlive = false
  }

  end(admission: Admission): { status: number; elapsedMs: number } {
    const answered = this.#response.writableFinished
    if (!answered) this.stop.stop()
    this.giveBack()
    admission.leave(this.#work, this.#bodyBytes)
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
