/**
 * Unknown options of the library are refused. Without that a filter in the wire's words (`update_filter`) would be left
 * out in silence, and the write would change more points. Both faces of the library check. The service does not: it makes
 * its options from the keys that it knows.
 */
import { describeValue, invalid } from './errors.js'
import { isPlain } from './vocabulary/reader.js'
import { letters } from './vocabulary/spelling.js'

export { isPlain }

export type KnownKeys = ReadonlySet<string>

/** All keys of a type: a table that lacks one, or has another, does not compile. */
export function keysOf<T>(table: Readonly<Record<keyof T, true>>): KnownKeys {
  return new Set(Object.keys(table))
}

/** Keys of a query are looked at each time it is asked, so this makes nothing. `at` is its place, with a dot behind it. */
export function checkKnown(options: unknown, known: KnownKeys, at = ''): void {
  if (options === null || typeof options !== 'object' || Array.isArray(options) || ArrayBuffer.isView(options)) {
    // An argument that is left out has no place of its own.
    throw invalid(at === '' ? 'options' : at.slice(0, -1), 'expected an object', options ?? null)
  }
  for (const key in options) if (!known.has(key)) checkAbsent(options, key, known, at)
}

/** The same of a part. Its values are checked elsewhere, and a part that is no object is refused there. */
export function checkPart(part: unknown, known: KnownKeys, at: string): void {
  if (isPlain(part)) checkKnown(part, known, at)
}

/** An undefined value counts as absent, whatever its key. */
function checkAbsent(options: object, key: string, known: KnownKeys, at: string): void {
  if ((options as Record<string, unknown>)[key] === undefined) return
  const meant = [...known].find((one) => letters(one) === letters(key))
  const help = meant === undefined ? `one of ${[...known].join(', ')}` : `did you mean ${meant}?`
  throw invalid(`${at}${describeValue(key).slice(1, -1)}`, `expected a known option: ${help}`)
}
