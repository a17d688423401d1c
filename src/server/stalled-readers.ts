/** Cuts off connections whose client does not read its answer, so that clients cannot keep the memory of answers. */
import type { Socket } from 'node:net'
import { LOOKS } from './arriving-body.js'
import type { OpenSockets } from './open-sockets.js'

/** A connection at the last look. */
interface Seen {
  /** Bytes of the pieces that the system has taken whole. */
  taken: number
  looks: number
}

/**
 * Checks all connections of a thread LOOKS times within the stall time. No answer then needs its own timer, and small
 * answers and messages of streams are covered too. A connection whose answer itself waits, such as for memory, is
 * skipped. Answers are written in pieces of at most some 256 KiB; a client has to take one within the stall time.
 */
export class StalledReaders {
  readonly #sockets: OpenSockets
  readonly #looking: NodeJS.Timeout
  #seen = new Map<Socket, Seen>()

  constructor(sockets: OpenSockets, stalledReaderMs: number) {
    this.#sockets = sockets
    this.#looking = setInterval(() => this.#look(), stalledReaderMs / LOOKS).unref()
  }

  end(): void {
    clearInterval(this.#looking)
  }

  #look(): void {
    const before = this.#seen
    this.#seen = new Map()
    for (const socket of this.#sockets.writing()) {
      const last = before.get(socket)
      const taken = socket.bytesWritten - socket.writableLength
      const looks = last?.taken === taken ? last.looks + 1 : 0
      if (looks < LOOKS) this.#seen.set(socket, { taken, looks })
      else socket.destroy()
    }
  }
}
