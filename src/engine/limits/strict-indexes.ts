/** Strict mode's rules for indexes: one must answer each condition, formula variable, grouping and search. */

import { VicinalError } from '../../core/errors.js'
import type { PayloadIndexKind } from '../../core/payload-index.js'
import { type CollectionConfig, isSparse, type StrictModeConfig, schemaOf } from '../../core/schema.js'
import { type FilteredField, type IndexUse, plainKey } from '../../filter/filter-facts.js'
import { parsePath } from '../../filter/path.js'
import { vectorAt } from '../../query/search-settings.js'
import type { IndexedField } from '../config/payload-index.js'
import { payloadMOf } from '../config/shard-spec.js'

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
  const key = plainKey(parsePath(groupBy, 'groupBy'))
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

/** An integer index allows each use that its parameters do not turn off, a keyword index prefixes where they turn them on. */
function allows({ kind, params }: IndexedField, use: IndexUse): boolean {
  if (use === 'prefix') return params?.prefix === true
  return kind !== 'integer' || params?.[use] !== false
}

function keyOf({ field }: IndexedField): string {
  return plainKey(parsePath(field, 'fieldName'))
}

/**
 * While strict mode forbids exact searches, it also forbids searches of vectors without a graph, which scan every
 * vector. `fields` are the filter's fields. A filter on a tenant field is allowed while `payload_m` is above 0, as in Qdrant:
 * such a search only looks at that tenant's vectors.
 */
export function checkFullScan(
  using: string | undefined | null,
  fields: () => readonly FilteredField[],
  { config, indexes }: { config: CollectionConfig; indexes: readonly IndexedField[] },
): void {
  const vector = schemaOf(config)[vectorAt(using, schemaOf(config))]
  // The query parser reports a missing vector. Sparse vectors are always indexed.
  if (vector === undefined || isSparse(vector) || vector.m > 0) return
  const { name, m } = vector
  const label = name === '' ? '' : ` on '${name}'`
  if (!fields().some((field) => isOfTenants(field, indexes))) {
    const what = `Request is forbidden${label} because global vector indexing is disabled (hnsw_config.m = 0)`
    const help =
      'Use tenant-specific filter, enable global vector indexing or enable strict mode `search_allow_exact` option'
    throw refused(what, help, 'searchAllowExact', false, m)
  }
  const payloadM = payloadMOf(vector, config)
  if (payloadM > 0) return
  const what = `Request is forbidden${label} because vector indexing is disabled (hnsw_config.m = 0 and hnsw_config.payload_m = 0)`
  const help =
    'Enable vector indexing, use a prefetch query with indexed vectors or enable strict mode `search_allow_exact` option'
  throw refused(what, help, 'searchAllowExact', false, payloadM)
}

/** A refusal by strict mode in Qdrant's wording, with the configured bound and the value seen. */
export function refused(
  what: string,
  help: string,
  field: keyof StrictModeConfig & string,
  bound: unknown,
  seen: unknown,
): VicinalError {
  return new VicinalError('INVALID_ARGUMENT', `Bad request: ${what}. Help: ${help}`, {
    details: { field: `strictModeConfig.${field}`, bound, seen },
  })
}
