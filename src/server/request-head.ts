/**
 * What the parser lets through and two readers of one request could read differently: a proxy in front takes one
 * meaning, the service another, and the request passes a gate as something else. Each is refused with 400.
 */
import type { IncomingMessage } from 'node:http'
import { isIPv6 } from 'node:net'
import { describeValue, VicinalError } from '../core/errors.js'

/** Headers that decide who may do what; Node takes the first of two, or joins them. */
const ONCE = new Set(['host', 'authorization', 'api-key'])
/** Only a name of one of these lengths is worth its lower case. */
const LENGTHS_ONCE = new Set(Array.from(ONCE, (name) => name.length))
/** As Node tells it from others. */
const CONTINUE = /(?:^|\W)100-continue(?:$|\W)/i
const BRACKETED = /^\[([^\]]*)\](?::\d{0,5})?$/

/** After such a head nobody can be sure where the next request begins: its answer ends the connection. */
export class MalformedHead extends VicinalError {}

export function checkHead(request: IncomingMessage): void {
  // A request for a whole URL names its host twice; no client of a service that is no proxy sends one.
  if (!request.url?.startsWith('/')) throw malformed('request target', 'expected a path that starts with /')
  checkNamedOnce(request.rawHeaders)
  const { host, expect, upgrade, 'transfer-encoding': coding } = request.headers
  const isOld = request.httpVersionMajor === 1 && request.httpVersionMinor === 0
  if (host === undefined && !isOld) throw malformed('Host', 'expected a Host header')
  if (host?.startsWith('[')) checkBracketed(host)
  if (coding !== undefined) checkCoding(coding, isOld)
  // A request that opens a stream has no body to wait for.
  if (expect !== undefined && upgrade === undefined && !CONTINUE.test(expect)) {
    throw malformed('Expect', 'expected 100-continue', expect)
  }
}

function checkNamedOnce(raw: readonly string[]): void {
  let seen = ''
  for (let at = 0; at < raw.length; at += 2) {
    const given = raw[at] as string
    if (!LENGTHS_ONCE.has(given.length)) continue
    const name = given.toLowerCase()
    if (!ONCE.has(name)) continue
    if (seen.includes(`${name};`)) throw malformed(name, 'expected one such header, got several')
    seen += `${name};`
  }
}

/** An IPv6 address in brackets, with a port or without, and nothing else. */
function checkBracketed(host: string): void {
  const address = BRACKETED.exec(host)?.[1]
  if (address === undefined || !isIPv6(address))
    throw malformed('Host', 'expected [IPv6 address] or that with :port', host)
}

function checkCoding(coding: string, isOld: boolean): void {
  if (isOld) throw malformed('Transfer-Encoding', 'expected none in HTTP/1.0', coding)
  if (coding.toLowerCase() !== 'chunked') throw malformed('Transfer-Encoding', 'expected chunked alone', coding)
}

function malformed(field: string, expected: string, seen?: string): MalformedHead {
  const got = seen === undefined ? '' : `, got ${describeValue(seen)}`
  return new MalformedHead('INVALID_ARGUMENT', `${field}: ${expected}${got}`, { details: { field } })
}
