import type { Database } from '../core/database.js'
import { VicinalError } from '../core/errors.js'

const RETRY_AFTER_MS = 1000

/** The database behind the service, which may still be opening (recovery) or have failed to. */
export class DatabaseGate {
  #database: Database | null = null
  #failed = false

  constructor(source: Promise<Database> | Database, onFailure: (error: unknown) => void) {
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

  get current(): Database | null {
    return this.#database
  }

  get(): Database {
    if (this.#database) return this.#database
    throw new VicinalError('UNAVAILABLE', this.reason, { retryAfterMs: RETRY_AFTER_MS })
  }

  /** Why it is not there yet. */
  get reason(): string {
    return this.#failed
      ? 'Service unavailable: the data could not be opened'
      : 'Service is starting: recovery is running'
  }
}
