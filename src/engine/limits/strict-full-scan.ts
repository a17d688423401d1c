/**
 * While strict mode forbids exact searches, it also forbids searches of vectors without a graph, which scan every
 * vector.
 */
import { type CollectionConfig, isSparse, schemaOf } from '../../core/schema.js'
import type { FilteredField } from '../../filter/filter-facts.js'
import { vectorAt } from '../../query/search-settings.js'
import type { IndexedField } from '../config/payload-index.js'
import { payloadMOf } from '../config/shard-spec.js'
import { isOfTenants } from './strict-indexes.js'
import { refused } from './strict-refusal.js'

/**
 * `fields` are the filter's fields. A filter on a tenant field is allowed while `payload_m` is above 0, as in Qdrant:
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
