/**
 * Runs a query: its stages from the innermost outwards; a plain search is one stage. A stage's filter also applies to
 * its prefetches. Points that the query names by id are excluded from all stages.
 */

import type { Hit, QueryOptions } from '../core/database.js'
import { andThen, type MaybePromise } from '../core/maybe-promise.js'
import type { QueryPlan, StageKind } from '../core/query-plan.js'
import type { FilterNode } from '../filter/node.js'
import { BytesRead, planWithoutSearch } from './explain.js'
import { fuseRanks, fuseScores } from './fusion.js'
import { kindOf, Leaf, type StageResult } from './leaf.js'
import { noted } from './noted.js'
import { planned } from './parse-query.js'
import type { Plan, Stage } from './plan.js'
import { References } from './references.js'
import { scoreByFormula } from './rescore-formula.js'
import { type Projection, projectionOf, withFields } from './rows.js'
import type { QueryScope } from './source.js'
import { Turns } from './turns.js'

/** Of the points that prefetches find, only the ids are needed. */
const NOTHING: Projection = projectionOf({ withPayload: false }, [])

export function runQuery<P>(
  options: QueryOptions,
  scope: QueryScope,
): MaybePromise<{ hits: Hit<P>[]; plan: QueryPlan | null }> {
  const { notes } = scope
  const startMs = notes ? performance.now() : 0
  return andThen(planned(options, scope), ({ plan, references }) => {
    notes?.span('plan', startMs, performance.now())
    return references ? runWith<P>(plan, scope, references) : runPlan<P>(plan, scope)
  })
}

/** Runs a plan. The same plan may run again with other filters and limits. */
export async function runPlan<P>(plan: Plan, scope: QueryScope): Promise<{ hits: Hit<P>[]; plan: QueryPlan | null }> {
  return await runWith<P>(plan, scope, await References.of(plan, scope))
}

function runWith<P>(
  plan: Plan,
  scope: QueryScope,
  references: References,
): MaybePromise<{ hits: Hit<P>[]; plan: QueryPlan | null }> {
  return new QueryRun(scope, references).root(plan) as MaybePromise<{ hits: Hit<P>[]; plan: QueryPlan | null }>
}

class QueryRun {
  readonly #scope: QueryScope
  readonly #leaf: Leaf

  constructor(scope: QueryScope, references: References) {
    this.#scope = scope
    this.#leaf = new Leaf(scope, references)
  }

  /** The page asked for, with the fields asked for. */
  root({ root, offset, isPast, projection }: Plan): MaybePromise<StageResult> {
    if (isPast) return this.#made(kindOf(root.scoring), [], new BytesRead())
    // A sample has no order, so no points can be skipped.
    const skipped = root.scoring.kind === 'sample' && root.prefetches.length === 0 ? 0 : offset
    const stage = skipped === 0 ? root : { ...root, limit: root.limit + skipped }
    return andThen(this.#stage(stage, root, [], skipped, projection), (result) => {
      if (result.plan) result.plan.returned = result.hits.length
      return result
    })
  }

  /** `key` is the parsed stage, by which references are found. */
  #stage(
    stage: Stage,
    key: Stage,
    filters: FilterNode[],
    offset: number,
    projection: Projection,
  ): MaybePromise<StageResult> {
    const all = stage.filter ? [...filters, stage.filter] : filters
    const place = { filters: all, offset, projection }
    if (stage.prefetches.length === 0) return this.#leaf.run(stage, key, place)
    const { explains, notes } = this.#scope
    const started = performance.now()
    if (!explains && notes?.isTraced !== true) {
      const fused = this.#leaf.fused(stage, place, NOTHING)
      if (fused) return andThen(fused, (found) => this.#fused(stage, found, started, all))
    }
    const found = new Turns(this.#scope.call).all(
      stage.prefetches.map((prefetch) => () => this.#stage(prefetch, prefetch, all, 0, NOTHING)),
    )
    return andThen(found, (results) => {
      const sources = results.map(({ hits }) => hits)
      return andThen(this.#merge(stage, key, sources, offset, projection), (result) => {
        if (!result.plan) return result
        result.plan.prefetch.push(...results.flatMap(({ plan }) => plan ?? []))
        result.plan.tookUs = (performance.now() - started) * 1000
        noted(result.plan, notes, started, stage.filter ? [stage.filter] : [])
        return result
      })
    })
  }

  #merge(
    stage: Stage,
    key: Stage,
    sources: Hit[][],
    offset: number,
    projection: Projection,
  ): MaybePromise<StageResult> {
    const { scoring, limit, threshold } = stage
    const read = new BytesRead()
    const turns = new Turns(this.#scope.call)
    const page = (hits: Hit[]) => {
      const best = hits.filter(({ score }) => threshold === null || score >= threshold).slice(offset, limit)
      return andThen(withFields(this.#scope, best, projection, read), (seen) => this.#made(kindOf(scoring), seen, read))
    }
    switch (scoring.kind) {
      case 'rrf':
        return andThen(turns.take(fuseRanks(sources, scoring.k, scoring.weights)), page)
      case 'dbsf':
        return andThen(turns.take(fuseScores(sources)), page)
      case 'formula':
        return andThen(scoreByFormula(scoring.formula, sources, this.#scope, read), page)
      default:
        return andThen(this.#leaf.amongHits(sources), (among) =>
          this.#leaf.run(stage, key, { filters: [], offset, projection, among }),
        )
    }
  }

  /** The kernel ran all searches in one call, and reports none of them. */
  #fused({ scoring }: Stage, hits: Hit[], started: number, filters: readonly FilterNode[]): StageResult {
    const { notes } = this.#scope
    if (notes === null) return { hits, plan: null }
    const tookUs = (performance.now() - started) * 1000
    const facts = {
      stage: kindOf(scoring),
      returned: hits.length,
      prefetch: [],
      rowBytes: { ...new BytesRead() },
      tookUs,
    }
    return { hits, plan: noted(planWithoutSearch(facts), notes, started, filters) }
  }

  #made(stage: StageKind, hits: Hit[], read: BytesRead): StageResult {
    const facts = { stage, returned: hits.length, prefetch: [], rowBytes: { ...read }, tookUs: 0 }
    const { explains, notes } = this.#scope
    return { hits, plan: explains || notes ? planWithoutSearch(facts) : null }
  }
}
