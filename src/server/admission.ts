/** Bounds on what is in work at once. Past a bound a request is refused at its head, before its body is read. */
import { VicinalError } from '../core/errors.js'

/** What a request counts as: `light` ones (health, metrics) are never refused. */
export type Work = 'light' | 'read' | 'write'

const RETRY_AFTER_MS = 1000

export interface AdmissionBounds {
  maxConcurrentReads: number
  maxConcurrentWrites: number
  maxBodyBytesInWork: number
  /** What a body of undeclared length counts as. */
  maxBodyBytes: number
}

export class Admission {
  readonly #bounds: AdmissionBounds
  #reads = 0
  #writes = 0
  #bodyBytes = 0

  constructor(bounds: AdmissionBounds) {
    this.#bounds = bounds
  }

  get inWork(): number {
    return this.#reads + this.#writes
  }

  /** Takes a place, or throws OVERLOADED. Infinity is a length that is not declared. Returns the bytes to give back with `leave`. */
  enter(work: Work, declaredBytes: number): number {
    if (work === 'light') return 0
    const { maxConcurrentReads, maxConcurrentWrites, maxBodyBytes, maxBodyBytesInWork } = this.#bounds
    if (work === 'read' && this.#reads >= maxConcurrentReads) throw overloaded('reads', maxConcurrentReads)
    if (work === 'write' && this.#writes >= maxConcurrentWrites) throw overloaded('writes', maxConcurrentWrites)
    const bytes = Math.min(declaredBytes, maxBodyBytes)
    // One body always passes, so that no size under the limit is refused for ever.
    if (this.#bodyBytes > 0 && this.#bodyBytes + bytes > maxBodyBytesInWork) {
      throw overloaded('bytes of request bodies', maxBodyBytesInWork)
    }
    if (work === 'read') this.#reads++
    else this.#writes++
    this.#bodyBytes += bytes
    return bytes
  }

  leave(work: Work, bytes: number): void {
    if (work === 'read') this.#reads--
    else if (work === 'write') this.#writes--
    this.#bodyBytes -= bytes
  }
}

function overloaded(what: string, most: number): VicinalError {
  return new VicinalError('OVERLOADED', `Too many requests: at most ${most} ${what} at once`, {
    retryAfterMs: RETRY_AFTER_MS,
  })
}
