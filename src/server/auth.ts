/**
 * Keys. Both sides are compared as SHA-256 digests in constant time, and against every key there is, so that
 * neither the content nor the number of matching characters nor which key it was shows in the time taken.
 */
import { createHash, timingSafeEqual } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import { VicinalError } from '../core/errors.js'

/** What a route lets in: anyone, any key, or a key that may write. */
export type Access = 'open' | 'read' | 'write'

const BEARER = /^bearer +/i

export class KeyRing {
  readonly #write: readonly Buffer[]
  readonly #read: readonly Buffer[]

  constructor(keys: { apiKeys: readonly string[]; readOnlyApiKeys: readonly string[] }) {
    // An empty key would let in whoever sends an empty header.
    if ([...keys.apiKeys, ...keys.readOnlyApiKeys].some((key) => key.trim() === '')) {
      throw new VicinalError('INVALID_ARGUMENT', 'API keys: expected none that is empty')
    }
    this.#write = keys.apiKeys.map(digest)
    this.#read = keys.readOnlyApiKeys.map(digest)
  }

  get isEmpty(): boolean {
    return this.#write.length === 0 && this.#read.length === 0
  }

  /** Throws unless the headers carry a key that is good for `access`. Without keys everything is allowed. */
  check(headers: IncomingHttpHeaders, access: Access): void {
    if (access === 'open' || this.isEmpty) return
    const key = presentedKey(headers)
    if (key === undefined) {
      throw new VicinalError('UNAUTHENTICATED', 'Must provide an API key or an Authorization bearer token')
    }
    const presented = digest(key)
    const mayWrite = matchesAny(presented, this.#write)
    const mayRead = matchesAny(presented, this.#read)
    if (!mayWrite && !mayRead) throw new VicinalError('UNAUTHENTICATED', 'Invalid API key')
    if (access === 'write' && !mayWrite) throw new VicinalError('FORBIDDEN', 'Forbidden: write access is required')
  }
}

function presentedKey(headers: IncomingHttpHeaders): string | undefined {
  const key = headers['api-key']
  if (typeof key === 'string') return key
  const { authorization } = headers
  return authorization !== undefined && BEARER.test(authorization) ? authorization.replace(BEARER, '') : undefined
}

function digest(key: string): Buffer {
  return createHash('sha256').update(key).digest()
}

function matchesAny(presented: Buffer, digests: readonly Buffer[]): boolean {
  let matches = false
  for (const known of digests) matches = timingSafeEqual(presented, known) || matches
  return matches
}
