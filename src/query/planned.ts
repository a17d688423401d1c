/** Plans a query. Points that it names but that do not exist are told before anything else that is wrong with it, as in Qdrant. */
import { noSuchPoint, type VicinalError } from '../core/errors.js'
import { LIMITS } from '../core/limits.js'
import type { MaybePromise } from '../core/maybe-promise.js'
import { encodeIds, isId, type PointId } from '../core/point.js'
import {
  type ContextPair,
  kindOfQuery,
  type Query,
  type QueryOptions,
  type QueryStage,
  type VectorInput,
} from '../core/query.js'
import { parseQuery } from './parse-query.js'
import { of } from './parse-scoring.js'
import type { Plan } from './plan.js'
import { ownOf, References } from './references.js'
import { fieldsOf } from './rows.js'
import type { LookedUp, QueryScope } from './source.js'

const NO_VECTORS = new Uint32Array(0)

export interface Planned {
  plan: Plan
  /** null: they have to be fetched. */
  references: References | null
}

export function planned(options: QueryOptions, scope: QueryScope): MaybePromise<Planned> {
  try {
    const plan = parseQuery(options, scope)
    return { plan, references: References.atOnce(plan, scope) }
  } catch (error) {
    if ((error as Partial<VicinalError>).code !== 'INVALID_ARGUMENT') throw error
    const missing = (found: VicinalError) => found.code !== 'INVALID_ARGUMENT'
    return checkNamed(options, scope).then(
      () => Promise.reject(error),
      (found: VicinalError) => Promise.reject(missing(found) ? found : error),
    )
  }
}

/** Throws NOT_FOUND where a point or a collection that the query names is missing. */
async function checkNamed(options: QueryOptions, { source, catalog }: QueryScope): Promise<void> {
  const named: [from: LookedUp, ids: PointId[]][] = []
  const collect = ({ query, prefetch, lookupFrom }: QueryStage) => {
    for (const one of (prefetch ?? []) as readonly QueryStage[]) collect(one)
    const from = lookupFrom ? catalog(lookupFrom.collection) : ownOf(source)
    const ids = query === undefined || query === null ? [] : inputsOf(query).filter(isId).slice(0, LIMITS.queryExamples)
    if (ids.length > 0) named.push([from, ids])
  }
  collect(options)
  for (const [from, ids] of named) {
    await from.read(async ({ shard, schema }) => {
      const { positions } = await shard.retrieve(
        encodeIds(ids, 'query', schema.textIds),
        fieldsOf(false, NO_VECTORS, undefined),
      )
      const found = new Set(positions)
      const missing = ids.findIndex((_, at) => !found.has(at))
      if (missing >= 0) throw noSuchPoint(ids[missing])
    })
  }
}

/** The vectors and ids in a query. */
function inputsOf(query: Query): readonly VectorInput[] {
  const kind = kindOfQuery(query)
  switch (kind) {
    case null:
      return [query as VectorInput]
    case 'nearest':
      return [of<'nearest'>(query).nearest]
    case 'recommend': {
      const { positive, negative } = of<'recommend'>(query).recommend
      return [...(positive ?? []), ...(negative ?? [])]
    }
    case 'discover': {
      const { target, context } = of<'discover'>(query).discover
      return [target, ...inPairs(context)]
    }
    case 'context':
      return inPairs(of<'context'>(query).context)
    case 'relevanceFeedback': {
      const { target, feedback } = of<'relevanceFeedback'>(query).relevanceFeedback
      return [target, ...feedback.map(({ example }) => example)]
    }
    default:
      return []
  }
}

/** Pairs were read as a list. */
function inPairs(pairs: ContextPair | readonly ContextPair[] | null | undefined): VectorInput[] {
  return ((pairs ?? []) as readonly ContextPair[]).flatMap(({ positive, negative }) => [positive, negative])
}
