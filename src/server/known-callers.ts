/** Identifies the caller of a request: by a key, by a token, or as another node names it. Wrong keys are counted. */
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'
import type { FastifyRequest } from 'fastify'
import type { CallOptions } from '../core/call-options.js'
import { withInner } from '../core/inner-call.js'
import { andThen, type MaybePromise } from '../core/maybe-promise.js'
import { ANYONE, type Identity, type KeyRing } from './auth.js'
import { callerOf } from './callers.js'
import { type Peers, toldExpiry, toldRights } from './peers.js'
import type { Places } from './places.js'
import type { Access } from './rights.js'
import type { Ticket } from './ticket.js'
import { RefusedToken, type ValueExists, WrongKey } from './tokens.js'
import type { WrongKeys } from './wrong-keys.js'

interface Parts {
  keys: KeyRing
  peers?: Peers
  /** Whether a point has the values that a token asks for. Only the thread with the database knows. */
  valueExists?(claim: ValueExists, call: CallOptions): Promise<boolean>
  places: Places
  /** The deadline of that look. */
  timeoutMs: number
  /** null on a thread that passes requests with wrong keys on. */
  wrongKeys: WrongKeys | null
}

export class KnownCallers {
  readonly #parts: Parts

  constructor(parts: Parts) {
    this.#parts = parts
  }

  /** The caller, with a valid key or token where the route needs one. */
  of(
    { headers, socket }: IncomingMessage,
    ticket: Ticket,
    // If no route matched, a caller without a key learns nothing either.
    { access, work }: { access: Access; work: string } = { access: 'read', work: 'light' },
  ): MaybePromise<Identity> {
    if (access === 'open') return ANYONE
    const { keys, peers } = this.#parts
    if (access === 'cluster') {
      keys.checkNode(headers)
      peers?.checkReceived(headers, work === 'read')
      return { ...ANYONE, rights: toldRights(headers), expiresMs: toldExpiry(headers) }
    }
    return andThen(keys.identify(headers), (who) => {
      const peer = ticket.peer ?? socket.remoteAddress
      return who.valueExists ? this.#proven(who, who.valueExists, ticket, peer) : who
    })
  }

  /** The caller that opens a stream. Throws, or rejects with, its refusal. */
  holder(headers: IncomingHttpHeaders, peer: string | undefined): MaybePromise<Identity> {
    const refused = (error: Error) => {
      throw this.counted(error, peer)
    }
    try {
      const known = this.#parts.keys.identify(headers)
      return known instanceof Promise ? known.catch(refused) : known
    } catch (error) {
      return refused(error as Error)
    }
  }

  /** Whether the headers have a key or a token that is still valid. */
  async isKnown(headers: IncomingHttpHeaders): Promise<boolean> {
    try {
      await this.#parts.keys.identify(headers)
      return true
    } catch {
      return false
    }
  }

  /** Whether the caller's key may read all collections. Open routes show such a caller more. */
  async mayReadAll({ headers, raw, ticket }: FastifyRequest): Promise<boolean> {
    try {
      const { rights, valueExists } = await this.holder(headers, ticket.peer ?? raw.socket.remoteAddress)
      return rights.areGlobal && valueExists === null
    } catch {
      return false
    }
  }

  counted(error: Error, peer: string | undefined): Error {
    const { wrongKeys } = this.#parts
    return error instanceof WrongKey && wrongKeys ? wrongKeys.answerTo(error, peer) : error
  }

  /**
   * The look at the points may be a scan. It has a place of its own among the caller's reads, and ends by the service's
   * deadline or when the client hangs up. Another thread than that with the database passes the request on, as one with
   * a key that it does not know.
   */
  async #proven(who: Identity, claim: ValueExists, ticket: Ticket, peer: string | undefined): Promise<Identity> {
    const { keys, places, timeoutMs, valueExists } = this.#parts
    ticket.subject = who.subject
    const unproven = new RefusedToken('Invalid token: no point has the values that it asks for', who.subject)
    if (!valueExists) throw unproven
    const caller = callerOf(who, keys.hasSeveral, peer)
    places.enter('read', caller)
    try {
      if (await valueExists(claim, withInner({ timeoutMs }, { stop: ticket.stop }))) return who
    } finally {
      places.leave('read', caller)
    }
    throw unproven
  }
}
