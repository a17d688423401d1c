import type { PointColumns } from '../../core/point.js'
import type { SchemaVector } from '../../core/schema.js'
import type { Shard } from '../../native/shard.js'

/** What plans of writes are made against. */
export interface PlanContext {
  shard: Shard
  schema: readonly SchemaVector[]
  /** Bounds that the owner of the collection sets. */
  strictMode: { columns(columns: PointColumns): void } | null
}
