import { invalid } from './errors.js'
import { LIMITS } from './limits.js'

/** The uuid of a collection. Folders and paths of objects have it, so nothing of another form may become one. */
export const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/
/** The name of a segment's file. It is no path. */
export const SEGMENT_FILE = /^[0-9A-Za-z_-][0-9A-Za-z_.-]*$/
/** The name of a snapshot. It is no path. */
export const SNAPSHOT_NAME = /^[0-9A-Za-z_-]{1,200}\.snapshot$/

// A name must not affect a path, a URL, a log line or a terminal: no separators, wildcards or control characters.
const FORBIDDEN_IN_NAME = /[<>:"/\\|?*\p{Cc}]/u

/** Checks the name of a collection or alias, after any decoding. The rule is Qdrant's, and excludes `.` and `..`. */
export function checkCollectionName(name: unknown, field = 'name'): string {
  if (typeof name !== 'string' || name.length === 0 || name.length > LIMITS.nameLength) {
    throw invalid(field, `expected a text of 1 to ${LIMITS.nameLength} characters`, name)
  }
  if (name === '.' || name === '..' || FORBIDDEN_IN_NAME.test(name) || !name.isWellFormed()) {
    throw invalid(field, 'expected no control characters and none of <>:"/\\|?*', name)
  }
  return name
}

/** Checks the name of a vector. The unnamed one has none. */
export function checkVectorName(name: string, field = 'vectors'): void {
  if (name.length > LIMITS.nameLength || name.length === 0 || FORBIDDEN_IN_NAME.test(name) || !name.isWellFormed()) {
    throw invalid(field, `expected names of 1 to ${LIMITS.nameLength} characters without <>:"/\\|?*`, name)
  }
}
