/** Reads of points without a query, declared once: pages, points by id, and counts. */
import Type, { type Static } from 'typebox'
import { CALL_OPTIONS } from './call-options.js'
import type { Filter, FilteredBy } from './filter.js'
import type { PointId } from './point.js'
import { type OrderBy, OrderByInput } from './query-kinds.js'
import { filter, PointIdentity } from './query-leaves.js'
import { RETURNED_ALIASES, type ReadOptions, readFields } from './read-options.js'
import { count, flag, optional } from './vocabulary/declare.js'

/** Options of `retrieve`. */
export type RetrieveOptions = ReadOptions
export const RetrieveOptions = Type.Object(readFields, { aliases: RETURNED_ALIASES })

/** Options of `scrollPage` and `scroll`. */
export interface ScrollOptions<Path extends string = string> extends ReadOptions {
  /** Only points that match; default all. */
  filter?: Filter<Path> | null
  /** Points in a page. Default 10 for `scrollPage`, 256 for `scroll`. */
  limit?: number
  /** The id of the first point, inclusive. Default the lowest id. */
  offset?: PointId | null
  /**
   * Orders points by a payload field with an index of numbers or date-times. A point is returned once for each value.
   * Such pages continue by `startFrom`, not by `offset`.
   */
  orderBy?: string | OrderBy | null
}
export const scrollFields = {
  filter,
  limit: optional(count({ description: 'Points in a page. Default 10.', minimum: 1 })),
  offset: optional(PointIdentity),
  orderBy: optional(OrderByInput),
}
export const ScrollOptions = Type.Object({ ...scrollFields, ...readFields }, { aliases: RETURNED_ALIASES })

export const countFields = {
  filter,
  exact: flag('`false`: an estimate from payload indexes and a sample. Default true.'),
}
export const CountOptions = Type.Object({ ...countFields, ...CALL_OPTIONS })
/** Options of `count`. */
export type CountOptions<Path extends string = string> = FilteredBy<Static<typeof CountOptions>, Path>
