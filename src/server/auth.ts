/**
 * API keys. Keys are compared as SHA-256 digests, in constant time, with every configured key. The time taken therefore
 * shows neither the key's content, nor the number of matching characters, nor the matching key.
 */
import { createHash, timingSafeEqual } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import { VicinalError } from '../core/errors.js'

/** The access that a route needs: none, any key, a key that may write, or the key of another node of the store. */
export type Access = 'open' | 'read' | 'write' | 'cluster'

const BEARER = /^bearer +/i

/** Keys that may do everything, and keys that may only read. */
export interface Keys {
  readonly apiKeys: readonly string[]
  readonly readOnlyApiKeys: readonly string[]
}

/** A presented key that matches a configured one. */
export interface KnownKey {
  readonly digest: Buffer
  readonly isReadOnly: boolean
}

/** A presented key that matches no configured key. */
export class WrongKey extends VicinalError {}

export class KeyRing {
  #write: readonly Buffer[] = []
  #read: readonly Buffer[] = []
  /** They open nothing else, and nothing else opens what they open. */
  readonly #cluster: readonly Buffer[]

  constructor(keys: Keys & { readonly clusterKeys?: readonly string[] }) {
    this.replace(keys)
    this.#cluster = (keys.clusterKeys ?? []).map(digest)
  }

  /** Replaces all keys at once. A service that requires keys never stops requiring them. */
  replace({ apiKeys, readOnlyApiKeys }: Keys): void {
    // An empty key would let in every request with an empty header.
    if ([...apiKeys, ...readOnlyApiKeys].some((key) => key.trim() === '')) {
      throw new VicinalError('INVALID_ARGUMENT', 'API keys: expected keys that are not empty')
    }
    if (!this.isEmpty && apiKeys.length + readOnlyApiKeys.length === 0) {
      throw new VicinalError('INVALID_ARGUMENT', 'API keys: expected at least one key, since the service has keys now')
    }
    this.#write = apiKeys.map(digest)
    this.#read = readOnlyApiKeys.map(digest)
  }

  get isEmpty(): boolean {
    return this.#write.length === 0 && this.#read.length === 0
  }

  get size(): number {
    return this.#write.length + this.#read.length
  }

  /**
   * Throws unless the headers carry a key that allows `access`. Returns the key; null if the route is open or the
   * service has no keys.
   */
  check(headers: IncomingHttpHeaders, access: Access): KnownKey | null {
    if (access === 'open' || (this.isEmpty && access !== 'cluster')) return null
    const key = presentedKey(headers)
    if (key === undefined) {
      throw new VicinalError('UNAUTHENTICATED', 'Must provide an API key or an Authorization bearer token')
    }
    const presented = digest(key)
    if (access === 'cluster') {
      if (matchesAny(presented, this.#cluster)) return null
      throw new WrongKey('UNAUTHENTICATED', 'Invalid cluster key')
    }
    const mayWrite = matchesAny(presented, this.#write)
    const mayRead = matchesAny(presented, this.#read)
    if (!mayWrite && !mayRead) throw new WrongKey('UNAUTHENTICATED', 'Invalid API key')
    if (access === 'write' && !mayWrite) throw new VicinalError('FORBIDDEN', 'write access is required')
    return { digest: presented, isReadOnly: !mayWrite }
  }

  lets(headers: IncomingHttpHeaders, access: Access): boolean {
    try {
      this.check(headers, access)
      return true
    } catch {
      return false
    }
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
