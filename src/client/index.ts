/**
 * `connect(url)` gives the same interface as `open(folder)`: a program moves from the library to the service by
 * changing one line.
 */
import type { Database } from '../core/database.js'
import { invalid } from '../core/errors.js'
import { checkKnown, keysOf } from '../core/known-keys.js'
import { LIMITS } from '../core/limits.js'
import { RemoteDatabase } from './remote-database.js'
import { Transport } from './transport.js'

export { ERROR_CATALOGUE, VicinalError } from '../core/errors.js'
export { RawJson } from '../core/point.js'
export type * from '../core/public-types.js'

export interface ConnectOptions {
  apiKey?: string
  /** Deadline of calls that name none, retries included. Default one minute. `waitForIndex`, `flush` and snapshots have none. */
  timeoutMs?: number
  /** Attempts after the first, where another may help. Default 4. */
  retries?: number
  /** First and greatest pause between attempts; each is random up to its bound. Defaults 100 and 5,000. */
  minDelayMs?: number
  maxDelayMs?: number
  /** PEM text of the authority that signed the service's certificate, where the system does not know it. */
  ca?: string | Buffer
  /** Connections at once, and as many streams. Default 64. */
  maxConnections?: number
  /** Whether queries go as messages of WebSockets where the service takes them, which is faster. Default false. */
  streams?: boolean
  /** Larger upserts go in several requests. Default three quarters of what a service accepts by default. */
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
 * Connects to a service, waiting for one that is starting as long as retries last.
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
    // The cheapest question that needs both the key and the opened data.
    await database.hasCollection('vicinal')
  } catch (error) {
    transport.close()
    throw error
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
