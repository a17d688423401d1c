/**
 * The catalogue of errors. Every failure that a caller can see has one of these codes. `docs/errors.md` lists the same
 * codes (a test compares the two). `retryable` says whether the same call, unchanged, may succeed later.
 */
export const ERROR_CATALOGUE = {
  INVALID_ARGUMENT: { status: 400, retryable: false },
  UNAUTHENTICATED: { status: 401, retryable: false },
  FORBIDDEN: { status: 403, retryable: false },
  NOT_FOUND: { status: 404, retryable: false },
  METHOD_NOT_ALLOWED: { status: 405, retryable: false },
  TIMEOUT: { status: 408, retryable: true },
  ALREADY_EXISTS: { status: 409, retryable: false },
  OUT_OF_ORDER: { status: 409, retryable: false },
  TOO_LARGE: { status: 413, retryable: false },
  UNSUPPORTED_MEDIA_TYPE: { status: 415, retryable: false },
  MISDIRECTED_HOST: { status: 421, retryable: false },
  OVERLOADED: { status: 429, retryable: true },
  CANCELLED: { status: 499, retryable: false },
  INTERNAL: { status: 500, retryable: false },
  CORRUPT: { status: 500, retryable: false },
  IO_FAILED: { status: 500, retryable: false },
  NOT_IMPLEMENTED: { status: 501, retryable: false },
  RESOURCE_EXHAUSTED: { status: 503, retryable: true },
  UNAVAILABLE: { status: 503, retryable: true },
  READ_ONLY: { status: 403, retryable: false },
  LOCKED: { status: 409, retryable: true },
  CLOSED: { status: 409, retryable: false },
  UNSUPPORTED_FORMAT: { status: 500, retryable: false },
  NATIVE_UNAVAILABLE: { status: 500, retryable: false },
  DISK_FULL: { status: 507, retryable: true },
} as const satisfies Record<string, { status: number; retryable: boolean }>

/** One of the catalogue's codes. */
export type ErrorCode = keyof typeof ERROR_CATALOGUE

/** Optional facts of a VicinalError. */
export interface ErrorOptions {
  /** Machine-readable facts: the field, the bound, the value seen. Never a vector, payload or key. */
  details?: Record<string, unknown>
  /** The error that led to this one. */
  cause?: unknown
  /** For OVERLOADED, RESOURCE_EXHAUSTED and UNAVAILABLE: milliseconds after which to retry. */
  retryAfterMs?: number
  /** The value could only be found wrong after most of the work was done. */
  isAfterWork?: boolean
  /**
   * 422, for INVALID_ARGUMENT: the value has the right type, but is out of bounds. 429, for TOO_LARGE: the operation
   * costs more than a rate limit gives in a minute.
   */
  status?: 422 | 429
}

/** The one class of errors that calls throw or reject with. Its message names field, bound and value. */
export class VicinalError extends Error {
  /** `VicinalError`. */
  override readonly name = 'VicinalError'
  /** The code, as docs/errors.md lists them. */
  readonly code: ErrorCode
  /** HTTP status of the service's answer. */
  readonly status: number
  /** Whether the same call, unchanged, may succeed later. */
  readonly retryable: boolean
  /** Field, bounds and names of the message, for programs. */
  readonly details: Record<string, unknown>
  /** When it is worth a retry. */
  readonly retryAfterMs: number | undefined
  /** Whether the input was found wrong only after work was done for it. */
  readonly isAfterWork: boolean

  constructor(code: ErrorCode, message: string, options: ErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    this.status = options.status ?? ERROR_CATALOGUE[code].status
    this.retryable = ERROR_CATALOGUE[code].retryable
    this.details = options.details ?? {}
    this.retryAfterMs = options.retryAfterMs
    this.isAfterWork = options.isAfterWork ?? false
  }
}

/**
 * A wrong value in a request. The message has the field, the bound and the value seen, such as "points[3].vector:
 * expected 4 dimensions, got 5".
 */
export function invalid(field: string, expected: string, seen?: unknown): VicinalError {
  return badValue(field, expected, seen, false)
}

/** A vector that its point cannot be stored with, though the rest of the point may be in order. */
export class UnfitVector extends VicinalError {
  /** The check of a rule that finds such vectors. */
  readonly check: 'finite' | 'dimension'

  constructor(check: 'finite' | 'dimension', field: string, message: string) {
    super('INVALID_ARGUMENT', message, { details: { field } })
    this.check = check
  }
}

export function wrongDimension(field: string, expected: number, seen: number): UnfitVector {
  const message = `${field}: Vector dimension error: expected dim: ${expected}, got ${seen}`
  return new UnfitVector('dimension', field, message)
}

/** The same for a value that only the data shows to be wrong, after most of the work. */
export function invalidAfterWork(field: string, expected: string, seen?: unknown): VicinalError {
  return badValue(field, expected, seen, true)
}

/** A change of a database that another process writes. */
export function readOnly(): VicinalError {
  return new VicinalError(
    'READ_ONLY',
    'this database reads what another process writes: write there, or give all nodes of its store a cluster key',
  )
}

function badValue(field: string, expected: string, seen: unknown, isAfterWork: boolean): VicinalError {
  const got = seen === undefined ? '' : `, got ${describeValue(seen)}`
  return new VicinalError('INVALID_ARGUMENT', `${field}: ${expected}${got}`, { details: { field }, isAfterWork })
}

/** A rule of the form of a request as a whole, in Qdrant's words. */
export function badRequest(field: string, sentence: string): VicinalError {
  return new VicinalError('INVALID_ARGUMENT', `Bad request: ${sentence}`, { details: { field } })
}

/** Qdrant's wording, on which its clients match: "Not found: Collection `photos` doesn't exist!". */
export function notFound(what: string, name: unknown): VicinalError {
  const subject = what.charAt(0).toUpperCase() + what.slice(1)
  const described = typeof name === 'string' ? `\`${describeValue(name).slice(1, -1)}\`` : describeValue(name)
  return new VicinalError('NOT_FOUND', `Not found: ${subject} ${described} doesn't exist!`)
}

/** A point that a query or a change names. In Qdrant's words, as the next two. */
export function noSuchPoint(id: unknown): VicinalError {
  return new VicinalError('NOT_FOUND', `Not found: No point with id ${unquoted(id)} found`)
}

/** A collection that a query reads besides its own. */
export function noSuchLookup(collection: string): VicinalError {
  return new VicinalError('NOT_FOUND', `Not found: Collection ${unquoted(collection)} not found`)
}

export function noSuchVector(field: string, name: unknown): VicinalError {
  return invalid(field, `Not existing vector name error: ${unquoted(name)}`)
}

function unquoted(value: unknown): string {
  return typeof value === 'string' ? describeValue(value).slice(1, -1) : describeValue(value)
}

const DESCRIBED_CHARS = 64

/** A short, safe rendering of an untrusted value for an error message. */
export function describeValue(value: unknown): string {
  if (typeof value === 'string') {
    const short = value.length > DESCRIBED_CHARS ? `${value.slice(0, DESCRIBED_CHARS)}…` : value
    return JSON.stringify(short)
  }
  if (typeof value === 'bigint' || typeof value === 'number' || typeof value === 'boolean') return String(value)
  if (value === null) return 'null'
  if (Array.isArray(value) || value instanceof Float32Array) return `an array of ${value.length}`
  if (value instanceof Uint8Array) return `${value.byteLength} bytes`
  const kind = kindOf(value)
  if (kind === null) return `a value of type ${typeof value}`
  const named = `${/^[AEIOU]/i.test(kind) ? 'an' : 'a'} ${kind}`
  return ArrayBuffer.isView(value) && 'length' in value ? `${named} of ${value.length}` : named
}

/** The name of the class of an object: `Float64Array`, `Map`; null for plain objects and other values. */
function kindOf(value: unknown): string | null {
  if (value === null || typeof value !== 'object') return null
  const name: unknown = Object.getPrototypeOf(value)?.constructor?.name
  return typeof name === 'string' && name !== '' && name !== 'Object' ? name.slice(0, DESCRIBED_CHARS) : null
}
