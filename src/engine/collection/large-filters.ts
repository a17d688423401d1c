import type { CallOptions, WriteOperation } from '../../core/database.js'
import { noteArrival } from '../../core/inner-call.js'
import { LIMITS } from '../../core/limits.js'
import type { Schema } from '../../core/schema.js'
import { filterContext, filtersRead, standing } from '../../filter/parse.js'
import { conditionsIn, type PlacedCondition } from '../../filter/parse-formula.js'
import {
  areLargeWith,
  type FilterSum,
  isLargeFilter,
  readConditionInTurns,
  readInTurns,
} from '../../filter/parse-in-turns.js'
import { Turns } from '../../query/turns.js'
import { filterOf } from '../limits/strict-mode.js'
import { withDeadline } from './call-scope.js'

/** A query or a part of one, unchecked. */
interface Filtered {
  filter?: unknown
  prefetch?: unknown
  params?: unknown
  query?: unknown
}

interface Large {
  sum: FilterSum
  filters: { filter: object; field: string }[]
  /** Of formulas. */
  conditions: PlacedCondition[]
}

/**
 * Reads large filters in turns, so that the event loop is not blocked and the deadline is seen. Returns undefined if the
 * filters are not large together. `list` is the name of a batch.
 */
export function readLargeFilters(
  queries: readonly object[],
  schema: Schema,
  options: CallOptions | undefined,
  list?: string,
): Promise<void> | undefined {
  const large: Large = { sum: { filterValues: 0 }, filters: [], conditions: [] }
  for (const [i, query] of queries.entries()) addLarge(query, list === undefined ? '' : `${list}[${i}].`, 0, large)
  return read(large, schema, options)
}

/** The same of a write. */
export function readLargeFilterOf(
  operation: WriteOperation<unknown>,
  schema: Schema,
  options: CallOptions | undefined,
): Promise<void> | undefined {
  const filter = filterOf(operation)
  if (!filter || !isLargeFilter(filter)) return undefined
  const field = 'updateFilter' in operation ? 'updateFilter' : 'filter'
  return read({ filters: [{ filter, field }], conditions: [] }, schema, options)
}

function read(
  { filters, conditions }: Omit<Large, 'sum'>,
  schema: Schema,
  options: CallOptions | undefined,
): Promise<void> | undefined {
  if (filters.length === 0 && conditions.length === 0) return undefined
  const context = filterContext(schema)
  // The parts that follow have the same deadline.
  if (options) noteArrival(options)
  return withDeadline(options, async (scope) => {
    const turns = new Turns(scope)
    const pause = () => turns.pause()
    for (const { filter, field } of filters) await readInTurns(filter, context, field, pause)
    for (const { condition, start } of conditions) {
      await readConditionInTurns(condition, context, start, pause)
      await pause()
    }
  }) as Promise<void>
}

function addLarge({ filter, prefetch, params, query }: Filtered, at: string, depth: number, into: Large): void {
  const isLarge = (one: object) => areLargeWith(one, into.sum) && !filtersRead.has(one)
  if (filter && isLarge(filter)) into.filters.push({ filter, field: `${at}filter` })
  const corpus = objectIn(params, 'idf', 'corpus')
  if (corpus && isLarge(corpus)) into.filters.push({ filter: corpus, field: `${at}params.idf.corpus` })
  const formula = objectIn(query, 'formula')
  if (formula && isLargeFilter(formula)) {
    into.conditions.push(...conditionsIn(formula, standing(formula, `${at}query.formula`)))
  }
  if (!prefetch || depth >= LIMITS.prefetchDepth) return
  const list = Array.isArray(prefetch) ? prefetch : [prefetch]
  for (const [i, stage] of list.entries())
    if (stage) addLarge(stage as Filtered, `${at}prefetch[${i}].`, depth + 1, into)
}

/** The object that is found by these keys; null where there is none. */
function objectIn(value: unknown, ...keys: string[]): object | null {
  let found = value
  for (const key of keys) found = found !== null && typeof found === 'object' ? (found as never)[key] : null
  return found !== null && typeof found === 'object' ? found : null
}
