import type { Server } from 'node:http'
import type { Socket } from 'node:net'

/**
 * Connections of a server, from the moment in which they are accepted. Those that its lists of HTTP do not name are among
 * them: who has not begun its TLS yet, or has never sent a byte.
 */
export class OpenSockets {
  readonly #sockets = new Set<Socket>()

  constructor(server: Server) {
    server.on('connection', (socket: Socket) => {
      this.#sockets.add(socket)
      socket.once('close', () => this.#sockets.delete(socket))
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
