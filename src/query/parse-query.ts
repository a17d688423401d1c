import { getHeapStatistics } from 'node:v8'
import { badRequest, VicinalError } from '../core/errors.js'
import { LIMITS } from '../core/limits.js'
import type { PointId } from '../core/point.js'
import type { Prefetch, QueryOptions, QueryStage } from '../core/query.js'
import type { Schema } from '../core/schema.js'
import { type FilterContext, filterContext, parseFilter } from '../filter/parse.js'
import { Amounts, DEFAULT_LIMIT } from './amounts.js'
import { ScoringParser } from './parse-scoring.js'
import type { Lookup, Plan, Scoring, Stage } from './plan.js'
import { projectionOf } from './rows.js'
import { corpusOf, settingsOf } from './search-settings.js'
import type { QueryScope } from './source.js'

/** A hit in V8's heap, about. */
const HIT_BYTES = 96
/** Share of the heap that points of prefetches may take. */
const HEAP_SHARE = 1 / 4

/**
 * Plans a query that was read by its declaration, with its prefetches. The checks here need the collection.
 * Errors name the place: `prefetch[1].query.recommend.positive[0]`.
 */
export function parseQuery(options: QueryOptions, { source, mostBytes }: QueryScope): Plan {
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
    return {
      scoring,
      prefetches,
      filter: parseFilter(stage.filter, this.#context, `${at}filter`),
      limit,
      threshold,
      settings: settingsOf(stage),
      corpus: corpusOf(
        stage.params?.idf,
        'vector' in scoring ? this.#schema[scoring.vector] : undefined,
        this.#context,
        at,
      ),
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
