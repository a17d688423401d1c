import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { beforeListeners } from './before-listeners.js'
import { collectionRead } from './routes/collection-read.js'

/**
 * Requests of one connection that may be unanswered before no more of it is read. It is read on when half of them are
 * answered. Node parses a chunk of at most 64 KiB as a whole, so as many more may come as one chunk holds.
 */
export const MOST_UNANSWERED = 64

const SAFE_METHODS: ReadonlySet<string | undefined> = new Set(['GET', 'HEAD', 'OPTIONS'])

const connections = new WeakMap<Socket, Unanswered>()

/**
 * Hands a server's requests to its present listeners in the order of each connection (RFC 9112, section 9.3.2): reads
 * that are sent ahead of their answers are handed on side by side, any other request alone.
 */
export function inOrder(server: Server): void {
  beforeListeners(server, 'request', (request: IncomingMessage, response: ServerResponse) => {
    const { socket } = request
    let unanswered = connections.get(socket)
    if (unanswered === undefined) {
      unanswered = new Unanswered(socket, (held) => server.emit('request', held.request, held.response))
      connections.set(socket, unanswered)
    }
    return unanswered.holds(request, response)
  })
}

interface Held {
  readonly request: IncomingMessage
  readonly response: ServerResponse
}

/** The pipelined requests of one connection, which would otherwise be taken in as fast as they come. */
class Unanswered {
  readonly #socket: Socket
  readonly #begin: (held: Held) => void
  /** Requests that were handed on and are not answered yet. Several are all reads. */
  #begun = 0
  #latest: IncomingMessage | null = null
  /** Requests behind them, in order. */
  readonly #held: Held[] = []
  #isPaused = false

  constructor(socket: Socket, begin: (held: Held) => void) {
    this.#socket = socket
    this.#begin = begin
    // Reading the body of a request resumes its connection.
    socket.on('resume', () => {
      if (this.#isPaused) socket.pause()
    })
  }

  /** Whether the request has to wait. It is handed on later unless its connection ends first. */
  holds(request: IncomingMessage, response: ServerResponse): boolean {
    if (request === this.#latest) return false
    response.once('close', this.#answered)
    const isHeld = this.#held.length > 0 || !this.#mayBegin(request)
    if (isHeld) this.#held.push({ request, response })
    else this.#note(request)
    if (!this.#isPaused && this.#count >= MOST_UNANSWERED) {
      this.#isPaused = true
      this.#socket.pause()
    }
    return isHeld
  }

  get #count(): number {
    return this.#begun + this.#held.length
  }

  #mayBegin(request: IncomingMessage): boolean {
    return this.#begun === 0 || (isSafe(this.#latest as IncomingMessage) && isSafe(request))
  }

  #note(request: IncomingMessage): void {
    this.#begun++
    this.#latest = request
  }

  readonly #answered = (): void => {
    // The connection is over, or ends with the answer just sent.
    if (!this.#socket.writable) return
    this.#begun--
    for (;;) {
      const [next] = this.#held
      if (next === undefined || !this.#mayBegin(next.request)) break
      this.#held.shift()
      this.#note(next.request)
      this.#begin(next)
    }
    if (!this.#isPaused || this.#count > MOST_UNANSWERED / 2) return
    this.#isPaused = false
    this.#socket.resume()
  }
}

/** Whether a request only reads. */
function isSafe(request: IncomingMessage): boolean {
  return SAFE_METHODS.has(request.method) || collectionRead(request) !== null
}
