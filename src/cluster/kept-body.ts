import type { ClientRequest, IncomingMessage } from 'node:http'
import { passBody } from '../server/pass-on.js'

/** A body above this is sent once: keeping it would take memory that nobody counts. */
const MOST_KEPT_BYTES = 1024 * 1024

/** The body of a read, kept while it passes, so that a second node can be asked. */
export class KeptBody {
  readonly #request: IncomingMessage
  #chunks: Buffer[] | null = []
  #bytes = 0

  constructor(request: IncomingMessage) {
    this.#request = request
  }

  /** Whether all of it that has passed can be sent again. */
  get isKept(): boolean {
    return this.#chunks !== null && !this.#request.readableAborted
  }

  /** Sends it to the first node. */
  pass(sent: ClientRequest): void {
    this.#request.on('data', this.#keep)
    passBody(this.#request, sent)
  }

  /** Sends it to the next node, and keeps it no more. */
  passAgain(before: ClientRequest, sent: ClientRequest): void {
    this.#request.unpipe(before)
    this.#request.off('data', this.#keep)
    for (const chunk of this.#chunks ?? []) sent.write(chunk)
    this.#chunks = null
    if (this.#request.readableEnded) sent.end()
    else passBody(this.#request, sent)
  }

  readonly #keep = (chunk: Buffer): void => {
    this.#bytes += chunk.length
    if (this.#bytes > MOST_KEPT_BYTES) this.#chunks = null
    this.#chunks?.push(chunk)
  }
}
