/**
 * Refuses heads that pass Node's parser but can be read in two ways. A proxy in front would take one meaning and the
 * service another, so the request would pass a check as something else. Each gets a 400.
 */
import type { IncomingMessage } from 'node:http'
import { isIPv6 } from 'node:net'
import { describeValue, VicinalError } from '../core/errors.js'

/** Headers that decide access. Of two such headers Node takes the first, or joins them. */
const ONCE = new Set(['host', 'authorization', 'api-key'])
/** Only names of one of these lengths are compared in lower case. */
const LENGTHS_ONCE = new Set(Array.from(ONCE, (name) => name.length))
/** The same expression that Node uses. */
const CONTINUE = /(?:^|\W)100-continue(?:$|\W)/i
const BRACKETED = /^\[([^\]]*)\](?::\d{0,5})?$/

/** After such a head the start of the next request is uncertain, so its answer ends the connection. */
export class MalformedHead extends VicinalError {}

export function checkHead(request: IncomingMessage): void {
  // A request for a whole URL names its host twice. Clients send it only to proxies.
  if (!request.url?.startsWith('/')) throw malformed('request target', 'expected a path that starts with /')
  checkNamedOnce(request.rawHeaders)
  const { host, expect, upgrade, 'transfer-encoding': coding } = request.headers
  const isOld = request.httpVersionMajor === 1 && request.httpVersionMinor === 0
  if (host === undefined && !isOld) throw malformed('Host', 'expected a Host header')
  if (host?.startsWith('[')) checkBracketed(host)
  if (coding !== undefined) checkCoding(coding, isOld)
  // A request that opens a stream has no body.
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

/** Allows an IPv6 address in brackets, with or without a port, and nothing else. */
function checkBracketed(host: string): void {
  const address = BRACKETED.exec(host)?.[1]
  if (address === undefined || !isIPv6(address))
    throw malformed('Host', 'expected [IPv6 address], with or without :port', host)
}

function checkCoding(coding: string, isOld: boolean): void {
  if (isOld) throw malformed('Transfer-Encoding', 'expected none in HTTP/1.0', coding)
  if (coding.toLowerCase() !== 'chunked') throw malformed('Transfer-Encoding', 'expected chunked alone', coding)
}

function malformed(field: string, expected: string, seen?: string): MalformedHead {
  const got = seen === undefined ? '' : `, got ${describeValue(seen)}`
  return new MalformedHead('INVALID_ARGUMENT', `${field}: ${expected}${got}`, { details: { field } })
}
