/** Cuts off connections whose client does not read its answer, so that clients cannot keep the memory of answers. */
import type { Socket } from 'node:net'
import { LOOKS } from './arriving-body.js'
import type { OpenSockets } from './open-sockets.js'

/** Counters of a connection that change whenever its client reads something. */
interface Seen {
  taken: number
  /** Bytes of the present piece that the system has not taken yet. */
  queued: number
  looks: number
}

/**
 * Checks all connections of a thread LOOKS times within the stall time. No answer then needs its own timer, and small
 * answers and messages of streams are covered too. A connection whose answer itself waits, such as for memory, is
 * skipped.
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
      const queued = queuedBytes(socket)
      const isStalled = last?.taken === taken && last.queued === queued
      const looks = isStalled ? last.looks + 1 : 0
      if (looks < LOOKS) this.#seen.set(socket, { taken, queued, looks })
      else socket.destroy()
    }
  }
}

/** From Node's internal handle. Without it a large piece would seem to stall until all of it is taken. */
function queuedBytes(socket: Socket): number {
  return (socket as Socket & { _handle?: { writeQueueSize?: number } | null })._handle?.writeQueueSize ?? 0
}
