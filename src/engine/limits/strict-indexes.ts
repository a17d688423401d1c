/** Strict mode's rule for payload indexes: one must answer each condition, formula variable and grouping. */
import type { PayloadIndexKind } from '../../core/payload-index.js'
import { type FilteredField, plainKey } from '../../filter/filter-facts.js'
import { parsePath } from '../../filter/path.js'
import type { IndexedField } from '../config/payload-index.js'
import { refused } from './strict-refusal.js'

type Indexes = readonly IndexedField[]

/** The setting that allows fields without an index, by the kind of access. */
export const UNINDEXED = { retrieve: 'unindexedFilteringRetrieve', update: 'unindexedFilteringUpdate' } as const

const MATCHED: readonly PayloadIndexKind[] = ['keyword', 'integer', 'uuid', 'bool']

/** `asker` names the part that the caller can change: a filter, or the expression of a formula. */
export function checkIndexed(
  fields: readonly FilteredField[],
  indexes: Indexes,
  access: 'retrieve' | 'update',
  asker: string,
): void {
  const keyed = indexes.map((index) => ({ index, key: keyOf(index) }))
  const missing = fields.find((field) => !keyed.some(({ index, key }) => key === field.key && answers(index, field)))
  if (!missing) return
  const what = `Index required but not found for "${missing.key}" of one of the following types: [${missing.kinds.join(', ')}]`
  const help = `Create an index for this key or use a different ${asker}.`
  throw refused(what, help, UNINDEXED[access], false, missing.key)
}

/** Groups are found by matching the values that were seen, so the index must support `match`. */
export function checkGrouping(groupBy: unknown, indexes: Indexes): void {
  const key = plainKey(parsePath(groupBy, 'group_by'))
  const index = indexes.find((one) => keyOf(one) === key)
  if (index && MATCHED.includes(index.kind) && allows(index, 'lookup')) return
  const what = index
    ? `Index of type "${index.kind.charAt(0).toUpperCase()}${index.kind.slice(1)}" found for "${key}"`
    : `Index required but not found for "${key}"`
  const help = 'Create an index supporting `match` for this key.'
  throw refused(what, help, 'unindexedFilteringRetrieve', false, key)
}

export function isOfTenants({ key }: FilteredField, indexes: Indexes): boolean {
  return indexes.some((index) => index.params?.isTenant === true && keyOf(index) === key)
}

function answers(index: IndexedField, { kinds, use }: FilteredField): boolean {
  return kinds.includes(index.kind) && (use === undefined || allows(index, use))
}

/** An integer index allows each use that its parameters do not turn off. */
function allows({ kind, params }: IndexedField, use: 'lookup' | 'range'): boolean {
  return kind !== 'integer' || params?.[use] !== false
}

function keyOf({ field }: IndexedField): string {
  return plainKey(parsePath(field, 'field_name'))
}
