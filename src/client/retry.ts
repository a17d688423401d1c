/** When to ask again, and how long to wait before it: exponential back-off with full jitter. */
import { VicinalError } from '../core/errors.js'

export interface RetryPolicy {
  /** Attempts after the first. */
  retries: number
  minDelayMs: number
  maxDelayMs: number
}

/** The system's names for connections that failed, before or after the request went out. */
const NEVER_SENT = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH'])

/**
 * Milliseconds until the next attempt, or null for none. What the service refused to begin may always be asked
 * again; where the connection broke, it may have been done, so only what is as good done twice is.
 */
export function retryDelayMs(
  error: unknown,
  attempt: number,
  policy: RetryPolicy,
  isIdempotent: boolean,
): number | null {
  if (attempt >= policy.retries) return null
  if (error instanceof VicinalError) {
    // The deadline that passed there is the caller's own.
    if (!error.retryable || error.code === 'TIMEOUT') return null
    return Math.max(error.retryAfterMs ?? 0, backOffMs(attempt, policy))
  }
  const { code } = error as { code?: unknown }
  return isIdempotent || NEVER_SENT.has(code as string) ? backOffMs(attempt, policy) : null
}

function backOffMs(attempt: number, { minDelayMs, maxDelayMs }: RetryPolicy): number {
  return Math.random() * Math.min(maxDelayMs, minDelayMs * 2 ** attempt)
}
