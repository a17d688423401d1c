import type { SchemaVector } from '../core/schema.js'
import type { Shard } from '../native/shard.js'

/** What plans of writes are made against. */
export interface PlanContext {
  shard: Shard
  schema: readonly SchemaVector[]
}
