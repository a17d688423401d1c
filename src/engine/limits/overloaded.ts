import { VicinalError } from '../../core/errors.js'

const RETRY_AFTER_MS = 1_000

export function overloaded(what: string, bound: number, seen: number): VicinalError {
  return new VicinalError('OVERLOADED', `too many ${what}: at most ${bound}, got ${seen}`, {
    details: { bound, seen },
    retryAfterMs: RETRY_AFTER_MS,
  })
}
