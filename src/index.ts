/**
 * The library: `open` opens a database in this process. `connect` (vicinal/client) returns the same interface for a
 * service.
 */
export type * from './core/aliases.js'
export type * from './core/database.js'
export { ERROR_CATALOGUE, type ErrorCode, VicinalError } from './core/errors.js'
export type * from './core/filter.js'
export type * from './core/issues.js'
export { LIMITS } from './core/limits.js'
export type { CollectionMemory, MemoryPart, ProcessMemory, VectorMemory } from './core/memory.js'
export { type Payload, type Point, type PointId, type PointVector, RawJson, type Vector } from './core/point.js'
export type * from './core/query.js'
export type * from './core/query-plan.js'
export type * from './core/quotas.js'
export type * from './core/schema.js'
export type * from './core/snapshots.js'
export { type OpenOptions, open } from './engine/database/open.js'
