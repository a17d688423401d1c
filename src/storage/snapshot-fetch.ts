/**
 * Fetches a snapshot from a URL that a caller names, without becoming the caller's way to what only this machine can
 * reach: addresses are checked where they are connected to, so that a name cannot mean one address when it is looked at
 * and another when it is used; redirects are not followed; time and bytes are bounded.
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
  /** Which addresses may be connected to; default: public ones. */
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
  // 6to4, whose addresses have an IPv4 one inside.
  ['ipv6', '2002::', 16],
  ['ipv6', '3fff::', 20],
]
const PUBLIC_V6: [network: string, bits: number] = ['2000::', 3]

const privateAddresses = new BlockList()
for (const [kind, network, bits] of PRIVATE) privateAddresses.addSubnet(network, bits, kind)
const publicV6 = new BlockList()
publicV6.addSubnet(...PUBLIC_V6, 'ipv6')

/** Of IPv6 only the part of it that is given out at all counts as public: mapped and translated IPv4 is not in it. */
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
  // An address that is written out is connected to without a look-up.
  if (isIP(literal) !== 0 && !isAllowed(literal)) throw refusedAddress()
  if (url.username !== '' || url.password !== '') throw invalid('location', 'expected a URL without a user')
  // Why we ended it, which says more than how it then ends.
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
    // What the look-up let through is what is connected to; this would be a fault of ours.
    socket.once('connect', () => {
      if (!isAllowed(socket.remoteAddress ?? '')) stop(refusedAddress())
    })
  })
  request.end()
  return request
}

/** Resolves a name to the addresses that may be connected to; where one of them may not, none is. */
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
    // Later errors come to the reader of the answer.
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

/** Says nothing of what the name resolves to: that is not the caller's to learn. */
function refusedAddress(): VicinalError {
  return new VicinalError('FORBIDDEN', 'location: expected a public address', { details: { field: 'location' } })
}

function failed(what: string, cause?: unknown): VicinalError {
  return new VicinalError('INVALID_ARGUMENT', `location: the snapshot could not be fetched: ${what}`, {
    details: { field: 'location' },
    cause,
  })
}
