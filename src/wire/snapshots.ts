import { invalid } from '../core/errors.js'
import type { RecoverOptions, SnapshotPriority, SnapshotSource } from '../core/snapshots.js'
import { isPresent, textAt, type WireObject } from './fields.js'

/** `location` may be without an upload; the engine checks what it leads to. */
export function recoverOf(body: WireObject): { source: SnapshotSource; options: RecoverOptions } {
  const location = textAt(body.location, 'location')
  const apiKey = isPresent(body.api_key) ? { apiKey: textAt(body.api_key, 'api_key') } : {}
  return { source: { location, ...apiKey }, options: recoverOptionsOf(body) }
}

/** Of a body, or of the query of an upload. */
export function recoverOptionsOf({ checksum, priority, replace }: WireObject): RecoverOptions {
  return {
    ...(isPresent(checksum) ? { checksum: textAt(checksum, 'checksum') } : {}),
    ...(isPresent(replace) ? { replace: replaceAt(replace) } : {}),
    ...(isPresent(priority) ? { priority: textAt(priority, 'priority') as SnapshotPriority } : {}),
  }
}

/** Of a query it is a text. */
function replaceAt(value: unknown): boolean {
  if (value === true || value === 'true') return true
  if (value === false || value === 'false') return false
  throw invalid('replace', 'expected true or false', value)
}
