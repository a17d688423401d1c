import type { PointColumns } from '../../core/point.js'
import type { Schema } from '../../core/schema.js'
import type { Shard } from '../../native/shard.js'

/** The rows and vectors that a write is planned against. */
export interface PlanContext {
  shard: Shard
  schema: Schema
  /** Bounds that the collection's owner sets. */
  strictMode: { columns(columns: PointColumns): void } | null
}
