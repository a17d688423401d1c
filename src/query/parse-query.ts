/** Plans a query. Points that it names but that do not exist are told before anything else that is wrong with it, as in Qdrant. */

import { getHeapStatistics } from 'node:v8'
import { badRequest, noSuchPoint, VicinalError } from '../core/errors.js'
import { LIMITS } from '../core/limits.js'
import type { MaybePromise } from '../core/maybe-promise.js'
import { encodeIds, isId, type PointId } from '../core/point.js'
import {
  type ContextPair,
  kindOfQuery,
  type Prefetch,
  type Query,
  type QueryOptions,
  type QueryStage,
  type VectorInput,
} from '../core/query.js'
import type { Schema } from '../core/schema.js'
import { type FilterContext, filterContext, parseFilter } from '../filter/parse.js'
import { Amounts, DEFAULT_LIMIT } from './amounts.js'
import { of, ScoringParser } from './parse-scoring.js'
import type { Lookup, Plan, Scoring, Stage } from './plan.js'
import { ownOf, References } from './references.js'
import { fieldsOf, projectionOf } from './rows.js'
import { corpusOf, settingsOf } from './search-settings.js'
import type { LookedUp, QueryScope } from './source.js'

const NO_VECTORS = new Uint32Array(0)
/** A hit in V8's heap, about. */
const HIT_BYTES = 96
/** Share of the heap that points of prefetches may take. */
const HEAP_SHARE = 1 / 4

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

/**
 * Plans a query that was read by its declaration, with its prefetches. The checks here need the collection.
 * Errors name the place: `prefetch[1].query.recommend.positive[0]`.
 */
function parseQuery(options: QueryOptions, { source, mostBytes }: QueryScope): Plan {
  const { schema, shard } = source
  const amounts = new Amounts(shard)
  const offset = options.offset ?? 0
  const parser = new QueryParser(schema, amounts)
  const root = parser.stage(options, '')
  checkPrefetched(parser.prefetched, mostBytes)
  return {
    root,
    offset: amounts.bounded(offset),
    isPast: amounts.isPastAll(offset),
    projection: projectionOf(options, schema),
    places: parser.places,
  }
}

class QueryParser {
  readonly #schema: Schema
  readonly #amounts: Amounts
  readonly #context: FilterContext
  readonly #scorings: ScoringParser
  /** Points that all prefetches find together, at most. */
  prefetched = 0

  constructor(schema: Schema, amounts: Amounts) {
    this.#schema = schema
    this.#amounts = amounts
    this.#context = filterContext(schema)
    this.#scorings = new ScoringParser(schema, this.#context)
  }

  get places(): ReadonlyMap<PointId, string> {
    return this.#scorings.places
  }

  /** `at` is the path of the stage, with a dot at its end. */
  stage(stage: QueryStage, at: string): Stage {
    const limit = this.#amounts.bounded(stage.limit ?? DEFAULT_LIMIT)
    // Read as a list.
    const given = (stage.prefetch ?? []) as readonly Prefetch[]
    const prefetches = given.map((one, i) => this.#prefetch(one, `${at}prefetch[${i}]`))
    const scoring = this.#scorings.scoring(stage, at, { limit, prefetches: prefetches.length })
    const threshold = stage.scoreThreshold ?? null
    if (threshold !== null) checkThreshold(scoring, at)
    const searched = 'vector' in scoring ? scoring.vector : null
    return {
      scoring,
      prefetches,
      filter: parseFilter(stage.filter, this.#context, `${at}filter`),
      limit,
      threshold,
      settings: settingsOf(stage, searched === null ? undefined : this.#schema.recalls?.[searched]),
      corpus: corpusOf(stage.params?.idf, searched === null ? undefined : this.#schema[searched], this.#context, at),
      lookup: lookupOf(stage),
    }
  }

  #prefetch(prefetch: Prefetch, field: string): Stage {
    const stage = this.stage(prefetch, `${field}.`)
    this.prefetched += this.#amounts.found(stage.limit)
    return stage
  }
}

/**
 * Points of prefetches are in memory until the stages above have used them. Below a memory limit the query waits for room
 * (`answer-room.ts`); else they take a share of the heap.
 */
function checkPrefetched(points: number, mostBytes: number | undefined): void {
  if (points <= LIMITS.prefetchedPoints) return
  const wantedBytes = points * HIT_BYTES
  if (mostBytes !== undefined) {
    if (wantedBytes <= mostBytes) return
    throw new VicinalError('RESOURCE_EXHAUSTED', 'prefetches need more memory than was reserved', {
      details: { wantedBytes },
    })
  }
  const most = Math.floor((getHeapStatistics().heap_size_limit * HEAP_SHARE) / HIT_BYTES)
  if (points <= most) return
  throw new VicinalError('TOO_LARGE', `prefetch: expected prefetches of at most ${most} points in all, got ${points}`, {
    details: { field: 'prefetch', bound: most, seen: points },
  })
}

function checkThreshold({ kind }: Scoring, at: string): void {
  const field = `${at}scoreThreshold`
  if (kind === 'orderBy') throw badRequest(field, "Can't use score_threshold with an order_by query.")
  if (kind !== 'ids') return
  throw badRequest(
    field,
    "A query is needed to use the score_threshold. Can't have score_threshold without defining a query.",
  )
}

function lookupOf({ lookupFrom }: QueryStage): Lookup | null {
  return lookupFrom ? { collection: lookupFrom.collection, vector: lookupFrom.vector ?? null } : null
}
