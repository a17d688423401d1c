import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

/**
 * Requests of one connection that may be unanswered before no more of it is read. It is read on when half of them are
 * answered. Node parses a chunk of at most 64 KiB as a whole, so as many more may come as one chunk holds.
 */
export const MOST_UNANSWERED = 64

const connections = new WeakMap<Socket, Unanswered>()

/** Call it with each request, before its answer. */
export function noteUnanswered({ socket }: IncomingMessage, response: ServerResponse): void {
  let unanswered = connections.get(socket)
  if (unanswered === undefined) {
    unanswered = new Unanswered(socket)
    connections.set(socket, unanswered)
  }
  unanswered.add(response)
}

/** Counts the pipelined requests of one connection, which would otherwise be taken in as fast as they come. */
class Unanswered {
  readonly #socket: Socket
  #count = 0
  #isPaused = false

  constructor(socket: Socket) {
    this.#socket = socket
    // Reading the body of a request resumes its connection.
    socket.on('resume', () => {
      if (this.#isPaused) socket.pause()
    })
  }

  add(response: ServerResponse): void {
    this.#count++
    response.once('close', this.#answered)
    if (this.#isPaused || this.#count < MOST_UNANSWERED) return
    this.#isPaused = true
    this.#socket.pause()
  }

  readonly #answered = (): void => {
    this.#count--
    if (!this.#isPaused || this.#count > MOST_UNANSWERED / 2) return
    this.#isPaused = false
    this.#socket.resume()
  }
}
