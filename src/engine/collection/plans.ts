import type { Selector, UpdateCondition, WriteOperation } from '../../core/database.js'
import { invalid, noSuchPoint, noSuchVector } from '../../core/errors.js'
import type { Cleaning } from '../../core/ingest.js'
import { KNOWN_VECTOR_UPDATE } from '../../core/known-points.js'
import { LIMITS } from '../../core/limits.js'
import { decodeId, ID_WORDS, type Point, type PointColumns, type PointId } from '../../core/point.js'
import type { Schema } from '../../core/schema.js'
import { readSelector } from '../../core/selector.js'
import type { Stoppable } from '../../core/stop.js'
import { storedId } from '../../core/text-ids.js'
import { filterContext } from '../../filter/parse.js'
import { parsePath } from '../../filter/path.js'
import { compileFilter } from '../../filter/program.js'
import { keepLast, mergeRepeated } from '../../ingest/kept-rows.js'
import { payloadText } from '../../ingest/payload-text.js'
import { columnsOfPoints } from '../../ingest/point-columns.js'
import type { LogRecord } from '../../log/record.js'
import { distinctIds, encodedIds, Turns } from '../../query/turns.js'
import { CleanedUpsert } from './cleaned-upsert.js'
import type { PlanContext } from './collection-view.js'
import { conditionOf } from './conditional.js'
import { GivenColumns, toColumns } from './given-columns.js'
import { hasUnnamed, withKeptNames, withSharedNames } from './text-names.js'

/**
 * A write that passed validation. `resolve` makes its log record, or null if there is nothing to do. With `needsState`
 * it reads the shard, so it must run when every earlier write is applied.
 */
export interface WritePlan {
  needsState: boolean
  /** The write removes points, and its answer has their number. */
  isDelete?: true
  /** Counts of the collection's rules. */
  cleaning?: Cleaning
  resolve(scope?: Stoppable): Promise<LogRecord | null> | LogRecord | null
}

const NO_FIELDS = { payload: false, vectors: new Uint32Array(0) }

/** Plans a write that was read: again, if vectors were added or dropped before its turn came. */
export type PlanWrite = (context: PlanContext) => Promise<WritePlan>

/**
 * Reads a write for a collection of these vectors. Points, payloads and names are taken from it before the function
 * returns, so that its caller may change them then. Filters and lists of ids are taken from it when the write is planned.
 */
export function readOperation(operation: WriteOperation<unknown>, schema: Schema): PlanWrite {
  switch (operation.op) {
    case 'upsert':
      return readUpsert(operation.points, operation, schema)
    case 'updateVectors':
      return readVectorUpdate(operation.points, operation, schema)
    case 'deleteVectors':
      return readVectorRemoval(operation.names, operation.which)
    case 'delete': {
      const plan = forIds(operation.which, false, (ids) => ({ op: 'delete', ids }))
      return async (context) => ({ ...(await plan(context)), isDelete: true })
    }
    case 'setPayload': {
      const patch = payloadText(operation.payload, 'payload')
      if (operation.key !== undefined) checkPaths([operation.key], 'key')
      const key = operation.key === undefined ? {} : { key: operation.key }
      return forIds(operation.which, true, (ids) => ({ op: 'setPayload', ids, patch, ...key }))
    }
    case 'overwritePayload': {
      const text = payloadText(operation.payload, 'payload')
      return forIds(operation.which, true, (ids) => ({ op: 'overwritePayload', ids, text }))
    }
    case 'deletePayload': {
      const keys = checkPaths(operation.keys, 'keys')
      return forIds(operation.which, true, (ids) => ({ op: 'deletePayload', ids, keys }))
    }
    case 'clearPayload':
      return forIds(operation.which, true, (ids) => ({ op: 'clearPayload', ids }))
    default:
      throw invalid('op', 'expected a known operation', (operation as { op: unknown }).op)
  }
}

function readUpsert(points: unknown, condition: UpdateCondition, schema: Schema): PlanWrite {
  const rules = schema.ingestion ? new CleanedUpsert(points, schema) : null
  const columns = rules ? null : new GivenColumns(points, schema, toColumns)
  return (context) => planUpsert(rules ?? (columns as GivenColumns), schema, condition, context)
}

export async function planUpsert(
  points: GivenColumns | CleanedUpsert,
  schema: Schema,
  condition: UpdateCondition,
  context: PlanContext,
): Promise<WritePlan> {
  const choose = conditionOf(condition, context)
  const cleaned = await points.cleaned(context)
  const told = points instanceof CleanedUpsert && points.cleaning ? { cleaning: points.cleaning } : {}
  const given = keepLast(schema.textIds ? withSharedNames(cleaned) : cleaned)
  const recordOf = (kept: PointColumns): LogRecord | null => (kept.count === 0 ? null : { op: 'upsert', columns: kept })
  const named = schema.textIds && hasUnnamed(given) ? withKeptNames : null
  if (choose === null && named === null) return { needsState: false, ...told, resolve: () => recordOf(given) }
  const resolve = async (scope?: Stoppable) => {
    const chosen = choose ? await choose(given, scope) : given
    return recordOf(named ? await named(chosen, context.shard) : chosen)
  }
  return { needsState: true, ...told, resolve }
}

function readVectorUpdate(points: unknown, { updateFilter }: UpdateCondition, schema: Schema): PlanWrite {
  if (!Array.isArray(points)) throw invalid('points', 'expected an array of points', points)
  const ids = schema.textIds ? points.map((point) => point?.id as unknown) : []
  const columns = new GivenColumns(points, schema, toUpdates)
  return async (context) => {
    const choose = conditionOf({ updateFilter: updateFilter ?? null }, context)
    const kept = mergeRepeated({ ...(await columns.cleaned(context)), payloads: null })
    return {
      needsState: true,
      resolve: async (scope) => {
        if (kept.count === 0) return null
        await requirePresent(kept.ids, context, ids)
        const chosen = choose ? await choose(kept, scope) : kept
        return chosen.count === 0 ? null : { op: 'updateVectors', columns: chosen }
      },
    }
  }
}

function toUpdates(points: unknown, schema: Schema): PointColumns {
  return columnsOfPoints(points as Partial<Point>[], schema, { vectorsRequired: true, known: KNOWN_VECTOR_UPDATE })
}

function readVectorRemoval(given: readonly string[], which: Selector): PlanWrite {
  if (!Array.isArray(given) || given.length === 0) throw invalid('vector', 'expected at least one vector name', given)
  const names = [...new Set(given)]
  const plan = forIds(which, false, (ids) => ({ op: 'deleteVectors', ids, names }))
  return async (context) => {
    for (const name of names) {
      if (!context.schema.some((vector) => vector.name === name)) throw noSuchVector('vector', name)
    }
    return await plan(context)
  }
}

function forIds(which: Selector, mustExist: boolean, record: (ids: Uint32Array) => LogRecord): PlanWrite {
  const selected = readSelector(which)
  return async (context) => {
    if ('ids' in selected) {
      const turns = new Turns()
      const ids = await turns.take(distinctIds(await selectedIds(selected.ids, context.schema, turns)))
      const resolve = async () => {
        if (ids.length === 0) return null
        if (mustExist) await requirePresent(ids, context, selected.ids)
        return record(ids)
      }
      return { needsState: mustExist, resolve }
    }
    const filter = 'filter' in selected ? compileFilter(selected.filter, filterContext(context.schema)) : null
    return {
      needsState: true,
      resolve: async (scope) => {
        const ids = await context.shard.selectIds(filter, scope?.signal)
        return ids.length === 0 ? null : record(ids)
      },
    }
  }
}

async function selectedIds(ids: readonly unknown[], { textIds }: Schema, turns: Turns): Promise<Uint32Array> {
  if (ids.length > LIMITS.batchPoints) throw invalid('points', `expected at most ${LIMITS.batchPoints} ids`, ids.length)
  return await turns.take(encodedIds(ids.length, (at) => ids[at] as PointId, 'points', textIds))
}

/** Qdrant's rule: an update of payload or vectors that names an absent point fails as a whole. */
async function requirePresent(
  ids: Uint32Array,
  { shard, schema }: PlanContext,
  given: readonly unknown[],
): Promise<void> {
  const { positions } = await shard.retrieve(ids, NO_FIELDS)
  const count = ids.length / ID_WORDS
  if (positions.length === count) return
  const present = new Set(positions)
  for (let row = 0; row < count; row++) {
    if (present.has(row)) continue
    const id = decodeId(ids, row * ID_WORDS)
    const name = schema.textIds ? given.find((one) => storedId(one) === id) : undefined
    throw noSuchPoint(name ?? id)
  }
}

function checkPaths(paths: readonly string[], field: string): string[] {
  if (!Array.isArray(paths)) throw invalid(field, 'expected an array of payload keys', paths)
  if (paths.length > LIMITS.filterValues)
    throw invalid(field, `expected at most ${LIMITS.filterValues} keys`, paths.length)
  for (let i = 0; i < paths.length; i++) parsePath(paths[i], `${field}[${i}]`)
  return [...paths]
}
