/** Connections of a server, and those whose client does not read its answer. */
import type { Server } from 'node:http'
import type { Socket } from 'node:net'
import { LOOKS } from './arriving-body.js'

/**
 * Connections of a server from the moment they are accepted. They include those that Node's HTTP lists leave out:
 * connections that have not begun TLS, or have never sent a byte.
 */
export class OpenSockets {
  readonly #sockets = new Set<Socket>()
  #onNone = () => {}

  constructor(server: Server) {
    const add = (socket: Socket) => {
      // A connection whose upgrade was declined is emitted again.
      if (this.#sockets.has(socket)) return
      this.#sockets.add(socket)
      socket.once('close', () => {
        this.#sockets.delete(socket)
        if (this.#sockets.size === 0) this.#onNone()
      })
    }
    // TLS data is written to another socket, which wraps the connection's.
    server.on('connection', add).on('secureConnection', add)
  }

  /** Whether an answer waits for its client to read it. */
  areWriting(): boolean {
    return this.writing().next().done !== true
  }

  /** Connections whose peer has not read all bytes yet. */
  *writing(): Generator<Socket> {
    for (const socket of this.#sockets) if (socket.writableLength > 0) yield socket
  }

  /**
   * Resolves once no connection is left. A server's `close` waits only for connections that it accepted itself, not for
   * those handed to it.
   */
  async none(): Promise<void> {
    if (this.#sockets.size === 0) return
    await new Promise<void>((resolve) => {
      this.#onNone = resolve
    })
  }

  /** Closes connections that never sent a byte. */
  endUnused(): void {
    for (const socket of this.#sockets) if (socket.bytesRead === 0) socket.destroy()
  }

  endAll(): void {
    for (const socket of this.#sockets) socket.destroy()
  }
}

/** A connection at the last look. */
interface Seen {
  /** Bytes of the pieces that the system has taken whole. */
  taken: number
  looks: number
}

/**
 * Cuts off connections whose client does not read its answer, so that clients cannot keep the memory of answers. It
 * checks all connections of a thread LOOKS times within the stall time. No answer then needs its own timer, and small
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
