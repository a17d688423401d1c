/** Stages that the kernel answers: over the whole collection, or over the points that prefetches found. */

import type { Hit } from '../core/database.js'
import { andThen, type MaybePromise } from '../core/maybe-promise.js'
import { ID_WORDS, type Payload } from '../core/point.js'
import type { QueryPlan, StageKind } from '../core/query-plan.js'
import type { ResolvedSparse, ResolvedVector, SchemaVector } from '../core/schema.js'
import type { FilterNode } from '../filter/node.js'
import { compileNode } from '../filter/program.js'
import type { RowBlock, SearchRequest, SearchResult, SparseSearchRequest, VectorRows } from '../native/addon.js'
import { roundQuery } from '../native/vectors.js'
import { type DenseTarget, nearestTo, type SparseTarget, type Target, targetOf } from './examples.js'
import { BytesRead, planOf, planWithoutSearch, type Searched, type StageFacts, withMatches } from './explain.js'
import { chooseDiverse } from './mmr.js'
import { noted, noteSearch, wantsPlan } from './noted.js'
import type { Order, Scoring, Stage } from './plan.js'
import type { References } from './references.js'
import { hitsOf, orderValueAt, type Projection, projectionOf, RowReader, withFields } from './rows.js'
import { askedRecallOf } from './search-settings.js'
import { similaritiesOf } from './similarities.js'
import type { QueryScope } from './source.js'
import { TextQuery } from './texts.js'
import { distinctHits, encodedIds, listOf, type Steps, Turns } from './turns.js'

/** More excluded ids than this become a filter condition, which the kernel evaluates in one pass. */
const MOST_EXCLUDED = 64
const NO_QUERY = new Float32Array(0)
const NO_SPARSE = { indices: new Uint32Array(0), values: NO_QUERY }
const NO_PLACES = { k: 0, weights: null }
const SEEDS = 2 ** 32
/** Of a search whose segments nobody wants to hear of. */
const NO_REPORTS = -1

export interface StageResult {
  hits: Hit[]
  /** Set if the query is explained. */
  plan: QueryPlan | null
}

export interface LeafPlace {
  filters: FilterNode[]
  /** Number of hits to skip, within the stage's limit. */
  offset: number
  projection: Projection
  /** Ids that prefetches have found, after their filters; absent: every point is looked at. */
  among?: Uint32Array
}

type Vectorial = Extract<Scoring, { vector: number }>

export class Leaf {
  readonly #scope: QueryScope
  readonly #references: References

  constructor(scope: QueryScope, references: References) {
    this.#scope = scope
    this.#references = references
  }

  /** The ids that prefetches have found. */
  amongHits(sources: readonly Hit[][]): MaybePromise<Uint32Array> {
    return new Turns(this.#scope.call).take(distinctIdsOf(sources))
  }

  run(stage: Stage, key: Stage, place: LeafPlace): MaybePromise<StageResult> {
    const { scoring } = stage
    if (place.among?.length === 0) return this.#told(kindOf(scoring), [], new BytesRead(), performance.now())
    switch (scoring.kind) {
      case 'ids':
        return this.#inIdOrder(stage, place)
      case 'orderBy':
        return this.#ordered(stage, scoring.order, place)
      case 'sample':
        return this.#sampled(stage, place)
      case 'rrf':
      case 'dbsf':
      case 'formula':
        throw new Error(`a ${scoring.kind} stage has prefetches`)
      default: {
        const isDiverse = scoring.kind === 'nearest' && scoring.mmr !== null
        return isDiverse ? this.#diverse(stage, key, scoring, place) : this.#searched(stage, key, scoring, place)
      }
    }
  }

  #searched(stage: Stage, key: Stage, scoring: Vectorial, place: LeafPlace): MaybePromise<StageResult> {
    const started = performance.now()
    const found = this.#search(stage, scoring.vector, this.#targetOf(key, scoring), place)
    return andThen(found, ({ result, searched }) => {
      return andThen(hitsOf<Payload>(result, place.projection, this.#scope.call), (hits) => {
        return { hits, plan: this.#planOf(result, searched, started, place, [kindOf(scoring), hits]) }
      })
    })
  }

  /** The plan of a search, if anyone wants it. */
  #planOf(
    result: SearchResult,
    searched: Searched,
    started: number,
    { filters }: LeafPlace,
    [stage, hits]: [StageKind, readonly Hit[]],
    tookUs?: number,
  ): QueryPlan | null {
    const { explains, notes } = this.#scope
    if (!explains && !wantsPlan(notes, started)) return null
    const plan = planOf(result, searched, factsOf(stage, hits, BytesRead.of(result), started, tookUs))
    return noted(plan, notes, started, filters, result)
  }

  #targetOf(key: Stage, scoring: Vectorial): Target {
    if (scoring.kind !== 'nearest') {
      const searched = this.#scope.source.schema[scoring.vector] as SchemaVector
      return targetOf(key, scoring, this.#references, searched)
    }
    const { target } = scoring
    const text = target instanceof TextQuery ? target.unmade : null
    return text ?? nearestTo(this.#references.get(key, target))
  }

  #search(
    stage: Stage,
    vector: number,
    target: Target,
    place: LeafPlace,
  ): MaybePromise<{ result: SearchResult; searched: Searched }> {
    const { explains, source } = this.#scope
    const { shard, name } = source
    const asked = this.#requestOf(stage, vector, target, place)
    const startMs = performance.now()
    const found =
      'sparse' in asked
        ? shard.searchSparse(asked.sparse, this.#scope.call)
        : shard.search(asked.dense, this.#scope.call)
    const isSparse = 'sparse' in asked
    const isFiltered = (isSparse ? asked.sparse : asked.dense).filter !== null
    return andThen(found, (result) => {
      noteSearch(name, result, startMs)
      const askedRecall = askedRecallOf(stage.settings, isSparse)
      return { result, searched: { isFiltered, isSparse, isCounted: explains, askedRecall } }
    })
  }

  /** A fusion of searches only, in one call of the kernel; null if another stage is involved. */
  fused(
    { scoring, prefetches, limit, threshold }: Stage,
    place: LeafPlace,
    nothing: Projection,
  ): MaybePromise<Hit[]> | null {
    const { source, call } = this.#scope
    const { projection, offset, filters } = place
    if ((scoring.kind !== 'rrf' && scoring.kind !== 'dbsf') || !prefetches.every(isSearch)) return null
    const parts = prefetches.map((stage) => {
      const asked = stage.scoring as Vectorial
      const all = stage.filter ? [...filters, stage.filter] : filters
      const at = { filters: all, offset: 0, projection: nothing }
      const request = this.#requestOf(stage, asked.vector, this.#targetOf(stage, asked), at)
      return 'sparse' in request ? request.sparse : request.dense
    })
    const { k, weights } = scoring.kind === 'rrf' ? scoring : NO_PLACES
    const startMs = performance.now()
    const found = source.shard.searchFused(
      {
        parts,
        byScores: scoring.kind === 'dbsf',
        k,
        weights: weights ? Float64Array.from(weights) : null,
        limit: limit - offset,
        offset,
        scoreThreshold: threshold,
        fields: projection.fields,
      },
      call,
    )
    return andThen(found, (result) => {
      noteSearch(source.name, result, startMs, scoring.kind)
      return hitsOf<Payload>(result, projection, call)
    })
  }

  #requestOf(
    stage: Stage,
    vector: number,
    target: Target,
    place: LeafPlace,
  ): { sparse: SparseSearchRequest } | { dense: SearchRequest } {
    const { excluded } = this.#references
    const excludes = !place.among && excluded.length > 0
    const asCondition = excludes && excluded.length > MOST_EXCLUDED * ID_WORDS
    const filter = programOf(place, asCondition ? excluded : null)
    const exclude = excludes && !asCondition ? excluded : null
    return 'query' in target || 'examples' in target
      ? { dense: this.#byDense(stage, vector, target, place, filter, exclude) }
      : { sparse: this.#bySparse(stage, vector, target, place, filter, exclude) }
  }

  // Both requests are written out in full: building one by spreading parts takes longer than some searches.

  #bySparse(
    { corpus, limit, threshold }: Stage,
    vector: number,
    target: SparseTarget,
    { offset, projection }: LeafPlace,
    filter: Uint8Array | null,
    exclude: Uint32Array | null,
  ): SparseSearchRequest {
    const { modifier } = this.#scope.source.schema[vector] as ResolvedSparse
    const { indices, values } = 'sparse' in target ? target.sparse : NO_SPARSE
    return {
      vector,
      indices,
      values,
      text: 'text' in target ? target.text : null,
      textOptions: 'text' in target ? target.textOptions : null,
      examples: 'sparseExamples' in target ? target.sparseExamples : null,
      idf: modifier === 'idf',
      corpus: corpus ? compileNode(corpus) : null,
      limit: limit - offset,
      offset,
      scoreThreshold: threshold,
      filter,
      exclude,
      fields: projection.fields,
      explain: this.#scope.explains,
      reportsFromUs: this.#scope.notes?.reportsFromUs ?? NO_REPORTS,
    }
  }

  #byDense(
    { settings, limit, threshold }: Stage,
    vector: number,
    target: DenseTarget,
    { offset, projection, among }: LeafPlace,
    filter: Uint8Array | null,
    exclude: Uint32Array | null,
  ): SearchRequest {
    const { size, datatype = 'float32' } = this.#scope.source.schema[vector] as ResolvedVector
    const rounded = (vectors: Float32Array) => roundQuery(vectors, size, datatype)
    return {
      vector,
      query: 'query' in target ? rounded(target.query) : NO_QUERY,
      examples: 'examples' in target ? { ...target.examples, vectors: rounded(target.examples.vectors) } : null,
      limit: limit - offset,
      offset,
      ef: settings.ef,
      recall: settings.recall,
      exact: settings.exact || among !== undefined,
      codes: settings.codes,
      indexedOnly: settings.indexedOnly,
      scoreThreshold: threshold,
      filter,
      exclude,
      fields: projection.fields,
      explain: this.#scope.explains,
      reportsFromUs: this.#scope.notes?.reportsFromUs ?? NO_REPORTS,
    }
  }

  /** Searches candidates and selects diverse ones. They keep the scores of the search. */
  async #diverse(
    stage: Stage,
    key: Stage,
    scoring: Extract<Scoring, { kind: 'nearest' }>,
    place: LeafPlace,
  ): Promise<StageResult> {
    const started = performance.now()
    const { source, call, mostBytes } = this.#scope
    const { mmr, vector } = scoring
    if (!mmr || mmr.candidates === 0) return this.#told('mmr', [], new BytesRead(), started)
    const query = this.#references.get(key, scoring.target)
    const space = source.schema[vector] as SchemaVector
    const seen = projectionOf({ withPayload: false, withVector: [space.name], mostBytes }, source.schema, false)
    const { result, searched } = await this.#search({ ...stage, limit: mmr.candidates }, vector, nearestTo(query), {
      ...place,
      offset: 0,
      projection: seen,
    })
    const similarities = similaritiesOf(space, query, result.vectors[0] as VectorRows, result.count)
    const chosen = await chooseDiverse(similarities, mmr.relevance, stage.limit, call)
    const candidates = await hitsOf<Payload>(result, { ...seen, vectorNames: [] }, call)
    const page = chosen.slice(place.offset).map((at) => candidates[at] as Hit)
    const read = new BytesRead()
    const hits = await withFields(this.#scope, page, place.projection, read)
    const told = this.#told('mmr', hits, read, started)
    const { tookUs } = result.stats
    const searchPlan = this.#planOf(result, searched, started, place, ['nearest', candidates], tookUs)
    if (searchPlan) told.plan?.prefetch.push(searchPlan)
    return told
  }

  async #inIdOrder({ limit }: Stage, place: LeafPlace): Promise<StageResult> {
    const started = performance.now()
    const { shard } = this.#scope.source
    const request = { from: null, limit, filter: this.#program(place), fields: place.projection.fields }
    const block = await shard.scroll(request, this.#scope.call?.signal)
    return await this.#listed('ids', await this.#alike(block, place.projection), block, place, started)
  }

  async #sampled({ limit }: Stage, place: LeafPlace): Promise<StageResult> {
    const started = performance.now()
    const seed = Math.floor(Math.random() * SEEDS)
    const request = { limit, seed, filter: this.#program(place), fields: place.projection.fields }
    const block = await this.#scope.source.shard.sample(request, this.#scope.call?.signal)
    return await this.#listed('sample', await this.#alike(block, place.projection), block, place, started)
  }

  async #ordered({ limit }: Stage, { key: field, descending, from }: Order, place: LeafPlace): Promise<StageResult> {
    const started = performance.now()
    const request = { field, descending, from, limit, filter: this.#program(place), fields: place.projection.fields }
    const block = await this.#scope.source.shard.orderBy(request, this.#scope.call?.signal)
    const hits = await this.#alike(block, place.projection)
    for (const [row, hit] of hits.entries()) hit.orderValue = orderValueAt(block, row)
    return await this.#listed('order_by', hits, block, place, started)
  }

  /** Points with equal scores. */
  #alike(block: RowBlock, projection: Projection): MaybePromise<Hit[]> {
    const reader = new RowReader(block, projection)
    const turns = new Turns(this.#scope.call)
    return turns.take(listOf(block.count, (row) => ({ ...reader.point<Payload>(row), version: 0, score: 1 })))
  }

  #program(place: LeafPlace): Uint8Array | null {
    const { excluded } = this.#references
    return programOf(place, place.among || excluded.length === 0 ? null : excluded)
  }

  /** Rows that no search has chosen. If the query is explained, the matches are counted separately. */
  async #listed(
    stage: StageKind,
    rows: Hit[],
    block: RowBlock,
    place: LeafPlace,
    started: number,
  ): Promise<StageResult> {
    const told = this.#told(stage, rows.slice(place.offset), BytesRead.of(block), started, place.filters)
    const filter = this.#program(place)
    if (!told.plan || !filter || !this.#scope.explains) return told
    const { source, call } = this.#scope
    const matches = await source.shard.count(filter, call?.signal)
    return { ...told, plan: withMatches(told.plan, matches, source.shard.stats().points) }
  }

  #told(
    stage: StageKind,
    hits: Hit[],
    read: BytesRead,
    started: number,
    filters: readonly FilterNode[] = [],
  ): StageResult {
    const { explains, notes } = this.#scope
    if (!explains && notes === null) return { hits, plan: null }
    return { hits, plan: noted(planWithoutSearch(factsOf(stage, hits, read, started)), notes, started, filters) }
  }
}

function isSearch({ scoring, prefetches }: Stage): boolean {
  return prefetches.length === 0 && 'vector' in scoring && !(scoring.kind === 'nearest' && scoring.mmr)
}

function factsOf(
  stage: StageKind,
  hits: readonly Hit[],
  read: BytesRead,
  started: number,
  tookUs = (performance.now() - started) * 1000,
): StageFacts {
  return { stage, returned: hits.length, prefetch: [], rowBytes: { ...read }, tookUs }
}

export function kindOf(scoring: Scoring): StageKind {
  if (scoring.kind === 'orderBy') return 'order_by'
  if (scoring.kind === 'feedback') return 'relevance_feedback'
  if (scoring.kind === 'nearest' && scoring.mmr) return 'mmr'
  return scoring.kind
}

/** All conditions as a program of the kernel; null if there are none. */
function programOf({ filters, among }: LeafPlace, excluded: Uint32Array | null): Uint8Array | null {
  const nodes = [...filters]
  if (among) nodes.push({ op: 'hasId', ids: among })
  if (excluded) nodes.push({ op: 'not', child: { op: 'hasId', ids: excluded } })
  if (nodes.length === 0) return null
  return compileNode(nodes.length === 1 ? (nodes[0] as FilterNode) : { op: 'and', children: nodes })
}

function* distinctIdsOf(sources: readonly Hit[][]): Steps<Uint32Array> {
  const hits = yield* distinctHits(sources)
  return yield* encodedIds(hits.length, (at) => (hits[at] as Hit).id)
}
