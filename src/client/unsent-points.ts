/**
 * Points of a request that it cannot hold, for a collection with rules. Each is sent as null, which is no point: the
 * service refuses it alone. Its own error is told in place of that.
 */
import { renameField } from '../core/error-field.js'
import { VicinalError } from '../core/errors.js'
import type { RejectedRow } from '../core/ingest.js'
import type { IngestionConfig } from '../core/ingestion-rules.js'
import { LIMITS } from '../core/limits.js'
import type { MaybePromise } from '../core/maybe-promise.js'
import type { WriteResult } from '../core/write-result.js'

const PLACE = /^(?:operations\[\d+\]\.)?points\[\d+\]\.?/

export class UnsentPoints {
  readonly #rows = new Map<number, RejectedRow>()

  /** The body of the point at `row` of its request; null where it has none. */
  bodyOf<B>(row: number, make: () => B): B | null {
    try {
      return make()
    } catch (error) {
      if (!(error instanceof VicinalError)) throw error
      this.note(row, error)
      return null
    }
  }

  /** An answer has the first refused rows alone. */
  note(row: number, error: VicinalError): void {
    if (this.#rows.size >= LIMITS.ingestBatchRows) return
    const { code, message, details } = renameField(error, (field) => field.replace(PLACE, '') || 'row') as VicinalError
    const cut = (text: string) => text.slice(0, LIMITS.ingestErrorLength)
    const field = typeof details.field === 'string' ? { field: cut(details.field) } : {}
    this.#rows.set(row, { row, code, error: cut(message), ...field })
  }

  /** Refused rows as the service tells them, with the errors of unsent rows. */
  told(errors: readonly RejectedRow[]): RejectedRow[] {
    return errors.map((one) => this.#rows.get(one.row) ?? one)
  }
}

/** The result of a write with the errors of the points that were not sent. */
export function withUnsent(result: WriteResult, unsent: UnsentPoints | undefined): WriteResult {
  const { cleaning } = result
  return cleaning && unsent ? { ...result, cleaning: { ...cleaning, errors: unsent.told(cleaning.errors) } } : result
}

/**
 * A request, encoded at the call. Where it cannot hold all of its points, the call fails, unless rules of the collection
 * refuse each of them alone.
 */
export function encodedFor<T>(
  encode: (isJudged: boolean) => T,
  rules: () => Promise<IngestionConfig | undefined>,
): MaybePromise<T> {
  try {
    return encode(false)
  } catch (error) {
    const judged = encodedAnyway(encode, error)
    return rules().then((ingestion) => {
      if (!ingestion || ingestion.wholeBatches) throw error
      return judged
    })
  }
}

function encodedAnyway<T>(encode: (isJudged: boolean) => T, error: unknown): T {
  if (!(error instanceof VicinalError)) throw error
  try {
    return encode(true)
  } catch {
    throw error
  }
}
