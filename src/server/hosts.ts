/**
 * Defences against browsers: a page of another site that calls the service directly (Origin), or makes its own
 * name point here (DNS rebinding, Host).
 */

import type { IncomingMessage } from 'node:http'
import { isIP, isIPv4 } from 'node:net'
import { describeValue, VicinalError } from '../core/errors.js'

const ANY = '*'
const PORT = /:\d{1,5}$/

export function isLoopback(host: string): boolean {
  if (host === 'localhost' || host === '::1') return true
  return isIPv4(host) && host.startsWith('127.')
}

export class HostGuard {
  readonly #hosts: ReadonlySet<string>
  readonly #origins: ReadonlySet<string>
  /** The last header that named an allowed host: nearly every request has the same. */
  #allowed: string | undefined

  constructor(settings: { host: string; allowedHosts: readonly string[]; allowedOrigins: readonly string[] }) {
    this.#hosts = new Set([settings.host, ...settings.allowedHosts].map((host) => hostName(host.toLowerCase())))
    this.#origins = new Set(settings.allowedOrigins.map((origin) => origin.toLowerCase()))
  }

  check(request: IncomingMessage): void {
    // A request for a whole URL names its host twice; no client of a service that is no proxy sends one.
    if (!request.url?.startsWith('/')) {
      throw new VicinalError('INVALID_ARGUMENT', 'request target: expected a path that starts with /')
    }
    const { host, origin } = request.headers
    if (!this.#allowsHost(host, request.socket.localAddress)) {
      throw new VicinalError(
        'MISDIRECTED_HOST',
        `Host: expected a loopback or configured name, got ${describeValue(host ?? null)} (setting allowed hosts)`,
      )
    }
    if (origin !== undefined && !this.#origins.has(origin.toLowerCase())) {
      throw new VicinalError('FORBIDDEN', `Origin: expected none or a configured one, got ${describeValue(origin)}`)
    }
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
    // The very address that was connected to is no name that could have been rebound.
    return isIP(name) !== 0 && sameAddress(name, localAddress)
  }
}

/** `[::1]:6333` → `::1`, `localhost:6333` → `localhost`. */
function hostName(header: string): string {
  if (header.startsWith('[')) return header.slice(1, header.indexOf(']'))
  return isIP(header) !== 0 ? header : header.replace(PORT, '')
}

function sameAddress(name: string, localAddress: string | undefined): boolean {
  return localAddress === name || localAddress === `::ffff:${name}`
}
