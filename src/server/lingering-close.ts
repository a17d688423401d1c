/**
 * The end of a connection whose client is still sending. A connection that is closed with bytes unread is reset, and a
 * reset takes away from the client what it has not read of its answer (RFC 9112, section 9.6).
 */
import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'

/** How long a client may go on sending once it has its answer. */
export const LINGER_MS = 2_000
/** Bytes of it that are dropped. A client that sends more stands still, and has the rest of the time for its answer. */
const MOST_DROPPED_BYTES = 256 * 1024 * 1024

/** Has Node close the connection slowly where this request, which was just answered, is the last of it. */
export function closeSlowlyAfter(request: IncomingMessage): void {
  if (request.complete) return
  const { socket } = request
  const { destroySoon } = socket
  socket.destroySoon = () => {
    socket.destroySoon = destroySoon
    if (request.complete) {
      socket.destroySoon()
      return
    }
    socket.end()
    // A full buffer of the request has stopped the connection, which the parser starts again within this turn.
    request.resume()
    setImmediate(endSlowly, socket)
  }
}

/** Sends what was written, tells that nothing follows, and drops what still comes. The client's own end closes it. */
export function endSlowly(socket: Socket): void {
  socket.end()
  const timer = setTimeout(() => socket.destroy(), LINGER_MS).unref()
  const mostBytes = socket.bytesRead + MOST_DROPPED_BYTES
  const drop = () => {
    if (socket.bytesRead > mostBytes) socket.pause()
  }
  socket.once('close', () => clearTimeout(timer))
  // Nothing of it is parsed any more.
  socket.removeAllListeners('data').on('data', drop).resume()
}
