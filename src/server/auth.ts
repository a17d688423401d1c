/**
 * API keys. Keys are compared as SHA-256 digests, in constant time, with every configured key. The time taken therefore
 * shows neither the key's content, nor the number of matching characters, nor the matching key.
 */
import { createHash, timingSafeEqual } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import { VicinalError } from '../core/errors.js'
import type { MaybePromise } from '../core/maybe-promise.js'
import { Rights } from './rights.js'
import { canSign, holderName, LEAST_TOKEN_KEY_BYTES, type Token, Tokens, type ValueExists, WrongKey } from './tokens.js'

const BEARER = /^bearer +/i

/** Keys that may do everything, and keys that may only read. */
export interface Keys {
  readonly apiKeys: readonly string[]
  readonly readOnlyApiKeys: readonly string[]
}

/** A caller that is known by a key or a token. */
export interface Identity {
  /** The digest of its key, or of its token; null where the service has no keys. */
  readonly digest: Buffer | null
  readonly rights: Rights
  /** The name of the caller for logs: the kind of its key, or the subject of its token. */
  readonly subject: string
  /** When its token stops to be valid. */
  readonly expiresMs: number
  /** The token is valid while such a point exists; null: no such condition. */
  readonly valueExists: ValueExists | null
}

const KEY = { expiresMs: Number.POSITIVE_INFINITY, valueExists: null } as const
/** Any caller of an open route, or of a service without keys. */
export const ANYONE: Identity = { ...KEY, digest: null, rights: Rights.ALL, subject: 'anyone' }

export class KeyRing {
  #write: readonly Buffer[] = []
  #read: readonly Buffer[] = []
  /** They open only the routes of the cluster, and no other key opens these. */
  readonly #cluster: readonly Buffer[]
  /** null where tokens are not taken. */
  readonly #tokens: Tokens | null

  constructor(keys: Keys & { readonly clusterKeys?: readonly string[]; readonly jwtRbac?: boolean }) {
    this.#tokens = keys.jwtRbac ? new Tokens() : null
    this.replace(keys)
    this.#cluster = (keys.clusterKeys ?? []).map(digest)
    if (keys.jwtRbac && !keys.apiKeys.some(canSign)) {
      throw new VicinalError(
        'INVALID_ARGUMENT',
        `jwt-rbac: expected an API key of at least ${LEAST_TOKEN_KEY_BYTES} bytes, which verifies tokens`,
      )
    }
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
    this.#tokens?.replaceKeys(apiKeys)
  }

  get isEmpty(): boolean {
    return this.#write.length === 0 && this.#read.length === 0
  }

  /** Whether callers differ from each other: then each has its share of the service. */
  get hasSeveral(): boolean {
    return this.#tokens !== null || this.#write.length + this.#read.length > 1
  }

  /**
   * The caller that the headers tell; a promise where its token was not seen lately. Throws or rejects with
   * UNAUTHENTICATED.
   */
  identify(headers: IncomingHttpHeaders): MaybePromise<Identity> {
    if (this.isEmpty) return ANYONE
    const key = presented(headers)
    const digested = digest(key)
    const mayWrite = matchesAny(digested, this.#write)
    const mayRead = matchesAny(digested, this.#read)
    if (mayWrite) return { ...KEY, digest: digested, rights: Rights.ALL, subject: 'write key' }
    if (mayRead) return { ...KEY, digest: digested, rights: Rights.READ, subject: 'read-only key' }
    if (this.#tokens === null) throw new WrongKey('UNAUTHENTICATED', 'Invalid API key')
    const found = this.#tokens.find(key, digested)
    return found instanceof Promise ? found.then((token) => holderOf(token, digested)) : holderOf(found, digested)
  }

  /** Throws UNAUTHENTICATED unless the headers have the key of another node. */
  checkNode(headers: IncomingHttpHeaders): void {
    if (!matchesAny(digest(presented(headers)), this.#cluster))
      throw new WrongKey('UNAUTHENTICATED', 'Invalid cluster key')
  }
}

function holderOf({ subject, ...token }: Token, digested: Buffer): Identity {
  return { ...token, digest: digested, subject: holderName(subject) }
}

function presented(headers: IncomingHttpHeaders): string {
  const key = presentedKey(headers)
  if (key !== undefined) return key
  throw new VicinalError('UNAUTHENTICATED', 'Must provide an API key or an Authorization bearer token')
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
