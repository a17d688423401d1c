import { VicinalError } from '../core/errors.js'
import { hasAnswer, withoutAnswer } from '../core/store-errors.js'

const DISK_FULL = /No space left on device|Disk quota exceeded|os error (?:28|122)\b/
const MISSING = /\bNot ?Found\b|os error 2\b/i
/** Messages of Lance and its parsers about damaged bytes. */
const DAMAGED =
  /corrupt|decode Protobuf|Invalid format|invalid magic|LanceError\(Schema\)|(?:Parser|Ipc) error|range was invalid|Invalid r(?:ange|ead)|fill whole buffer|file size is too small|sufficient data|seek to a negative|projection specified the column/i
const DISK_FAILED = /os error \d+/
const MEMORY_SHORT = /Resources exhausted|allocation failed/
/** Places in Lance's source that its messages contain. */
const SOURCE_PLACE = /,? ?\/\S+\.rs:\d+:\d+/g
const MESSAGE_CHARS = 300

/**
 * Classifies Lance's errors, which are only texts. The text shows errors of the operating system, and damage. Others,
 * panics included, may come from a lack of memory or threads and prove nothing against the files. The sender of a
 * snapshot learns that it is damaged only if that is certain. A store's answer is neither shown nor kept.
 */
export function lanceError(
  thrown: unknown,
  action: string,
  place: { path: string; root: string; collection: string },
  otherwise: 'IO_FAILED' | 'CORRUPT' = 'IO_FAILED',
): VicinalError {
  if (thrown instanceof VicinalError) return thrown
  const told = String((thrown as Error | null)?.message ?? thrown)
  const text = withoutAnswer(told)
  const cause = hasAnswer(told) ? new Error(text) : thrown
  const shown = text.replaceAll(place.root, '').replace(SOURCE_PLACE, '').slice(0, MESSAGE_CHARS)
  const message = `collection ${JSON.stringify(place.collection)}: cannot ${action} ${place.path}: ${shown}`
  const details = { path: place.path, collection: place.collection, action }
  if (DISK_FULL.test(text)) return new VicinalError('DISK_FULL', message, { details, cause })
  if (MISSING.test(text))
    return new VicinalError('IO_FAILED', message, { details: { ...details, missing: true }, cause })
  if (DISK_FAILED.test(text)) return new VicinalError('IO_FAILED', message, { details, cause })
  return new VicinalError(DAMAGED.test(text) ? 'CORRUPT' : otherwise, message, { details, cause })
}

/**
 * Classifies an error from reading a collection that came from outside. All its files are present and match their
 * checksums. Any error that is no failure of the system, even a panic of Lance, therefore means damage.
 */
export function ofForeignFiles(error: unknown): unknown {
  const isOfLance = error instanceof VicinalError && error.code === 'IO_FAILED' && !('errno' in error.details)
  if (error instanceof VicinalError && !isOfLance) return error
  const { cause, message } = error as Error
  const details = isOfLance ? error.details : {}
  const text = String(isOfLance ? (cause as Error | null)?.message : message)
  if (MEMORY_SHORT.test(text) || (DISK_FAILED.test(text) && !details.missing)) return error
  return new VicinalError('CORRUPT', message, { details, cause: error })
}
