/**
 * Runs a query that is more than a search for neighbours of one vector: its stages from the innermost outwards. Filters
 * of a stage hold for its prefetches; points that the query names by id are left out of all of them.
 */
import type { Awaitable } from '../core/awaitable.js'
import type { Hit, QueryOptions } from '../core/database.js'
import type { QueryPlan, StageKind } from '../core/query-plan.js'
import type { SchemaVector } from '../core/schema.js'
import type { FilterNode } from '../filter/node.js'
import { inlineShareUs, spendInlineUs } from '../native/inline-share.js'
import { BytesRead } from './bytes-read.js'
import { planWithoutSearch } from './explain.js'
import { fuseRanks, fuseScores } from './fusion.js'
import { withFields } from './hydrate.js'
import { Leaf, type StageResult } from './leaf.js'
import { parseQuery } from './parse-query.js'
import type { Plan, Stage } from './plan.js'
import { References } from './references.js'
import { scoreByFormula } from './rescore-formula.js'
import { type Projection, projectionOf } from './rows.js'
import type { QueryScope } from './source.js'

export function runQuery<P>(
  options: QueryOptions,
  scope: QueryScope,
): Awaitable<{ hits: Hit<P>[]; plan: QueryPlan | null }> {
  const plan = parseQuery(options, scope.source.schema)
  return runAtOnce<P>(plan, scope) ?? runPlan<P>(plan, scope)
}

/** A fusion of short searches, as short as one of them; null where it is not. */
function runAtOnce<P>(plan: Plan, scope: QueryScope): { hits: Hit<P>[]; plan: null } | null {
  if (plan.root.scoring.kind !== 'rrf' || scope.explains || inlineShareUs() <= 0) return null
  const references = References.atOnce(plan, scope)
  if (!references) return null
  const before = performance.now()
  try {
    return new QueryRun(scope, references).fused(plan) as { hits: Hit<P>[]; plan: null } | null
  } finally {
    spendInlineUs((performance.now() - before) * 1000)
  }
}

/** Runs a plan; the same one may be run with other filters and limits. */
export async function runPlan<P>(plan: Plan, scope: QueryScope): Promise<{ hits: Hit<P>[]; plan: QueryPlan | null }> {
  const references = await References.of(plan, scope)
  const { hits, plan: explained } = await new QueryRun(scope, references).root(plan)
  return { hits: hits as Hit<P>[], plan: explained }
}

class QueryRun {
  readonly #scope: QueryScope
  readonly #leaf: Leaf
  readonly #nothing: Projection

  constructor(scope: QueryScope, references: References) {
    this.#scope = scope
    this.#nothing = nothingOf(scope.source.schema)
    this.#leaf = new Leaf(scope, references)
  }

  /** The page asked for, with what is to be seen of its points. */
  async root({ root, offset, projection }: Plan): Promise<StageResult> {
    // A sample has no order in which some could be skipped.
    const skipped = root.scoring.kind === 'sample' && root.prefetches.length === 0 ? 0 : offset
    const result = await this.#stage({ ...root, limit: root.limit + skipped }, root, [], skipped, projection)
    if (result.plan) result.plan.returned = result.hits.length
    return result
  }

  fused({ root, offset, projection }: Plan): StageResult | null {
    const filters = root.filter ? [root.filter] : []
    const stage = { ...root, limit: root.limit + offset }
    const hits = this.#leaf.fused(stage, { filters, offset, projection }, this.#nothing)
    return hits && { hits, plan: null }
  }

  /** `key` is the stage as it was parsed, which references are found by. */
  async #stage(
    stage: Stage,
    key: Stage,
    filters: FilterNode[],
    offset: number,
    projection: Projection,
  ): Promise<StageResult> {
    const all = stage.filter ? [...filters, stage.filter] : filters
    if (stage.prefetches.length === 0) return await this.#leaf.run(stage, key, { filters: all, offset, projection })
    const started = performance.now()
    const found = await Promise.all(
      stage.prefetches.map((prefetch) => this.#stage(prefetch, prefetch, all, 0, this.#nothing)),
    )
    const sources = found.map(({ hits }) => hits)
    const result = await this.#merge(stage, key, sources, offset, projection)
    if (result.plan) {
      result.plan.prefetch.push(...found.flatMap(({ plan }) => plan ?? []))
      result.plan.tookUs = (performance.now() - started) * 1000
    }
    return result
  }

  async #merge(
    stage: Stage,
    key: Stage,
    sources: Hit[][],
    offset: number,
    projection: Projection,
  ): Promise<StageResult> {
    const { scoring, limit, threshold } = stage
    const { source, call } = this.#scope
    const read = new BytesRead()
    switch (scoring.kind) {
      case 'rrf':
      case 'dbsf': {
        const fused = scoring.kind === 'rrf' ? fuseRanks(sources, scoring.k, scoring.weights) : fuseScores(sources)
        const best = fused.filter(({ score }) => threshold === null || score >= threshold).slice(offset, limit)
        return this.#made(scoring.kind, await withFields(source, best, projection, read), read)
      }
      case 'formula': {
        const scored = await scoreByFormula(source, scoring.formula, sources, call, read)
        const best = scored.filter(({ score }) => threshold === null || score >= threshold).slice(offset, limit)
        return this.#made('formula', await withFields(source, best, projection, read), read)
      }
      default: {
        const among = distinctHits(sources)
        return await this.#leaf.run(stage, key, { filters: [], offset, projection, among })
      }
    }
  }

  #made(stage: StageKind, hits: Hit[], read: BytesRead): StageResult {
    const facts = { stage, returned: hits.length, prefetch: [], rowBytes: { ...read }, tookUs: 0 }
    return { hits, plan: this.#scope.explains ? planWithoutSearch(facts) : null }
  }
}

export function nothingOf(schema: readonly SchemaVector[]): Projection {
  return projectionOf({ withPayload: false }, schema)
}

function distinctHits(sources: readonly Hit[][]): Hit[] {
  return [...new Map(sources.flat().map((hit) => [hit.id, hit])).values()]
}
