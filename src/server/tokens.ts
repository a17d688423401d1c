/**
 * Tokens (JSON Web Tokens, HS256) with the rights of their holder, as in Qdrant 1.19. They are signed with a key that
 * may write. `jose` verifies them; verified ones are kept, so that a request with a known token costs one hash.
 */
import { createSecretKey, type KeyObject } from 'node:crypto'
import type { JWTPayload } from 'jose'
import { VicinalError } from '../core/errors.js'
import { isPlain } from '../core/vocabulary/plain.js'
import { type AccessClaim, COLLECTION_MODES, type CollectionMode, GLOBAL_MODES, Rights } from './rights.js'

/** A shorter key verifies no token: HS256 is as strong as its key. */
export const LEAST_TOKEN_KEY_BYTES = 32
/** How far clocks may differ. */
export const CLOCK_SKEW_S = 30
/** Most verified tokens that are kept. Past it the one kept for longest is dropped. */
const MOST_KNOWN_TOKENS = 1_000
/** Longer subjects are cut. A node passes them on in a header. */
const MOST_SUBJECT_CHARS = 128
const MS_PER_S = 1_000
const JWT = /^[\w-]+\.[\w-]+\.[\w-]+$/

/** A presented key or token that nothing here knows. Repeated ones are counted, since they may be guesses. */
export class WrongKey extends VicinalError {}

/** The token of a known holder that is not valid. Its signature is right, so its subject may be told in logs. */
export class RefusedToken extends VicinalError {
  readonly subject: string

  constructor(message: string, subject: string | null) {
    super('UNAUTHENTICATED', message)
    this.subject = holderName(subject)
  }
}

/** The holder of a token, as logs name it. */
export function holderName(subject: string | null): string {
  return subject ?? 'token'
}

/** The token is valid as long as the collection has a point with these values. */
export interface ValueExists {
  readonly collection: string
  readonly matches: readonly { readonly key: string; readonly value: string | number | boolean }[]
}

export interface Token {
  readonly rights: Rights
  /** The claim `subject`, or else `sub`: at most 128 characters, without lone surrogates. */
  readonly subject: string | null
  /** When it stops to be valid, clock skew included. */
  readonly expiresMs: number
  readonly valueExists: ValueExists | null
}

export class Tokens {
  #keys: readonly KeyObject[] = []
  /** By the digest of the token. */
  readonly #known = new Map<string, Token>()

  /** Tokens of keys that are no longer among these are unknown from now on. */
  replaceKeys(apiKeys: readonly string[]): void {
    this.#keys = apiKeys.filter(canSign).map((key) => createSecretKey(key, 'utf8'))
    this.#known.clear()
  }

  /** The token's claims; a promise where it was not seen lately. Throws or rejects with UNAUTHENTICATED. */
  find(text: string, digest: Buffer): Token | Promise<Token> {
    const name = digest.toString('latin1')
    const known = this.#known.get(name)
    if (known) return unexpired(known)
    if (this.#keys.length === 0 || !JWT.test(text)) throw unknown()
    return this.#verified(text, name)
  }

  async #verified(text: string, name: string): Promise<Token> {
    const keys = this.#keys
    const { errors, jwtVerify } = await import('jose')
    for (const key of keys) {
      try {
        const { payload } = await jwtVerify(text, key, { algorithms: ['HS256'], clockTolerance: CLOCK_SKEW_S })
        const token = readToken(payload)
        // Its key may have been withdrawn meanwhile.
        if (keys !== this.#keys) return await this.find(text, Buffer.from(name, 'latin1'))
        this.#keep(name, token)
        return token
      } catch (error) {
        if (error instanceof VicinalError) throw error
        if (error instanceof errors.JWTExpired) throw expired(subjectIn(error.payload))
        if (error instanceof errors.JWTClaimValidationFailed) {
          throw wrongClaim(error.claim, 'a valid value', subjectIn(error.payload))
        }
      }
    }
    throw unknown()
  }

  #keep(name: string, token: Token): void {
    const [oldest] = this.#known.keys()
    if (oldest !== undefined && this.#known.size >= MOST_KNOWN_TOKENS) this.#known.delete(oldest)
    this.#known.set(name, token)
  }
}

export function canSign(key: string): boolean {
  return Buffer.byteLength(key) >= LEAST_TOKEN_KEY_BYTES
}

function unexpired(token: Token): Token {
  if (Date.now() > token.expiresMs) throw expired(token.subject)
  return token
}

function unknown(): WrongKey {
  return new WrongKey('UNAUTHENTICATED', 'Invalid API key or token')
}

export function withdrawn(): VicinalError {
  return new VicinalError('UNAUTHENTICATED', 'The API key was withdrawn')
}

export function expired(subject: string | null): RefusedToken {
  return new RefusedToken('The token has expired', subject)
}

/** Names the wrong claim. Only for tokens with a right signature: their maker may learn the fault. */
function wrongClaim(claim: string, expected: string, subject: string | null = null): RefusedToken {
  return new RefusedToken(`Invalid token: claim ${claim}: expected ${expected}`, subject)
}

/** The claim `subject`, or else `sub`, of a signed token; null where it has none that can be told. */
function subjectIn({ subject, sub }: JWTPayload): string | null {
  const told = subject ?? sub
  return typeof told === 'string' ? told.slice(0, MOST_SUBJECT_CHARS).toWellFormed() : null
}

/** Refusals of single claims name the token's holder. */
function readToken(payload: JWTPayload): Token {
  try {
    return tokenOf(payload)
  } catch (error) {
    if (error instanceof RefusedToken) throw new RefusedToken(error.message, subjectIn(payload))
    throw error
  }
}

/** Claims that nothing here knows are ignored, as in Qdrant. */
function tokenOf(payload: JWTPayload): Token {
  const { exp, access = 'm', value_exists: valueExists = null } = payload
  const subject = payload.subject ?? payload.sub
  if (subject !== undefined && typeof subject !== 'string') throw wrongClaim('subject', 'a text')
  return {
    rights: new Rights(accessOf(access)),
    subject: subjectIn(payload),
    expiresMs: exp === undefined ? Number.POSITIVE_INFINITY : (exp + CLOCK_SKEW_S) * MS_PER_S,
    valueExists: valueExists === null ? null : valueExistsOf(valueExists),
  }
}

/** Reads the claim `access`, also of rights that another node tells. */
export function accessOf(access: unknown): AccessClaim {
  if (GLOBAL_MODES.includes(access as never)) return access as AccessClaim
  if (!Array.isArray(access)) throw wrongClaim('access', '"r", "m", or a list of collections')
  const seen = new Set<string>()
  return access.map((one: unknown, at) => {
    const where = `access[${at}]`
    if (!isPlain(one) || typeof one.collection !== 'string') throw wrongClaim(where, 'an object with a collection')
    if (!COLLECTION_MODES.includes(one.access as never)) throw wrongClaim(`${where}.access`, '"r", "rw" or "prw"')
    // Qdrant once narrowed a token by payload. Such a token must not open more than it was made for.
    if (one.payload !== undefined && one.payload !== null) throw wrongClaim(`${where}.payload`, 'nothing')
    if (seen.has(one.collection)) throw wrongClaim(`${where}.collection`, 'each collection once')
    seen.add(one.collection)
    return { collection: one.collection, access: one.access as CollectionMode }
  })
}

function valueExistsOf(claim: unknown): ValueExists {
  if (!isPlain(claim) || typeof claim.collection !== 'string') {
    throw wrongClaim('value_exists', 'an object with a collection')
  }
  const { collection, matches } = claim
  if (!Array.isArray(matches)) throw wrongClaim('value_exists.matches', 'a list')
  return { collection, matches: matches.map(matchOf) }
}

function matchOf(match: unknown): ValueExists['matches'][number] {
  if (!isPlain(match) || typeof match.key !== 'string') {
    throw wrongClaim('value_exists.matches', 'objects with a key and a value')
  }
  const { key, value } = match
  const isValue = typeof value === 'string' || typeof value === 'boolean' || Number.isSafeInteger(value)
  if (!isValue) throw wrongClaim('value_exists.matches', 'values that are texts, whole numbers or booleans')
  return { key, value: value as string | number | boolean }
}
