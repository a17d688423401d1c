import { rename } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { ReadCall } from '../server/call.js'
import { ALL_HEADERS } from '../server/fastify-app.js'
import { nextRequestId } from '../server/request-ids.js'
import type { ServerSettings } from '../server/server-settings.js'
import type { Service } from '../server/service.js'

/**
 * Headers set by the forwarding thread: the client's address and the request's id. The same headers of a client are
 * dropped.
 */
export const PEER_HEADER = 'x-vicinal-peer'
export const ID_HEADER = 'x-vicinal-request'
/** Set if the forwarding thread has admitted the request and counts its body. The header of a client is dropped. */
export const ADMITTED_HEADER = 'x-vicinal-admitted'
/** As many as systems allow by default. Past it a connection is refused at once, other than over TCP. */
const BACKLOG = 4096

/** Requests that other serving threads forward instead of answering. The service treats them like any others. */
export class ForwardedRequests {
  readonly #server: Server

  constructor(service: Service<ReadCall>, { requestTimeoutMs, headersTimeoutMs }: Omit<ServerSettings, 'logStream'>) {
    // The clients are threads of this process and keep their connections open.
    this.#server = createServer({
      requestTimeout: requestTimeoutMs,
      headersTimeout: headersTimeoutMs,
      keepAliveTimeout: 0,
      // The forwarding thread has checked it.
      requireHostHeader: false,
    })
    this.#server.maxHeadersCount = ALL_HEADERS
    const answer = (...given: Parameters<Parameters<Server['on']>[1]>) => {
      const { [PEER_HEADER]: peer, [ID_HEADER]: id, [ADMITTED_HEADER]: admitted } = given[0].headers
      service.trust(given[0], {
        peer: String(peer ?? ''),
        id: String(id ?? nextRequestId()),
        isAdmitted: admitted !== undefined,
      })
      service.app.server.emit('request', ...given)
    }
    this.#server.on('request', answer).on('checkContinue', answer)
  }

  /**
   * Listens, and only then gives the socket its name. A named socket that does not listen yet refuses connections, as the
   * socket of a dead process does, and any process that starts removes the folder of such a one.
   */
  async listen(path: string): Promise<void> {
    const unnamed = `${path}-`
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject).listen({ path: unnamed, backlog: BACKLOG }, resolve)
    })
    await rename(unnamed, path)
  }

  async close(deadlineMs: number): Promise<void> {
    const cut = setTimeout(() => this.#server.closeAllConnections(), deadlineMs)
    await new Promise<void>((resolve) => {
      this.#server.close(() => resolve())
    })
    clearTimeout(cut)
  }
}
