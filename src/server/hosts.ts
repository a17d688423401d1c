/**
 * Defences against browsers. A page of another site may call the service directly: Origin and Sec-Fetch-Site show it.
 * Or it may point its own name at the service (DNS rebinding): Host shows it.
 */

import type { IncomingMessage } from 'node:http'
import { isIP, isIPv4 } from 'node:net'
import { describeValue, VicinalError } from '../core/errors.js'
import { checkHead } from './request-head.js'

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
    if (site !== undefined && site !== 'same-origin' && site !== 'none') {
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
