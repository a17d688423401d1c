import { ERROR_CATALOGUE, type ErrorCode, VicinalError } from '../core/errors.js'

/** Converts an error of the kernel. It has a `code` of the catalogue; any other error is a bug of ours. */
export function toVicinalError(cause: unknown): VicinalError {
  if (cause instanceof VicinalError) return cause
  const message = cause instanceof Error ? cause.message : String(cause)
  const { code, wantedBytes } = (cause ?? {}) as { code?: unknown; wantedBytes?: unknown }
  const known = typeof code === 'string' && Object.hasOwn(ERROR_CATALOGUE, code)
  const details = wantedBytes === undefined ? {} : { wantedBytes }
  return new VicinalError(known ? (code as ErrorCode) : 'INTERNAL', message, { cause, details })
}

export function rethrow(cause: unknown): never {
  throw toVicinalError(cause)
}
