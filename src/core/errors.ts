/**
 * The catalogue of errors. Every failure a caller can see carries one of these codes; `docs/errors.md`
 * lists the same codes (a test compares the two). `retryable` says whether the same call may succeed later
 * without being changed.
 */
export const ERROR_CATALOGUE = {
  INVALID_ARGUMENT: { status: 400, retryable: false },
  UNAUTHENTICATED: { status: 401, retryable: false },
  FORBIDDEN: { status: 403, retryable: false },
  NOT_FOUND: { status: 404, retryable: false },
  METHOD_NOT_ALLOWED: { status: 405, retryable: false },
  TIMEOUT: { status: 408, retryable: true },
  ALREADY_EXISTS: { status: 409, retryable: false },
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

export type ErrorCode = keyof typeof ERROR_CATALOGUE

export interface ErrorOptions {
  /** Machine-readable facts: the field, the bound, the value seen. Never a vector, payload or key. */
  details?: Record<string, unknown>
  cause?: unknown
  /** For OVERLOADED, RESOURCE_EXHAUSTED and UNAVAILABLE: when to come back. */
  retryAfterMs?: number
  /** A bad value that nobody could tell before what was asked for was mostly done. */
  isAfterWork?: boolean
  /** Of INVALID_ARGUMENT: the value has the right type and is beyond its bounds. */
  status?: 422
}

export class VicinalError extends Error {
  override readonly name = 'VicinalError'
  readonly code: ErrorCode
  readonly status: number
  readonly retryable: boolean
  readonly details: Record<string, unknown>
  readonly retryAfterMs: number | undefined
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
 * A bad value in a request. The message reads "points[3].vector: expected 4 dimensions, got 5":
 * the field, then the bound, then what was seen.
 */
export function invalid(field: string, expected: string, seen?: unknown): VicinalError {
  return badValue(field, expected, seen, false)
}

/** The same of a value that only the data tells to be bad, once most of the work is done. */
export function invalidAfterWork(field: string, expected: string, seen?: unknown): VicinalError {
  return badValue(field, expected, seen, true)
}

function badValue(field: string, expected: string, seen: unknown, isAfterWork: boolean): VicinalError {
  const got = seen === undefined ? '' : `, got ${describeValue(seen)}`
  return new VicinalError('INVALID_ARGUMENT', `${field}: ${expected}${got}`, { details: { field }, isAfterWork })
}

/** In the words of Qdrant, which its clients match on: "Not found: Collection `photos` doesn't exist!". */
export function notFound(what: string, name: unknown): VicinalError {
  const subject = what.charAt(0).toUpperCase() + what.slice(1)
  const described = typeof name === 'string' ? `\`${describeValue(name).slice(1, -1)}\`` : describeValue(name)
  return new VicinalError('NOT_FOUND', `Not found: ${subject} ${described} doesn't exist!`)
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

/** The name of the class of an object: `Float64Array`, `Map`; null for plain objects and for what is no object. */
function kindOf(value: unknown): string | null {
  if (value === null || typeof value !== 'object') return null
  const name: unknown = Object.getPrototypeOf(value)?.constructor?.name
  return typeof name === 'string' && name !== '' && name !== 'Object' ? name.slice(0, DESCRIBED_CHARS) : null
}
