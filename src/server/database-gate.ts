import type { Database, ReadableDatabase } from '../core/database.js'
import { VicinalError } from '../core/errors.js'

const RETRY_AFTER_MS = 1000

/** The database behind the service. It may still be opening (recovery), or opening may have failed. */
export class DatabaseGate<D extends ReadableDatabase = Database> {
  #database: D | null = null
  #failed = false

  readonly #waitsFor: () => string | null

  /** `waitsFor` tells why opening takes long, where that is known. */
  constructor(source: Promise<D> | D, onFailure: (error: unknown) => void, waitsFor: () => string | null = () => null) {
    this.#waitsFor = waitsFor
    Promise.resolve(source).then(
      (database) => {
        this.#database = database
      },
      (error: unknown) => {
        this.#failed = true
        onFailure(error)
      },
    )
  }

  get current(): D | null {
    return this.#database
  }

  get(): D {
    if (this.#database) return this.#database
    throw new VicinalError('UNAVAILABLE', this.reason, { retryAfterMs: RETRY_AFTER_MS })
  }

  /** Why the database is not available. */
  get reason(): string {
    return this.#failed
      ? 'Service unavailable: the data could not be opened'
      : `Service is starting: ${this.#waitsFor() ?? 'recovery is running'}`
  }
}
