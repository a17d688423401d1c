/** Cuts connections whose other end takes nothing of what waits for it: memory of answers is not a stranger's to keep. */
import type { Socket } from 'node:net'
import { LOOKS } from './arriving-body.js'
import type { OpenSockets } from './open-sockets.js'

/** Numbers of a connection that change whenever the other end takes something. */
interface Seen {
  taken: number
  /** Of the piece that the system has been given, and takes part by part. */
  queued: number
  looks: number
}

/**
 * All connections of a thread are looked at LOOKS times within the time that a reader may stall. So no answer sets a timer, and small
 * answers and messages of streams are seen as well. A connection whose answer itself waits, such as for memory, is not looked at.
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

/** Node's own; without it a large piece would seem to stall until all of it is taken. */
function queuedBytes(socket: Socket): number {
  return (socket as Socket & { _handle?: { writeQueueSize?: number } | null })._handle?.writeQueueSize ?? 0
}
