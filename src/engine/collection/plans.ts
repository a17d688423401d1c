import type { ColumnarPoints, Selector, UpdateCondition, WriteOperation } from '../../core/database.js'
import { invalid, noSuchPoint, noSuchVector } from '../../core/errors.js'
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
import { columnsOfArrow, isArrowTable } from '../../ingest/arrow-columns.js'
import { cleanVectors } from '../../ingest/clean.js'
import { inferVectors } from '../../ingest/infer.js'
import { payloadText } from '../../ingest/payload-text.js'
import { columnsOfColumnar, columnsOfPoints, keepLast, mergeRepeated } from '../../ingest/point-columns.js'
import type { LogRecord } from '../../log/record.js'
import { distinctIds, encodedIds } from '../../query/long-lists.js'
import { Turns } from '../../query/turns.js'
import { conditionOf } from './conditional.js'
import type { PlanContext } from './plan-context.js'
import { hasUnnamed, withKeptNames } from './text-names.js'

/**
 * A write that passed validation. `resolve` makes its log record, or null if there is nothing to do. With `needsState`
 * it reads the shard, so it must run when every earlier write is applied.
 */
export interface WritePlan {
  needsState: boolean
  /** The write removes points, and its answer has their number. */
  isDelete?: true
  resolve(scope?: Stoppable): Promise<LogRecord | null> | LogRecord | null
}

const NO_FIELDS = { payload: false, vectors: new Uint32Array(0) }

export async function planOperation(operation: WriteOperation<unknown>, context: PlanContext): Promise<WritePlan> {
  switch (operation.op) {
    case 'upsert':
      return await planUpsert(operation.points, operation, context)
    case 'updateVectors':
      return await planUpdateVectors(operation.points, operation, context)
    case 'deleteVectors':
      return await planDeleteVectors(operation.names, operation.which, context)
    case 'delete':
      return {
        ...(await planForIds(operation.which, context, false, (ids) => ({ op: 'delete', ids }))),
        isDelete: true,
      }
    case 'setPayload': {
      const patch = payloadText(operation.payload, 'payload')
      if (operation.key !== undefined) checkPaths([operation.key], 'key')
      const key = operation.key === undefined ? {} : { key: operation.key }
      return await planForIds(operation.which, context, true, (ids) => ({ op: 'setPayload', ids, patch, ...key }))
    }
    case 'overwritePayload': {
      const text = payloadText(operation.payload, 'payload')
      return await planForIds(operation.which, context, true, (ids) => ({ op: 'overwritePayload', ids, text }))
    }
    case 'deletePayload': {
      const keys = checkPaths(operation.keys, 'keys')
      return await planForIds(operation.which, context, true, (ids) => ({ op: 'deletePayload', ids, keys }))
    }
    case 'clearPayload':
      return await planForIds(operation.which, context, true, (ids) => ({ op: 'clearPayload', ids }))
    default:
      throw invalid('op', 'expected a known operation', (operation as { op: unknown }).op)
  }
}

async function planUpsert(points: unknown, condition: UpdateCondition, context: PlanContext): Promise<WritePlan> {
  const { schema } = context
  const choose = conditionOf(condition, context)
  const columns = toColumns(await inferVectors(points, schema), schema)
  context.strictMode?.columns(columns)
  await cleanVectors(columns, schema)
  const given = keepLast(columns)
  const recordOf = (kept: PointColumns): LogRecord | null => (kept.count === 0 ? null : { op: 'upsert', columns: kept })
  const named = schema.textIds && hasUnnamed(given) ? withKeptNames : null
  if (choose === null && named === null) return { needsState: false, resolve: () => recordOf(given) }
  const resolve = async (scope?: Stoppable) => {
    const chosen = choose ? await choose(given, scope) : given
    return recordOf(named ? await named(chosen, context.shard) : chosen)
  }
  return { needsState: true, resolve }
}

function toColumns(points: unknown, schema: Schema): PointColumns {
  if (Array.isArray(points)) return columnsOfPoints(points, schema, { vectorsRequired: true })
  if (points !== null && typeof points === 'object') {
    if (isArrowTable(points)) return columnsOfArrow(points, schema)
    if ('ids' in points && 'vectors' in points) return columnsOfColumnar(points as ColumnarPoints, schema)
  }
  throw invalid('points', 'expected an array of points, columns { ids, vectors }, or an Arrow table', points)
}

async function planUpdateVectors(
  points: unknown,
  { updateFilter }: UpdateCondition,
  context: PlanContext,
): Promise<WritePlan> {
  const choose = conditionOf({ updateFilter: updateFilter ?? null }, context)
  if (!Array.isArray(points)) throw invalid('points', 'expected an array of points', points)
  const inferred = (await inferVectors(points, context.schema)) as typeof points
  const columns = columnsOfPoints(inferred, context.schema, { vectorsRequired: true, known: KNOWN_VECTOR_UPDATE })
  context.strictMode?.columns(columns)
  await cleanVectors(columns, context.schema)
  const kept = mergeRepeated({ ...columns, payloads: null })
  return {
    needsState: true,
    resolve: async (scope) => {
      if (kept.count === 0) return null
      await requirePresent(kept.ids, context, points)
      const chosen = choose ? await choose(kept, scope) : kept
      return chosen.count === 0 ? null : { op: 'updateVectors', columns: chosen }
    },
  }
}

async function planDeleteVectors(names: readonly string[], which: Selector, context: PlanContext): Promise<WritePlan> {
  if (!Array.isArray(names) || names.length === 0) throw invalid('vector', 'expected at least one vector name', names)
  for (const name of names) {
    if (!context.schema.some((vector) => vector.name === name)) throw noSuchVector('vector', name)
  }
  return await planForIds(which, context, false, (ids) => ({ op: 'deleteVectors', ids, names: [...new Set(names)] }))
}

async function planForIds(
  which: Selector,
  context: PlanContext,
  mustExist: boolean,
  record: (ids: Uint32Array) => LogRecord,
): Promise<WritePlan> {
  const turns = new Turns()
  const selected = readSelector(which)
  if ('ids' in selected) {
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

async function selectedIds(ids: readonly unknown[], { textIds }: Schema, turns: Turns): Promise<Uint32Array> {
  if (ids.length > LIMITS.batchPoints) throw invalid('points', `expected at most ${LIMITS.batchPoints} ids`, ids.length)
  return await turns.take(encodedIds(ids.length, (at) => ids[at] as PointId, 'points', textIds))
}

/** Qdrant's rule: an update of payload or vectors that names an absent point fails as a whole. `given`: ids, or points. */
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
    const names = schema.textIds ? given.map((one) => (one as Partial<Point> | null)?.id ?? one) : []
    throw noSuchPoint(names.find((name) => storedId(name) === id) ?? id)
  }
}

function checkPaths(paths: readonly string[], field: string): string[] {
  if (!Array.isArray(paths)) throw invalid(field, 'expected an array of payload keys', paths)
  if (paths.length > LIMITS.filterValues)
    throw invalid(field, `expected at most ${LIMITS.filterValues} keys`, paths.length)
  for (let i = 0; i < paths.length; i++) parsePath(paths[i], `${field}[${i}]`)
  return [...paths]
}
