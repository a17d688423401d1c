/**
 * `connect(url)` returns the same interface as `open(folder)`: a program moves from the library to the service by
 * changing one line.
 */
import type { Database } from '../core/database.js'
import { invalid, VicinalError } from '../core/errors.js'
import { checkKnown, keysOf } from '../core/known-keys.js'
import { LIMITS } from '../core/limits.js'
import { RemoteDatabase } from './remote-database.js'
import { Transport } from './transport.js'

export { ERROR_CATALOGUE, VicinalError } from '../core/errors.js'
export { RawJson } from '../core/point.js'
export type * from '../core/public-types.js'

/** Options of `connect`. All are optional; an unknown one rejects with INVALID_ARGUMENT. */
export interface ConnectOptions {
  /** The key sent with every request. Without one the service must not ask for keys. */
  apiKey?: string
  /** Deadline of calls that name none, retries included. Default one minute. `waitForIndex`, `flush` and snapshots have none. */
  timeoutMs?: number
  /** Attempts after the first, if another one may succeed. Default 4. */
  retries?: number
  /**
   * First and longest pause between attempts, in milliseconds. Each pause is random up to its bound. Defaults 100 and
   * 5,000.
   */
  minDelayMs?: number
  /** Longest pause between two attempts. */
  maxDelayMs?: number
  /** PEM text of the authority that signed the service's certificate, if the system does not know it. */
  ca?: string | Buffer
  /** Most connections at once, and most streams at once. Default 64. */
  maxConnections?: number
  /** Whether queries are sent as messages of WebSockets if the service accepts them, which is faster. Default false. */
  streams?: boolean
  /**
   * Bytes of a request body above which an upsert is split into several requests. Default three quarters of the
   * service's default bound.
   */
  maxBodyBytes?: number
}

const KNOWN = keysOf<ConnectOptions>({
  apiKey: true,
  timeoutMs: true,
  retries: true,
  minDelayMs: true,
  maxDelayMs: true,
  ca: true,
  maxConnections: true,
  streams: true,
  maxBodyBytes: true,
})
const DEFAULTS = {
  timeoutMs: LIMITS.timeoutMs,
  retries: 4,
  minDelayMs: 100,
  maxDelayMs: 5000,
  maxConnections: 64,
  streams: false,
  maxBodyBytes: (LIMITS.bodyBytes * 3) / 4,
}

/**
 * Connects to a service at an `http:` or `https:` URL. If the service is still starting, the call waits while retries
 * last.
 *
 * Rejects with INVALID_ARGUMENT for a wrong URL or option, with UNAUTHENTICATED without a valid key, and with UNAVAILABLE
 * if no service answers.
 *
 * @example
 * const db = await connect('http://127.0.0.1:6333', { apiKey: process.env.VICINAL_API_KEY })
 * const photos = await db.collection('photos')
 * const near = await photos.query({ query: [0.1, 0.2, 0.3], limit: 3 })
 */
export async function connect(url: string, options: ConnectOptions = {}): Promise<Database> {
  checkKnown(options, KNOWN)
  const { apiKey, ca } = options
  const { retries, minDelayMs, maxDelayMs, timeoutMs, maxConnections, maxBodyBytes, streams } = {
    ...DEFAULTS,
    ...options,
  }
  const retry = { retries, minDelayMs, maxDelayMs }
  const transport = new Transport(urlOf(url), { apiKey, ca, timeoutMs, maxConnections, streams, retry })
  const database = new RemoteDatabase(transport, maxBodyBytes)
  try {
    // The cheapest request that needs both the key and the opened data.
    await database.hasCollection('vicinal')
  } catch (error) {
    // A token of other collections is valid too.
    if (!(error instanceof VicinalError) || error.code !== 'FORBIDDEN') {
      transport.close()
      throw error
    }
  }
  return database
}

function urlOf(url: string): URL {
  try {
    return new URL(url)
  } catch {
    throw invalid('url', 'expected a URL such as http://127.0.0.1:6333', url)
  }
}
