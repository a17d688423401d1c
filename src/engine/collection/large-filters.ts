import type { CallOptions } from '../../core/database.js'
import { LIMITS } from '../../core/limits.js'
import type { SchemaVector } from '../../core/schema.js'
import { isLargeFilter, readInTurns } from '../../filter/parse-in-turns.js'
import { Turns } from '../../query/turns.js'
import { withDeadline } from './call-scope.js'

/** A query or a part of one, unchecked. */
interface Filtered {
  filter?: unknown
  prefetch?: unknown
}

/** Reads large filters in turns, so that the event loop is not blocked. Returns undefined if no filter is large. */
export function readLargeFilters(
  queries: readonly object[],
  schema: readonly SchemaVector[],
  options: CallOptions | undefined,
): Promise<void> | undefined {
  const large: { filter: object; field: string }[] = []
  for (const query of queries) addLarge(query, '', 0, large)
  if (large.length === 0) return undefined
  const context = { vectorNames: schema.map(({ name }) => name) }
  return withDeadline(options, async (scope) => {
    const turns = new Turns(scope.signal)
    for (const { filter, field } of large) await readInTurns(filter, context, field, () => turns.pause())
  }) as Promise<void>
}

function addLarge(
  { filter, prefetch }: Filtered,
  at: string,
  depth: number,
  into: { filter: object; field: string }[],
): void {
  if (filter && isLargeFilter(filter)) into.push({ filter, field: `${at}filter` })
  if (!prefetch || depth >= LIMITS.prefetchDepth) return
  const list = Array.isArray(prefetch) ? prefetch : [prefetch]
  for (const [i, stage] of list.entries())
    if (stage) addLarge(stage as Filtered, `${at}prefetch[${i}].`, depth + 1, into)
}
