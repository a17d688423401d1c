/** Options of the library's calls, as their declaration reads them: once, on the face on which they came in. */
import type { Static, TSchema } from 'typebox'
import type { CallOptions } from './call-options.js'
import { copied } from './copied.js'
import { Filter } from './filter.js'
import { Expression } from './formula.js'
import { innerOf, withInner } from './inner-call.js'
import { isPlain } from './known-keys.js'
import { checkDocument } from './known-points.js'
import { FormulaDefaults } from './query-kinds.js'
import { leaf, VectorInput } from './query-leaves.js'
import { readAt } from './vocabulary/reader.js'
import { type Leaves, type Read, Reading } from './vocabulary/reading.js'

/** How the library reads them: it refuses keys that it does not know, and keeps nothing of its caller's. */
export const LIBRARY_LEAVES: Leaves = new Map<object, Read>([
  [
    VectorInput,
    leaf((value, field) => {
      if (isPlain(value)) checkDocument(value, field())
      return copied(value)
    }),
  ],
  ...[Filter, Expression, FormulaDefaults].map((schema): [object, Read] => [schema, copied]),
]) as Leaves

/**
 * `leaves` says how the face reads vectors and formulas. The service has read its bodies before it calls, and they are its
 * own.
 */
export function given<T extends TSchema>(schema: T, options: unknown, leaves: Leaves = LIBRARY_LEAVES): Static<T> {
  const inner = innerOf(options as CallOptions)
  if (inner?.isRead === true) return options as Static<T>
  const read = readAt(schema, options, null, new Reading('library', 'options', leaves))
  return inner === undefined ? read : (withInner(read as object, inner) as Static<T>)
}

/** The same of options that may be left out. */
export function givenIfAny<T extends TSchema>(schema: T, options: unknown): Static<T> {
  return options === undefined ? ({} as Static<T>) : given(schema, options)
}

/** Reads each item of a list argument. `name` is the argument's; the options of the call are read apart. */
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
