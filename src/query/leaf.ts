/** Stages that the kernel answers: of the whole collection, or of the points that prefetches have found. */
import type { Hit } from '../core/database.js'
import { encodeIds, ID_WORDS, type Payload } from '../core/point.js'
import type { QueryPlan, StageKind } from '../core/query-plan.js'
import type { ResolvedSparse, ResolvedVector, SchemaVector } from '../core/schema.js'
import type { FilterNode } from '../filter/node.js'
import { compileNode } from '../filter/program.js'
import type { RowBlock, SearchRequest, SearchResult, SparseSearchRequest, VectorRows } from '../native/addon.js'
import type { Asked } from '../native/shard.js'
import { roundQuery } from '../native/vectors.js'
import { BytesRead } from './bytes-read.js'
import { nearestTo, type Target, targetOf } from './examples.js'
import { planOf, planWithoutSearch, type StageFacts, withMatches } from './explain.js'
import { withFields } from './hydrate.js'
import { chooseDiverse } from './mmr.js'
import type { Order, Scoring, Stage } from './plan.js'
import type { References } from './references.js'
import { orderValueAt, type Projection, projectionOf, RowReader } from './rows.js'
import { hitsOf } from './search.js'
import { similaritiesOf } from './similarities.js'
import type { QueryScope } from './source.js'

/** Beyond so many, ids to leave out are a condition, which the kernel looks up in one pass. */
const MOST_EXCLUDED = 64
const NO_QUERY = new Float32Array(0)
const NO_SPARSE = { indices: new Uint32Array(0), values: NO_QUERY }
const SEEDS = 2 ** 32

export interface StageResult {
  hits: Hit[]
  /** Where the query is to be explained. */
  plan: QueryPlan | null
}

export interface LeafPlace {
  filters: FilterNode[]
  /** Of the hits up to the stage's limit, how many are skipped. */
  offset: number
  projection: Projection
  /** What prefetches have found, which passed the filters there; absent: every point is looked at. */
  among?: Hit[]
}

type Vectorial = Extract<Scoring, { vector: number }>

/** What searches of both kinds are asked. */
type Ranked = Pick<
  SearchRequest,
  'vector' | 'limit' | 'offset' | 'scoreThreshold' | 'filter' | 'exclude' | 'fields' | 'explain'
>

export class Leaf {
  readonly #scope: QueryScope
  readonly #references: References

  constructor(scope: QueryScope, references: References) {
    this.#scope = scope
    this.#references = references
  }

  async run(stage: Stage, key: Stage, place: LeafPlace): Promise<StageResult> {
    const { scoring } = stage
    if (place.among?.length === 0) return this.#told(kindOf(scoring), [], new BytesRead(), performance.now())
    switch (scoring.kind) {
      case 'ids':
        return await this.#inIdOrder(stage, place)
      case 'orderBy':
        return await this.#ordered(stage, scoring.order, place)
      case 'sample':
        return await this.#sampled(stage, place)
      case 'rrf':
      case 'dbsf':
      case 'formula':
        throw new Error(`a ${scoring.kind} stage has prefetches`)
      default: {
        const isDiverse = scoring.kind === 'nearest' && scoring.mmr !== null
        return isDiverse
          ? await this.#diverse(stage, key, scoring, place)
          : await this.#searched(stage, key, scoring, place)
      }
    }
  }

  async #searched(stage: Stage, key: Stage, scoring: Vectorial, place: LeafPlace): Promise<StageResult> {
    const started = performance.now()
    const { source, explains } = this.#scope
    const target =
      scoring.kind === 'nearest'
        ? nearestTo(this.#references.get(key, scoring.target))
        : targetOf(key, scoring, this.#references, source.schema[scoring.vector] as SchemaVector)
    const { result, isFiltered } = await this.#search(stage, scoring.vector, target, place)
    const hits = hitsOf<Payload>(result, place.projection)
    if (!explains) return { hits, plan: null }
    const facts = factsOf(kindOf(scoring), hits, BytesRead.of(result), started)
    return { hits, plan: planOf(result, isFiltered, facts) }
  }

  async #search(
    stage: Stage,
    vector: number,
    target: Target,
    place: LeafPlace,
  ): Promise<{ result: SearchResult; isFiltered: boolean }> {
    const { shard } = this.#scope.source
    const asked = this.#requestOf(stage, vector, target, place)
    const found =
      'sparse' in asked
        ? shard.searchSparse(asked.sparse, this.#scope.call)
        : shard.search(asked.dense, this.#scope.call)
    return {
      result: found instanceof Promise ? await found : found,
      isFiltered: ('sparse' in asked ? asked.sparse : asked.dense).filter !== null,
    }
  }

  /**
   * Fusion by ranks of searches that are short enough to run here and now, in one call of the kernel; null where they
   * are not, or are no such searches.
   */
  fused({ scoring, prefetches, limit, threshold }: Stage, place: LeafPlace, nothing: Projection): Hit[] | null {
    const { source } = this.#scope
    const { projection, offset, filters } = place
    if (scoring.kind !== 'rrf' || projection.fields.vectors.length > 0) return null
    const isPlain = ({ scoring: asked, prefetches: inner }: Stage) =>
      inner.length === 0 && asked.kind === 'nearest' && !asked.mmr
    if (!prefetches.every(isPlain)) return null
    const parts = prefetches.map((stage) => {
      const { vector, target } = stage.scoring as Extract<Scoring, { kind: 'nearest' }>
      const all = stage.filter ? [...filters, stage.filter] : filters
      const at = { filters: all, offset: 0, projection: nothing }
      const asked = this.#requestOf(stage, vector, nearestTo(this.#references.get(stage, target)), at)
      return 'sparse' in asked ? asked.sparse : asked.dense
    })
    const result = source.shard.searchFused({
      parts,
      k: scoring.k,
      weights: scoring.weights ? Float64Array.from(scoring.weights) : null,
      limit: limit - offset,
      offset,
      scoreThreshold: threshold,
      fields: projection.fields,
    })
    return result && hitsOf<Payload>(result, projection)
  }

  #requestOf(
    stage: Stage,
    vector: number,
    target: Target,
    place: LeafPlace,
  ): { sparse: Asked<SparseSearchRequest> } | { dense: Asked<SearchRequest> } {
    const { limit, threshold } = stage
    const { excluded } = this.#references
    const excludes = !place.among && excluded.length > 0
    const asCondition = excludes && excluded.length > MOST_EXCLUDED * ID_WORDS
    const ranked: Ranked = {
      vector,
      limit: limit - place.offset,
      offset: place.offset,
      scoreThreshold: threshold,
      filter: programOf(place, asCondition ? excluded : null),
      exclude: excludes && !asCondition ? excluded : null,
      fields: place.projection.fields,
      explain: this.#scope.explains,
    }
    return 'sparse' in target || 'sparseExamples' in target
      ? { sparse: this.#bySparse(ranked, stage, target) }
      : { dense: this.#byDense(ranked, stage, target, place.among !== undefined) }
  }

  #bySparse(ranked: Ranked, { corpus }: Stage, target: Target): Asked<SparseSearchRequest> {
    const { modifier } = this.#scope.source.schema[ranked.vector] as ResolvedSparse
    const { indices, values } = 'sparse' in target ? target.sparse : NO_SPARSE
    return {
      ...ranked,
      indices,
      values,
      ...('sparseExamples' in target ? { examples: target.sparseExamples } : {}),
      idf: modifier === 'idf',
      ...(corpus ? { corpus: compileNode(corpus) } : {}),
    }
  }

  #byDense(ranked: Ranked, { settings }: Stage, target: Target, isAmong: boolean): Asked<SearchRequest> {
    const { size, datatype = 'float32' } = this.#scope.source.schema[ranked.vector] as ResolvedVector
    const { ef, recall, exact, codes, indexedOnly } = settings
    const rounded = (vectors: Float32Array) => roundQuery(vectors, size, datatype)
    return {
      ...ranked,
      query: 'query' in target ? rounded(target.query) : NO_QUERY,
      ...('examples' in target ? { examples: { ...target.examples, vectors: rounded(target.examples.vectors) } } : {}),
      ef,
      recall,
      exact: exact || isAmong,
      ...(codes ? { codes } : {}),
      indexedOnly,
    }
  }

  /** Searches candidates, and chooses among them; scores stay those of the search. */
  async #diverse(
    stage: Stage,
    key: Stage,
    scoring: Extract<Scoring, { kind: 'nearest' }>,
    place: LeafPlace,
  ): Promise<StageResult> {
    const started = performance.now()
    const { source, call, explains } = this.#scope
    const { mmr, vector } = scoring
    if (!mmr || mmr.candidates === 0) return this.#told('mmr', [], new BytesRead(), started)
    const query = this.#references.get(key, scoring.target)
    const searched = source.schema[vector] as SchemaVector
    const seen = projectionOf({ withPayload: false, withVector: [searched.name] }, source.schema)
    const { result, isFiltered } = await this.#search({ ...stage, limit: mmr.candidates }, vector, nearestTo(query), {
      ...place,
      offset: 0,
      projection: seen,
    })
    const similarities = similaritiesOf(searched, query, result.vectors[0] as VectorRows, result.count)
    const chosen = await chooseDiverse(similarities, mmr.relevance, stage.limit, call?.signal)
    const candidates = hitsOf<Payload>(result, { ...seen, vectorNames: [] })
    const page = chosen.slice(place.offset).map((at) => candidates[at] as Hit)
    const read = new BytesRead()
    const hits = await withFields(source, page, place.projection, read)
    const told = this.#told('mmr', hits, read, started)
    const { tookUs } = result.stats
    if (explains) {
      const facts = factsOf('nearest', candidates, BytesRead.of(result), started, tookUs)
      told.plan?.prefetch.push(planOf(result, isFiltered, facts))
    }
    return told
  }

  async #inIdOrder({ limit }: Stage, place: LeafPlace): Promise<StageResult> {
    const started = performance.now()
    const { shard } = this.#scope.source
    const request = { from: null, limit, filter: this.#program(place), fields: place.projection.fields }
    const block = await shard.scroll(request, this.#scope.call?.signal)
    return await this.#listed('ids', alike(block, place.projection), block, place, started)
  }

  async #sampled({ limit }: Stage, place: LeafPlace): Promise<StageResult> {
    const started = performance.now()
    const seed = Math.floor(Math.random() * SEEDS)
    const request = { limit, seed, filter: this.#program(place), fields: place.projection.fields }
    const block = await this.#scope.source.shard.sample(request, this.#scope.call?.signal)
    return await this.#listed('sample', alike(block, place.projection), block, place, started)
  }

  async #ordered({ limit }: Stage, { key: field, descending, from }: Order, place: LeafPlace): Promise<StageResult> {
    const started = performance.now()
    const request = { field, descending, from, limit, filter: this.#program(place), fields: place.projection.fields }
    const block = await this.#scope.source.shard.orderBy(request, this.#scope.call?.signal)
    const hits = alike(block, place.projection)
    for (const [row, hit] of hits.entries()) hit.orderValue = orderValueAt(block, row)
    return await this.#listed('order_by', hits, block, place, started)
  }

  #program(place: LeafPlace): Uint8Array | null {
    const { excluded } = this.#references
    return programOf(place, place.among || excluded.length === 0 ? null : excluded)
  }

  /** Of rows that no search has chosen. How many match is counted for who wants to know, which the stage took no part in. */
  async #listed(
    stage: StageKind,
    rows: Hit[],
    block: RowBlock,
    place: LeafPlace,
    started: number,
  ): Promise<StageResult> {
    const told = this.#told(stage, rows.slice(place.offset), BytesRead.of(block), started)
    const filter = this.#program(place)
    if (!told.plan || !filter) return told
    const { source, call } = this.#scope
    const matches = await source.shard.count(filter, call?.signal)
    return { ...told, plan: withMatches(told.plan, matches, source.shard.stats().points) }
  }

  #told(stage: StageKind, hits: Hit[], read: BytesRead, started: number): StageResult {
    return { hits, plan: this.#scope.explains ? planWithoutSearch(factsOf(stage, hits, read, started)) : null }
  }
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

function kindOf(scoring: Scoring): StageKind {
  if (scoring.kind === 'orderBy') return 'order_by'
  if (scoring.kind === 'feedback') return 'relevance_feedback'
  if (scoring.kind === 'nearest' && scoring.mmr) return 'mmr'
  return scoring.kind
}

/** All that has to hold, as the kernel reads it; null where that is nothing. */
function programOf({ filters, among }: LeafPlace, excluded: Uint32Array | null): Uint8Array | null {
  const nodes = [...filters]
  if (among) nodes.push({ op: 'hasId', ids: encodeIds(among.map(({ id }) => id)) })
  if (excluded) nodes.push({ op: 'not', child: { op: 'hasId', ids: excluded } })
  const [only, ...more] = nodes
  if (!only) return null
  return compileNode(more.length === 0 ? only : { op: 'and', children: nodes })
}

/** Points that no score tells apart. */
function alike(block: RowBlock, projection: Projection): Hit[] {
  const reader = new RowReader(block, projection)
  return Array.from({ length: block.count }, (_, row) => ({ ...reader.point(row), version: 0, score: 1 }))
}
