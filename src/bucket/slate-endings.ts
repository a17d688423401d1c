import { withoutAnswer } from '../core/store-errors.js'
import type { Ending, SlateFailure } from './slate-messages.js'

/** The database takes and answers nothing more. */
export class Ended extends Error {
  constructor(
    message: string,
    readonly ending: Ending,
  ) {
    super(message)
  }
}

/** The end of a database or of a reader, in our words; null for errors after which it goes on. */
export function endedBy(cause: unknown): Ended | null {
  if (cause instanceof Ended) return cause
  const { tag, reason } = cause as { tag?: unknown; reason?: unknown }
  if (tag !== 'Closed') return null
  return reason === 'Fenced' ? new Ended('another node has opened it', 'fenced') : new Ended(messageOf(cause), 'lost')
}

export function messageOf(error: unknown): string {
  return withoutAnswer(error instanceof Error ? error.message : String(error))
}

export function failureOf(error: unknown): SlateFailure {
  const isMissing = (error as { code?: unknown }).code === 'NATIVE_UNAVAILABLE'
  const ending = isMissing ? null : endedBy(error)
  return { message: messageOf(ending ?? error), ending: ending?.ending ?? null, isMissing }
}
