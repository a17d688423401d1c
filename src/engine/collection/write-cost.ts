/** The cost of writes under the rate limit of the collection's owner. */
import { filterContext } from '../../filter/parse.js'
import { compileFilter } from '../../filter/program.js'
import { filterOf } from '../limits/strict-mode.js'
import type { CallScope } from './call-scope.js'
import type { CollectionEngine } from './collection-engine.js'
import type { PassedWrite } from './passed-write.js'

/** A write costs as many tokens as the points that it names, or that its filter is estimated to match; at least one. */
export async function chargeWrites(
  { strictMode, view }: Pick<CollectionEngine, 'strictMode' | 'view'>,
  writes: readonly PassedWrite[],
  scope: CallScope,
): Promise<void> {
  if (strictMode?.config.writeRateLimit === undefined) return
  const context = filterContext(view.schema)
  let cost = 0
  for (const { operation, points } of writes) {
    const matched = () => view.shard.estimateCount(compileFilter(filterOf(operation), context), scope.signal)
    cost += Math.max(1, points ?? (await matched()))
  }
  strictMode.written(cost)
}
