/** Decides whether and when to retry: exponential back-off with full jitter. */
import { VicinalError } from '../core/errors.js'

export interface RetryPolicy {
  /** Attempts after the first. */
  retries: number
  minDelayMs: number
  maxDelayMs: number
}

/** The system's error codes of connections that failed before the request was sent. */
const NEVER_SENT = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH'])

/**
 * Milliseconds until the next attempt; null for none. A request that the service refused to begin can always be
 * repeated. If the connection broke, the request may have been executed, so only idempotent ones are repeated.
 */
export function retryDelayMs(
  error: unknown,
  attempt: number,
  policy: RetryPolicy,
  isIdempotent: boolean,
): number | null {
  if (attempt >= policy.retries) return null
  if (error instanceof VicinalError) {
    // The service's timeout was the caller's own.
    if (!error.retryable || error.code === 'TIMEOUT') return null
    return Math.max(error.retryAfterMs ?? 0, backOffMs(attempt, policy))
  }
  const { code } = error as { code?: unknown }
  return isIdempotent || NEVER_SENT.has(code as string) ? backOffMs(attempt, policy) : null
}

function backOffMs(attempt: number, { minDelayMs, maxDelayMs }: RetryPolicy): number {
  return Math.random() * Math.min(maxDelayMs, minDelayMs * 2 ** attempt)
}
