import type { Server } from 'node:http'
import type { Socket } from 'node:net'

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
