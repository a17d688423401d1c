/**
 * Fetches a snapshot from a URL of a caller, without giving the caller access to hosts that only this machine can
 * reach. Addresses are checked when the connection is made, so that a name cannot change its address after the check.
 * Redirects are not followed. Time and bytes are bounded.
 */
import { lookup as resolve } from 'node:dns'
import { type ClientRequest, request as httpRequest, type IncomingMessage } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { BlockList, isIP, type LookupFunction } from 'node:net'
import { invalid, VicinalError } from '../core/errors.js'
import { LIMITS } from '../core/limits.js'

export interface FetchOptions {
  apiKey?: string | null
  maxBytes: number
  /** Decides which addresses may be connected to. Default: public ones. */
  isAllowed?: (address: string) => boolean
  idleMs?: number
  totalMs?: number
}

const PRIVATE: [kind: 'ipv4' | 'ipv6', network: string, bits: number][] = [
  ['ipv4', '0.0.0.0', 8],
  ['ipv4', '10.0.0.0', 8],
  ['ipv4', '100.64.0.0', 10],
  ['ipv4', '127.0.0.0', 8],
  ['ipv4', '169.254.0.0', 16],
  ['ipv4', '172.16.0.0', 12],
  ['ipv4', '192.0.0.0', 24],
  ['ipv4', '192.0.2.0', 24],
  ['ipv4', '192.88.99.0', 24],
  ['ipv4', '192.168.0.0', 16],
  ['ipv4', '198.18.0.0', 15],
  ['ipv4', '198.51.100.0', 24],
  ['ipv4', '203.0.113.0', 24],
  ['ipv4', '224.0.0.0', 3],
  ['ipv6', '2001::', 23],
  ['ipv6', '2001:db8::', 32],
  // Addresses of 6to4 contain an IPv4 address.
  ['ipv6', '2002::', 16],
  ['ipv6', '3fff::', 20],
]
const PUBLIC_V6: [network: string, bits: number] = ['2000::', 3]

const privateAddresses = new BlockList()
for (const [kind, network, bits] of PRIVATE) privateAddresses.addSubnet(network, bits, kind)
const publicV6 = new BlockList()
publicV6.addSubnet(...PUBLIC_V6, 'ipv6')

/** Whether an address is public. Of IPv6 only the allocated range counts; mapped and translated IPv4 are outside it. */
export function isPublicAddress(address: string): boolean {
  const family = isIP(address)
  if (family === 4) return !privateAddresses.check(address, 'ipv4')
  if (family !== 6 || address.includes('%')) return false
  return publicV6.check(address, 'ipv6') && !privateAddresses.check(address, 'ipv6')
}

export async function* fetchSnapshot(url: URL, options: FetchOptions): AsyncGenerator<Uint8Array> {
  const { maxBytes, totalMs = LIMITS.snapshotFetchMs } = options
  const isAllowed = options.isAllowed ?? isPublicAddress
  const literal = url.hostname.replace(/^\[|\]$/g, '')
  // An address in the URL itself is connected to without a lookup.
  if (isIP(literal) !== 0 && !isAllowed(literal)) throw refusedAddress()
  if (url.username !== '' || url.password !== '')
    throw invalid('location', 'expected a URL without a user name or password')
  // The reason for our stop, which says more than the resulting error.
  let reason: VicinalError | null = null
  const stop = (error: VicinalError) => {
    reason ??= error
    request.destroy(error)
  }
  const request = start(url, options, isAllowed, stop)
  const timer = setTimeout(() => stop(failed(`it took longer than ${totalMs} ms`)), totalMs)
  try {
    const response = await answerOf(request)
    checkAnswer(response, maxBytes)
    yield* response as AsyncIterable<Uint8Array>
    if (!response.complete) throw failed('the connection was closed in the middle')
  } catch (cause) {
    throw reason ?? (cause instanceof VicinalError ? cause : failed((cause as Error).message, cause))
  } finally {
    clearTimeout(timer)
    request.destroy()
  }
}

function start(
  url: URL,
  options: FetchOptions,
  isAllowed: (address: string) => boolean,
  stop: (reason: VicinalError) => void,
): ClientRequest {
  const { apiKey, idleMs = LIMITS.snapshotIdleMs } = options
  const send = url.protocol === 'https:' ? httpsRequest : httpRequest
  const headers = { 'accept-encoding': 'identity', ...(apiKey ? { 'api-key': apiKey } : {}) }
  const request = send(url, { headers, agent: false, lookup: lookupAllowed(isAllowed), timeout: idleMs })
  request.on('timeout', () => stop(failed(`nothing came for ${idleMs} ms`)))
  request.on('socket', (socket) => {
    // The lookup has already checked the address; this guards against a bug of ours.
    socket.once('connect', () => {
      if (!isAllowed(socket.remoteAddress ?? '')) stop(refusedAddress())
    })
  })
  request.end()
  return request
}

/** Resolves a name to addresses. If any of them is forbidden, the name is refused. */
function lookupAllowed(isAllowed: (address: string) => boolean): LookupFunction {
  return (hostname, options, callback) => {
    resolve(hostname, { ...options, all: true }, (error, addresses) => {
      const first = addresses?.[0]
      if (error || !first) callback(error ?? failed('no address'), '', 0)
      else if (!addresses.every(({ address }) => isAllowed(address))) callback(refusedAddress(), '', 0)
      else if (options.all) callback(null, addresses)
      else callback(null, first.address, first.family)
    })
  }
}

function answerOf(request: ClientRequest): Promise<IncomingMessage> {
  return new Promise((done, reject) => {
    request.once('response', done)
    request.once('error', reject)
    // The reader of the answer gets later errors.
    request.on('error', () => undefined)
  })
}

function checkAnswer(response: IncomingMessage, maxBytes: number): void {
  const status = response.statusCode ?? 0
  if (status >= 300 && status < 400) throw invalid('location', 'expected an answer without a redirect', status)
  if (status !== 200) throw invalid('location', 'expected the snapshot with status 200', status)
  const declared = Number(response.headers['content-length'] ?? 0)
  if (declared > maxBytes) {
    throw new VicinalError('TOO_LARGE', `snapshot: expected at most ${maxBytes} bytes, got ${declared}`, {
      details: { field: 'location', bound: maxBytes },
    })
  }
}

/** Leaves out the resolved address, because the caller must not learn it. */
function refusedAddress(): VicinalError {
  return new VicinalError('FORBIDDEN', 'location: expected a public address', { details: { field: 'location' } })
}

function failed(what: string, cause?: unknown): VicinalError {
  return new VicinalError('INVALID_ARGUMENT', `location: the snapshot could not be fetched: ${what}`, {
    details: { field: 'location' },
    cause,
  })
}
