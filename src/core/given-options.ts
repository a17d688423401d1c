/** Options of a read, as their declaration reads them: once, on the face on which they came in. */
import type { Static, TSchema } from 'typebox'
import type { CallOptions } from './call-options.js'
import { innerOf } from './inner-call.js'
import { checkFormula } from './known-formula.js'
import { isPlain } from './known-keys.js'
import { checkDocument } from './known-points.js'
import { FormulaOf, leaf, VectorInput } from './query-leaves.js'
import { readAt } from './vocabulary/reader.js'
import { type Leaves, type Read, Reading } from './vocabulary/reading.js'

/** How the library reads them: it refuses keys that it does not know. */
export const LIBRARY_LEAVES: Leaves = new Map<object, Read>([
  [VectorInput, leaf((value, field) => void (isPlain(value) && checkDocument(value, field())))],
  [FormulaOf, leaf((value, field) => void (isPlain(value) && checkFormula(value, field())))],
]) as Leaves

/** `leaves` says how the face reads vectors and formulas. The service has read its bodies before it calls. */
export function given<T extends TSchema>(schema: T, options: unknown, leaves: Leaves = LIBRARY_LEAVES): Static<T> {
  if (innerOf(options as CallOptions)?.isRead === true) return options as Static<T>
  return readAt(schema, options, null, new Reading('library', 'options', leaves))
}

/** The same of a list, whose call has options of its own. `name` is the argument's. */
export function givenList<T extends TSchema>(
  schema: T,
  list: readonly unknown[],
  name: string,
  call: CallOptions | undefined,
  leaves: Leaves = LIBRARY_LEAVES,
): Static<T>[] {
  if (innerOf(call)?.isRead === true) return list as Static<T>[]
  const whole = { parent: null, key: name }
  return list.map((one, key) => readAt(schema, one, { parent: whole, key }, new Reading('library', name, leaves)))
}
