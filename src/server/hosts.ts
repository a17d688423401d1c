/**
 * Defences against browsers. A page of another site may call the service directly: Origin and Sec-Fetch-Site show it.
 * Or it may point its own name at the service (DNS rebinding): Host shows it.
 */

import type { IncomingMessage } from 'node:http'
import { isIP, isIPv4 } from 'node:net'
import type { FastifyReply } from 'fastify'
import { describeValue, VicinalError } from '../core/errors.js'
import { TRACEPARENT_HEADER, TRACERESPONSE_HEADER, TRACESTATE_HEADER } from './observation.js'
import { WATERMARK_HEADER } from './peers.js'
import { checkHead } from './request-head.js'
import { REQUEST_ID_HEADER } from './request-ids.js'
import { VERSION_HEADER } from './versions.js'

const ANY = '*'
const PORT = /:\d{1,5}$/
const WEB_ORIGIN = /^(https?):\/\/(.+)$/
const DEFAULT_PORT = { http: /:80$/, https: /:443$/ }

export function isLoopback(host: string): boolean {
  if (host === 'localhost' || host === '::1') return true
  return isIPv4(host) && host.startsWith('127.')
}

export interface HostSettings {
  host: string
  allowedHosts: readonly string[]
  allowedOrigins: readonly string[]
  tls: object | null
}

export class HostGuard {
  readonly #hosts: ReadonlySet<string>
  readonly #origins: ReadonlySet<string>
  readonly #hasTls: boolean
  /** Whether requests need a key. Then any Host is allowed, because a page with a rebound name has no key. */
  readonly #asksForKey: () => boolean
  /** The last Host header that was allowed: nearly every request has the same. */
  #allowed: string | undefined

  constructor(settings: HostSettings, asksForKey: () => boolean) {
    this.#hosts = new Set([settings.host, ...settings.allowedHosts].map((host) => hostName(host.toLowerCase())))
    this.#origins = new Set(settings.allowedOrigins.map((origin) => origin.toLowerCase()))
    this.#hasTls = settings.tls !== null
    this.#asksForKey = asksForKey
  }

  check(request: IncomingMessage): void {
    checkHead(request)
    const { host, origin, 'sec-fetch-site': site } = request.headers
    if (!this.#asksForKey() && !this.#allowsHost(host, request.socket.localAddress)) throw misdirected(host)
    if (this.isConfigured(origin)) return
    if (origin !== undefined && !this.#isSameOrigin(origin, host)) {
      throw new VicinalError(
        'FORBIDDEN',
        `Origin: expected none, that of the Host header, or a configured one (--allow-origin), got ${describeValue(origin)}`,
      )
    }
    // Browsers send no Origin with a GET from a link, an image or a script of another site.
    if (site !== undefined && site !== 'same-origin' && site !== 'none' && !isVisit(request)) {
      throw new VicinalError(
        'FORBIDDEN',
        `Sec-Fetch-Site: expected same-origin, none or a configured Origin (--allow-origin), got ${describeValue(site)}`,
      )
    }
  }

  get hasOrigins(): boolean {
    return this.#origins.size > 0
  }

  isConfigured(origin: string | undefined): origin is string {
    return origin !== undefined && this.#origins.has(origin.toLowerCase())
  }

  #isSameOrigin(origin: string, host: string | undefined): boolean {
    const [, scheme, authority] = WEB_ORIGIN.exec(origin.toLowerCase()) ?? []
    if (authority === undefined || host === undefined) return false
    // If this server has no TLS, a proxy in front may have it.
    if (this.#hasTls && scheme !== 'https') return false
    const port = DEFAULT_PORT[scheme as keyof typeof DEFAULT_PORT]
    return authority.replace(port, '') === host.toLowerCase().replace(port, '')
  }

  #allowsHost(header: string | undefined, localAddress: string | undefined): boolean {
    if (this.#hosts.has(ANY)) return true
    if (header === undefined) return false
    if (header === this.#allowed) return true
    const name = hostName(header.toLowerCase())
    if (isLoopback(name) || this.#hosts.has(name)) {
      this.#allowed = header
      return true
    }
    // The IP address that the client connected to cannot be a rebound name.
    return isIP(name) !== 0 && sameAddress(name, localAddress)
  }
}

/**
 * A link or an address that opens the console in a tab. Its files are the same for everyone; a frame, a script or a
 * picture of another site gets none.
 */
function isVisit({ method, url = '', headers }: IncomingMessage): boolean {
  if (method !== 'GET' || headers['sec-fetch-mode'] !== 'navigate' || headers['sec-fetch-dest'] !== 'document') {
    return false
  }
  return /^\/dashboard(?:[/?]|$)/.test(url)
}

function misdirected(host: string | undefined): VicinalError {
  const name = host === undefined ? 'NAME' : hostName(host)
  return new VicinalError(
    'MISDIRECTED_HOST',
    `Host: expected a loopback or configured name, got ${describeValue(host ?? null)}; accept it with --allow-host ${describeValue(name).slice(1, -1)}, or set an API key`,
  )
}

/** `[::1]:6333` → `::1`, `localhost:6333` → `localhost`. */
function hostName(header: string): string {
  if (header.startsWith('[')) return header.slice(1, header.indexOf(']'))
  return isIP(header) !== 0 ? header : header.replace(PORT, '')
}

function sameAddress(name: string, localAddress: string | undefined): boolean {
  return localAddress === name || localAddress === `::ffff:${name}`
}

const METHODS = 'GET, PUT, POST, PATCH, DELETE'
const REQUEST_HEADERS = [
  ...['api-key', 'authorization', 'content-type', 'accept', 'idempotency-key'],
  ...[REQUEST_ID_HEADER, TRACEPARENT_HEADER, TRACESTATE_HEADER],
].join(', ')
const ANSWER_HEADERS = [
  ...[REQUEST_ID_HEADER, VERSION_HEADER, TRACERESPONSE_HEADER, WATERMARK_HEADER],
  ...['retry-after', 'allow', 'content-disposition'],
].join(', ')
/** How long a browser may cache the answer, in seconds; browsers cap it at about this. */
const MAX_AGE_S = 7200
const NO_CONTENT = 204

/**
 * Sets on every answer the origin that may read it. Keys travel in their own headers, so credentials are not allowed.
 */
export function tellOrigin({ headers: { origin } }: IncomingMessage, reply: FastifyReply, guard: HostGuard): void {
  if (!guard.hasOrigins) return
  reply.header('vary', 'Origin')
  if (!guard.isConfigured(origin)) return
  reply.header('access-control-allow-origin', origin).header('access-control-expose-headers', ANSWER_HEADERS)
}

/**
 * A browser's preflight request, which asks whether a page may send its request. It carries no key and has no effect.
 */
export function isPreflight({ method, headers }: IncomingMessage, guard: HostGuard): boolean {
  if (method !== 'OPTIONS' || headers['access-control-request-method'] === undefined) return false
  return guard.isConfigured(headers.origin)
}

export function answerPreflight(reply: FastifyReply): void {
  reply
    .code(NO_CONTENT)
    .header('access-control-allow-methods', METHODS)
    .header('access-control-allow-headers', REQUEST_HEADERS)
    .header('access-control-max-age', MAX_AGE_S)
    .send()
}
