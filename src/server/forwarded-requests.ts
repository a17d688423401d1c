import { createServer, type Server } from 'node:http'
import type { ReadCall } from './call.js'
import { ALL_HEADERS } from './fastify-app.js'
import { nextRequestId } from './request-ids.js'
import type { Service } from './service.js'
import type { ServerSettings } from './settings.js'

/** What the thread that forwards a request says of it: the client's address, and the request's id. A client's own are dropped. */
export const PEER_HEADER = 'x-vicinal-peer'
export const ID_HEADER = 'x-vicinal-request'
/** Says that the thread has given the request a place and counts its body; of clients it is dropped as well. */
export const ADMITTED_HEADER = 'x-vicinal-admitted'
/** As many as systems have by default; who finds no place is refused at once, other than over TCP. */
const BACKLOG = 4096

/** Requests that threads beside this one have taken in and do not answer: to the service they are as any other. */
export class ForwardedRequests {
  readonly #server: Server

  constructor(service: Service<ReadCall>, { requestTimeoutMs, headersTimeoutMs }: ServerSettings) {
    // Its clients are threads of this process: they keep their connections.
    this.#server = createServer({
      requestTimeout: requestTimeoutMs,
      headersTimeout: headersTimeoutMs,
      keepAliveTimeout: 0,
      // Looked at by the thread that forwards.
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

  async listen(path: string): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject).listen({ path, backlog: BACKLOG }, resolve)
    })
  }

  async close(deadlineMs: number): Promise<void> {
    const cut = setTimeout(() => this.#server.closeAllConnections(), deadlineMs)
    await new Promise<void>((resolve) => {
      this.#server.close(() => resolve())
    })
    clearTimeout(cut)
  }
}
