import { type ClientRequest, Agent as HttpAgent, request as httpRequest, type RequestOptions } from 'node:http'
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https'
import { INTERNAL } from '../server/peers.js'

/** The node that a request is meant for. Another one that has its address refuses it. */
export const TO_HEADER = 'x-vicinal-to'
const MOST_SOCKETS = 512

/** Another node, as requests reach it. */
export interface Target {
  id: string
  url: string
}

/** Requests to the routes that one other node has for nodes alone. */
export class PeerRequests {
  readonly #target: Target
  readonly #key: string
  readonly #base: URL
  readonly #agent: HttpAgent

  constructor(target: Target, key: string) {
    this.#target = target
    this.#key = key
    this.#base = new URL(target.url)
    const options = { keepAlive: true, maxSockets: MOST_SOCKETS }
    this.#agent = this.#base.protocol === 'https:' ? new HttpsAgent(options) : new HttpAgent(options)
  }

  /** `path` is the public route's. */
  open({ method, path, headers }: { method: string; path: string; headers: Record<string, string> }): ClientRequest {
    const { protocol, hostname, port } = this.#base
    const options: RequestOptions = {
      method,
      host: hostname.replace(/^\[|\]$/g, ''),
      ...(port === '' ? {} : { port }),
      path: INTERNAL + path,
      headers: { ...headers, 'api-key': this.#key, [TO_HEADER]: this.#target.id },
      agent: this.#agent,
    }
    return (protocol === 'https:' ? httpsRequest : httpRequest)(options)
  }

  close(): void {
    this.#agent.destroy()
  }
}
