import type { Server } from 'node:http'
import type { Socket } from 'node:net'

/**
 * Connections of a server, from the moment in which they are accepted. Those that its lists of HTTP do not name are among
 * them: who has not begun its TLS yet, or has never sent a byte.
 */
export class OpenSockets {
  readonly #sockets = new Set<Socket>()
  #onNone = () => {}

  constructor(server: Server) {
    const add = (socket: Socket) => {
      // One that offered another protocol comes again.
      if (this.#sockets.has(socket)) return
      this.#sockets.add(socket)
      socket.once('close', () => {
        this.#sockets.delete(socket)
        if (this.#sockets.size === 0) this.#onNone()
      })
    }
    // What goes over TLS is written to a socket around that of the connection.
    server.on('connection', add).on('secureConnection', add)
  }

  /** Whether an answer is waiting to be taken off. */
  areWriting(): boolean {
    return this.writing().next().done !== true
  }

  /** Those whose other end has yet to take something. */
  *writing(): Generator<Socket> {
    for (const socket of this.#sockets) if (socket.writableLength > 0) yield socket
  }

  /** Resolves once there are none. A server waits for those that it has accepted; some are handed to it. */
  async none(): Promise<void> {
    if (this.#sockets.size === 0) return
    await new Promise<void>((resolve) => {
      this.#onNone = resolve
    })
  }

  /** Ends those that were never used. */
  endUnused(): void {
    for (const socket of this.#sockets) if (socket.bytesRead === 0) socket.destroy()
  }

  endAll(): void {
    for (const socket of this.#sockets) socket.destroy()
  }
}
