import { VicinalError } from './errors.js'

/**
 * The same error, told of the field as the caller of another verb has named it, with `details` beside its own. Errors of
 * no field stay as they are.
 */
export function renameField(
  error: unknown,
  rename: (field: string) => string,
  details: Record<string, unknown> = {},
): unknown {
  if (!(error instanceof VicinalError) || typeof error.details.field !== 'string') return error
  const { field } = error.details
  const named = rename(field)
  if (named === field && Object.keys(details).length === 0) return error
  const message = error.message.startsWith(field) ? named + error.message.slice(field.length) : error.message
  return new VicinalError(error.code, message, {
    details: { ...error.details, ...details, field: named },
    isAfterWork: error.isAfterWork,
    ...(error.cause === undefined ? {} : { cause: error.cause }),
    ...(error.retryAfterMs === undefined ? {} : { retryAfterMs: error.retryAfterMs }),
    ...(error.status === 422 ? { status: error.status } : {}),
  })
}
