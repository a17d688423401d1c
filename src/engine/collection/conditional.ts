import type { UpdateCondition } from '../../core/database.js'
import { ID_WORDS, idKey, type PointColumns } from '../../core/point.js'
import type { Stoppable } from '../../core/stop.js'
import { filterContext } from '../../filter/parse.js'
import { compileFilterAmong } from '../../filter/program.js'
import { takeRows } from '../../ingest/kept-rows.js'
import type { PlanContext } from './collection-view.js'

const NO_FIELDS = { payload: false, vectors: new Uint32Array(0) }

/** Chooses the points to write. It runs in the writer's turn, with every earlier write applied. */
export type Choose = (columns: PointColumns, scope?: Stoppable) => Promise<PointColumns>

/** Checks a condition; null if every point is to be written. */
export function conditionOf(condition: UpdateCondition, context: PlanContext): Choose | null {
  const { updateFilter, updateMode } = condition
  const mode = updateMode ?? 'upsert'
  const programOf = compileFilterAmong(updateFilter, filterContext(context.schema), 'updateFilter')
  if (mode === 'upsert' && programOf === null) return null
  return async (columns, scope) => {
    const there = await rowsThere(columns, context)
    if (mode === 'insert_only') return keepRows(columns, (row) => !there.has(row))
    const matching = programOf
      ? await rowsMatching(columns, there, (ids) => context.shard.selectIds(programOf(ids), scope?.signal))
      : there
    if (mode === 'update_only') return keepRows(columns, (row) => matching.has(row))
    // The filter applies to points that exist; new points are always written.
    return keepRows(columns, (row) => !there.has(row) || matching.has(row))
  }
}

/** Rows of the batch whose points are in the collection. */
async function rowsThere({ ids }: PointColumns, { shard }: PlanContext): Promise<Set<number>> {
  const { positions } = await shard.retrieve(ids, NO_FIELDS)
  return new Set(positions)
}

async function rowsMatching(
  { ids }: PointColumns,
  there: ReadonlySet<number>,
  matchingOf: (ids: Uint32Array) => Promise<Uint32Array>,
): Promise<Set<number>> {
  if (there.size === 0) return new Set()
  const asked = new Uint32Array(there.size * ID_WORDS)
  const rows = [...there]
  for (const [i, row] of rows.entries()) asked.set(ids.subarray(row * ID_WORDS, (row + 1) * ID_WORDS), i * ID_WORDS)
  const found = await matchingOf(asked)
  const keys = new Set<string>()
  for (let at = 0; at < found.length; at += ID_WORDS) keys.add(idKey(found, at))
  return new Set(rows.filter((row) => keys.has(idKey(ids, row * ID_WORDS))))
}

function keepRows(columns: PointColumns, isKept: (row: number) => boolean): PointColumns {
  const kept: number[] = []
  for (let row = 0; row < columns.count; row++) if (isKept(row)) kept.push(row)
  return kept.length === columns.count ? columns : takeRows(columns, Uint32Array.from(kept))
}
