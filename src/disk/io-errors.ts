import { VicinalError } from '../core/errors.js'

/** Out of space or over a quota: the same write may succeed once there is room. */
const FULL = new Set(['ENOSPC', 'EDQUOT'])

export function errnoOf(error: unknown): string | null {
  const code = (error as { code?: unknown } | null)?.code
  return typeof code === 'string' ? code : null
}

export function isMissing(error: unknown): boolean {
  const cause = error instanceof VicinalError ? error.cause : error
  return errnoOf(cause) === 'ENOENT'
}

/** The error of a failed file operation: DISK_FULL if there was no space, else IO_FAILED. */
export function ioError(cause: unknown, action: string, path: string): VicinalError {
  if (cause instanceof VicinalError) return cause
  const errno = errnoOf(cause)
  const details = { path, action, errno }
  if (errno !== null && FULL.has(errno)) {
    return new VicinalError('DISK_FULL', `cannot ${action} ${path}: no space is left on the disk (${errno})`, {
      details,
      cause,
    })
  }
  return new VicinalError('IO_FAILED', `cannot ${action} ${path}: ${errno ?? String(cause)}`, { details, cause })
}
