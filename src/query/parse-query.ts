import { invalid } from '../core/errors.js'
import { checkLookup, checkPrefetch } from '../core/known-query.js'
import { LIMITS } from '../core/limits.js'
import type { LookupLocation, Prefetch, QueryOptions, QueryStage } from '../core/query.js'
import type { Schema } from '../core/schema.js'
import { type FilterContext, filterContext, parseFilter } from '../filter/parse.js'
import { ScoringParser } from './parse-scoring.js'
import type { Lookup, Plan, Scoring, Stage } from './plan.js'
import { projectionOf } from './rows.js'
import { bounded, corpusOf, DEFAULT_LIMIT, settingsOf, thresholdOf } from './search-settings.js'

/** Checks an untrusted query with its prefetches. Errors name the place: `prefetch[1].query.recommend.positive[0]`. */
export function parseQuery(options: QueryOptions, schema: Schema): Plan {
  const parser = new QueryParser(schema)
  const root = parser.stage(options, '', 0)
  const offset = bounded(options.offset ?? 0, 0, LIMITS.resultLimit, 'offset')
  if (offset + root.limit > LIMITS.resultLimit) {
    throw invalid('offset', `expected offset + limit of at most ${LIMITS.resultLimit}`, offset + root.limit)
  }
  return { root, offset, projection: projectionOf(options, schema) }
}

class QueryParser {
  readonly #schema: Schema
  readonly #context: FilterContext
  readonly #scorings: ScoringParser
  #prefetches = 0
  #prefetched = 0

  constructor(schema: Schema) {
    this.#schema = schema
    this.#context = filterContext(schema)
    this.#scorings = new ScoringParser(schema, this.#context)
  }

  /** `at` is the path of the stage, with a dot at its end. */
  stage(stage: QueryStage, at: string, depth: number): Stage {
    const limit = bounded(stage.limit ?? DEFAULT_LIMIT, 1, LIMITS.resultLimit, `${at}limit`)
    const prefetches = this.#prefetchesOf(stage.prefetch, at, depth)
    const lookup = lookupOf(stage.lookupFrom, at)
    const scoring = this.#scorings.scoring(stage, at, {
      limit,
      prefetches: prefetches.length,
      looksUp: lookup !== null,
    })
    const threshold = thresholdOf(stage.scoreThreshold, at)
    if (threshold !== null) checkThreshold(scoring, at)
    return {
      scoring,
      prefetches,
      filter: parseFilter(stage.filter, this.#context, `${at}filter`),
      limit,
      threshold,
      settings: settingsOf(stage, at),
      corpus: corpusOf(
        stage.params?.idf,
        'vector' in scoring ? this.#schema[scoring.vector] : undefined,
        this.#context,
        at,
      ),
      lookup,
    }
  }

  #prefetchesOf(prefetch: QueryStage['prefetch'], at: string, depth: number): Stage[] {
    if (prefetch === undefined || prefetch === null) return []
    const list: readonly Prefetch[] = Array.isArray(prefetch) ? prefetch : [prefetch as Prefetch]
    this.#prefetches += list.length
    if (this.#prefetches > LIMITS.prefetches) {
      throw invalid('prefetch', `expected at most ${LIMITS.prefetches} prefetches in all`, this.#prefetches)
    }
    if (list.length > 0 && depth >= LIMITS.prefetchDepth) {
      throw invalid('prefetch', `expected at most ${LIMITS.prefetchDepth} nested levels`)
    }
    return list.map((one, i) => {
      const field = `${at}prefetch[${i}]`
      checkPrefetch(one, `${field}.`)
      const stage = this.stage(one, `${field}.`, depth + 1)
      this.#prefetched += stage.limit
      if (this.#prefetched > LIMITS.prefetchedPoints) {
        const expected = `expected limits of prefetches of at most ${LIMITS.prefetchedPoints} in all`
        throw invalid(`${field}.limit`, expected, this.#prefetched)
      }
      return stage
    })
  }
}

function checkThreshold({ kind }: Scoring, at: string): void {
  if (kind === 'orderBy') throw invalid(`${at}score_threshold`, "Can't use score_threshold with an order_by query.")
  if (kind !== 'ids') return
  throw invalid(
    `${at}score_threshold`,
    "A query is needed to use the score_threshold. Can't have score_threshold without defining a query.",
  )
}

function lookupOf(location: LookupLocation | null | undefined, at: string): Lookup | null {
  if (location === undefined || location === null) return null
  checkLookup(location, at)
  const { collection, vector = null } = location
  if (typeof collection !== 'string') throw invalid(`${at}lookup_from.collection`, 'expected a text', collection)
  if (vector !== null && typeof vector !== 'string') throw invalid(`${at}lookup_from.vector`, 'expected a text', vector)
  return { collection, vector }
}
