import { VicinalError } from './errors.js'

/** The same error, told of the field as the caller of another verb has named it. Other errors stay as they are. */
export function renameField(error: unknown, rename: (field: string) => string): unknown {
  if (!(error instanceof VicinalError) || typeof error.details.field !== 'string') return error
  const { field } = error.details
  const named = rename(field)
  if (named === field) return error
  const message = error.message.startsWith(field) ? named + error.message.slice(field.length) : error.message
  return new VicinalError(error.code, message, {
    details: { ...error.details, field: named },
    isAfterWork: error.isAfterWork,
    ...(error.cause === undefined ? {} : { cause: error.cause }),
    ...(error.retryAfterMs === undefined ? {} : { retryAfterMs: error.retryAfterMs }),
    ...(error.status === 422 ? { status: error.status } : {}),
  })
}
