/** Queries of the in-memory oracle: every point is scored, and every rule is written out plainly. */
import type { QueryOptions, ReadOptions, StoredPoint } from '../../src/core/database.js'
import { invalid, noSuchPoint, notFound } from '../../src/core/errors.js'
import type { Filter } from '../../src/core/filter.js'
import { isNumbers, type PointId } from '../../src/core/point.js'
import type { ContextPair, OrderBy, Query, QueryStage, VectorInput } from '../../src/core/query.js'
import { formulaValue } from './memory-formula.js'
import { valuesOf } from './memory-payload.js'
import { idKey, type MemoryPoint } from './memory-points.js'
import {
  averageVector,
  isGreaterBetter,
  isSparseSpace,
  likeness,
  type MemorySpace,
  type MemoryVector,
  memoryVector,
  nearestScore,
  type SparseMap,
  sum,
  weighed,
} from './memory-vectors.js'

export interface Ranked {
  point: MemoryPoint
  score: number
  version: number
  orderValue?: number | bigint
}

/** The view that queries have of a collection. */
export interface MemorySource {
  name: string
  all(): MemoryPoint[]
  matching(filter: Filter | null | undefined): MemoryPoint[]
  find(id: PointId): MemoryPoint | undefined
  space(using: string | undefined | null): MemorySpace
  lookup(name: string): MemorySource
  seen(point: MemoryPoint, options: ReadOptions): StoredPoint
}

export function runOracle(source: MemorySource, options: QueryOptions): Ranked[] {
  const { limit = 10, offset = 0 } = options
  const excluded = new Set(namedIds(source, options))
  const found = runStage(source, { ...options, limit: limit + offset }, [], excluded)
  return found.slice(offset)
}

function runStage(source: MemorySource, stage: QueryStage, filters: Filter[], excluded: Set<string>): Ranked[] {
  const all = stage.filter ? [...filters, stage.filter] : filters
  const prefetches = listOf(stage.prefetch)
  if (prefetches.length === 0) {
    const candidates = source
      .matching(all.length > 0 ? { must: all } : null)
      .filter((point) => !excluded.has(idKey(point.id)))
    return scored(source, stage, candidates).slice(0, stage.limit ?? 10)
  }
  const sources = prefetches.map((prefetch) => runStage(source, prefetch, all, excluded))
  return merged(source, stage, sources).slice(0, stage.limit ?? 10)
}

function merged(source: MemorySource, stage: QueryStage, sources: Ranked[][]): Ranked[] {
  const query = stage.query as Exclude<Query, VectorInput>
  const isObject = typeof query === 'object' && !isNumbers(query)
  const points = [...new Set(sources.flat().map(({ point }) => point))]
  if (isObject && ('fusion' in query || 'rrf' in query)) {
    const isByScore = 'fusion' in query && query.fusion === 'dbsf'
    const { k, weights } = 'rrf' in query ? query.rrf : {}
    const share = (hits: Ranked[], source: number, point: MemoryPoint): number => {
      const place = hits.findIndex((hit) => hit.point === point)
      if (place < 0) return 0
      if (isByScore) return spread(hits, hits[place]?.score as number)
      const weight = weights?.[source] ?? 1
      return weight <= 0 ? 0 : 1 / ((place + 1) / weight + (k ?? 2) - 1)
    }
    return best(points, (point) => sources.reduce((sum, hits, i) => sum + share(hits, i, point), 0), stage)
  }
  if (isObject && 'formula' in query) {
    const scores = (point: MemoryPoint) => sources.map((hits) => hits.find((hit) => hit.point === point)?.score)
    return best(points, (point) => formulaValue(query, point, scores(point)), stage)
  }
  // Equal scores are in id order.
  const inOrder = points.sort((a, b) => (idKey(a.id) < idKey(b.id) ? -1 : 1))
  return scored(source, stage, inOrder)
}

/** Scales from three deviations below the mean to three above. */
function spread(hits: Ranked[], value: number): number {
  if (hits.length < 2) return 0.5
  const mean = hits.reduce((sum, hit) => sum + hit.score, 0) / hits.length
  const variance = hits.reduce((sum, hit) => sum + (hit.score - mean) ** 2, 0) / (hits.length - 1)
  const deviation = Math.sqrt(variance)
  return deviation === 0 ? 0.5 : (value - (mean - 3 * deviation)) / (6 * deviation)
}

function best(points: MemoryPoint[], scoreOf: (point: MemoryPoint) => number, stage: QueryStage): Ranked[] {
  const { scoreThreshold } = stage
  return points
    .map((point) => ({ point, score: Math.fround(scoreOf(point)), version: point.version }))
    .filter((hit) => scoreThreshold === undefined || hit.score >= scoreThreshold)
    .sort((a, b) => b.score - a.score)
}

function scored(source: MemorySource, stage: QueryStage, candidates: MemoryPoint[]): Ranked[] {
  const { query } = stage
  if (query === undefined || query === null) return alike(candidates)
  if (isInput(query)) {
    return nearest(source, stage, candidates, query as VectorInput)
  }
  if ('nearest' in query) {
    const { mmr } = query
    const found = nearest(source, stage, candidates, query.nearest)
    if (!mmr) return found
    const limit = stage.limit ?? 10
    return diverse(
      source,
      stage,
      query.nearest,
      found.slice(0, mmr.candidatesLimit ?? limit),
      1 - (mmr.diversity ?? 0.5),
    )
  }
  if ('orderBy' in query) return ordered(candidates, query.orderBy)
  if ('sample' in query) return alike(candidates)
  const space = source.space(stage.using)
  const withVector = candidates.filter((point) => point.vectors.has(space.name))
  const similarityOf = (input: VectorInput) => {
    const vector = rarified(source, stage, vectorOf(source, stage, input))
    return (point: MemoryPoint) => likeness(space, vector, point.vectors.get(space.name) as MemoryVector)
  }
  if ('recommend' in query) {
    const { positive = [], negative = [], strategy } = query.recommend
    if (!strategy || strategy === 'average_vector') {
      return nearestTo(source, stage, candidates, average(source, stage, positive ?? [], negative ?? []))
    }
    const [likes, dislikes] = [(positive ?? []).map(similarityOf), (negative ?? []).map(similarityOf)]
    return best(
      withVector,
      (point) => {
        const [good, bad] = [likes.map((of) => of(point)), dislikes.map((of) => of(point))]
        if (strategy === 'sum_scores') return sum(good) - sum(bad)
        const [most, least] = [Math.max(...good), Math.max(...bad)]
        return most > least ? sigmoid(most) : -sigmoid(least)
      },
      stage,
    )
  }
  if ('discover' in query) {
    const target = similarityOf(query.discover.target)
    const pairs = pairsOf(query.discover.context).map(
      ({ positive, negative }) => [similarityOf(positive), similarityOf(negative)] as const,
    )
    return best(
      withVector,
      (point) => {
        const rank = sum(pairs.map(([positive, negative]) => Math.sign(positive(point) - negative(point))))
        return rank + sigmoid(target(point))
      },
      stage,
    )
  }
  if ('context' in query) {
    const pairs = pairsOf(query.context).map(
      ({ positive, negative }) => [similarityOf(positive), similarityOf(negative)] as const,
    )
    return best(
      withVector,
      (point) =>
        sum(
          pairs.map(([positive, negative]) => {
            const difference = Math.min(0, positive(point) - negative(point) - 2 ** -23)
            return difference / (1 + Math.abs(difference))
          }),
        ),
      stage,
    )
  }
  if ('relevanceFeedback' in query) {
    const { target, feedback, strategy } = query.relevanceFeedback
    const { a, b, c } = strategy.naive
    const rated = feedback.map(({ example, score }) => ({ similarity: similarityOf(example), score }))
    const pairs = rated.flatMap((better) =>
      rated
        .filter((worse) => better.score > worse.score)
        .map((worse) => ({
          weight: (better.score - worse.score) ** b * c,
          good: better.similarity,
          bad: worse.similarity,
        })),
    )
    const near = similarityOf(target)
    return best(
      withVector,
      (point) => a * near(point) + sum(pairs.map(({ weight, good, bad }) => weight * (good(point) - bad(point)))),
      stage,
    )
  }
  throw invalid('query', 'expected a query of the oracle', query)
}

function nearest(source: MemorySource, stage: QueryStage, candidates: MemoryPoint[], input: VectorInput): Ranked[] {
  return nearestTo(source, stage, candidates, vectorOf(source, stage, input))
}

function nearestTo(source: MemorySource, stage: QueryStage, candidates: MemoryPoint[], query: MemoryVector): Ranked[] {
  const space = source.space(stage.using)
  const vector = rarified(source, stage, query)
  const sign = isGreaterBetter(space) ? -1 : 1
  const { scoreThreshold } = stage
  return candidates
    .filter((point) => point.vectors.has(space.name))
    .flatMap((point) => {
      const score = nearestScore(space, vector, point.vectors.get(space.name) as MemoryVector)
      return score === null ? [] : [{ point, version: point.version, score }]
    })
    .filter((hit) => scoreThreshold === undefined || sign * hit.score <= sign * scoreThreshold)
    .sort((a, b) => sign * (a.score - b.score))
}

/** Applies IDF to sparse vectors with the modifier, counted in the stage's corpus or among all points. */
function rarified(source: MemorySource, stage: QueryStage, vector: MemoryVector): MemoryVector {
  const space = source.space(stage.using)
  if (!isSparseSpace(space) || space.modifier !== 'idf') return vector
  const idf = stage.params?.idf
  const corpus = source.matching(idf && idf !== 'global' ? idf.corpus : null)
  const vectors = corpus.flatMap((point) => (point.vectors.get(space.name) as SparseMap | undefined) ?? [])
  return weighed(vector as SparseMap, vectors)
}

function average(
  source: MemorySource,
  stage: QueryStage,
  positive: readonly VectorInput[],
  negative: readonly VectorInput[],
): MemoryVector {
  const space = source.space(stage.using)
  const all = (inputs: readonly VectorInput[]) => inputs.map((input) => rawVector(source, stage, input))
  const mean = averageVector(space, all(positive), all(negative))
  return memoryVector(mean, space, 'query')
}

function diverse(
  source: MemorySource,
  stage: QueryStage,
  input: VectorInput,
  candidates: Ranked[],
  relevance: number,
): Ranked[] {
  const space = source.space(stage.using)
  const query = vectorOf(source, stage, input)
  const vector = (hit: Ranked) => hit.point.vectors.get(space.name) as MemoryVector
  const chosen: Ranked[] = []
  const rest = [...candidates]
  while (rest.length > 0 && chosen.length < (stage.limit ?? 10)) {
    const worth = rest.map((hit) => {
      const near = likeness(space, query, vector(hit))
      if (chosen.length === 0) return near
      const crowded = Math.max(...chosen.map((other) => likeness(space, vector(hit), vector(other))))
      return relevance * near - (1 - relevance) * crowded
    })
    chosen.push(...rest.splice(worth.indexOf(Math.max(...worth)), 1))
  }
  return chosen
}

export function ordered(candidates: MemoryPoint[], orderBy: string | OrderBy): Ranked[] {
  const { key, direction, startFrom } =
    typeof orderBy === 'string' ? { key: orderBy, direction: 'asc', startFrom: null } : orderBy
  const sign = direction === 'desc' ? -1 : 1
  const comparable = (value: unknown) => (typeof value === 'string' ? Date.parse(value) * 1000 : value)
  const from = startFrom === null || startFrom === undefined ? null : (comparable(startFrom) as number)
  return candidates
    .flatMap((point) => {
      const values = [...new Set(valuesOf(point.payload, key).map(comparable))]
      const numbers = values.filter(
        (value) => typeof value === 'bigint' || (typeof value === 'number' && !Number.isNaN(value)),
      )
      return numbers.map((value) => ({ point, score: 1, version: 0, orderValue: value as number }))
    })
    .filter(({ orderValue }) => from === null || (sign > 0 ? orderValue >= from : orderValue <= from))
    .sort((a, b) => (a.orderValue === b.orderValue ? 0 : a.orderValue < b.orderValue ? -sign : sign))
}

function alike(points: MemoryPoint[]): Ranked[] {
  return points.map((point) => ({ point, score: 1, version: 0 }))
}

/** A vector in the form in which it is compared: of unit length under Cosine. */
function vectorOf(source: MemorySource, stage: QueryStage, input: VectorInput): MemoryVector {
  return memoryVector(rawVector(source, stage, input), source.space(stage.using), 'query')
}

function rawVector(source: MemorySource, stage: QueryStage, input: VectorInput): MemoryVector {
  const space = source.space(stage.using)
  if (typeof input === 'object') return memoryVector(input, space, 'query', true)
  const { lookupFrom } = stage
  const from = lookupFrom ? source.lookup(lookupFrom.collection) : source
  const point = from.find(input)
  if (!point) throw noSuchPoint(input)
  const vector = point.vectors.get(lookupFrom?.vector ?? space.name)
  if (!vector) throw notFound('vector of point', input)
  return vector
}

/** Ids of this collection that the query names, at all levels. */
function namedIds(source: MemorySource, stage: QueryStage): string[] {
  const ids: string[] = listOf(stage.prefetch).flatMap((prefetch) => namedIds(source, prefetch))
  const isOwn = !stage.lookupFrom || stage.lookupFrom.collection === source.name
  return isOwn
    ? [...ids, ...inputsOf(stage.query).flatMap((input) => (typeof input === 'object' ? [] : [idKey(input, 'query')]))]
    : ids
}

function inputsOf(query: Query | null | undefined): VectorInput[] {
  if (query === undefined || query === null) return []
  if (isInput(query)) return [query as VectorInput]
  if ('nearest' in query) return [query.nearest]
  if ('recommend' in query) return [...(query.recommend.positive ?? []), ...(query.recommend.negative ?? [])]
  if ('discover' in query)
    return [query.discover.target, ...pairsOf(query.discover.context).flatMap((pair) => [pair.positive, pair.negative])]
  if ('context' in query) return pairsOf(query.context).flatMap((pair) => [pair.positive, pair.negative])
  if ('relevanceFeedback' in query)
    return [query.relevanceFeedback.target, ...query.relevanceFeedback.feedback.map(({ example }) => example)]
  return []
}

function isInput(query: Query): query is VectorInput {
  return typeof query !== 'object' || isNumbers(query) || 'indices' in query
}

function pairsOf(context: ContextPair | readonly ContextPair[] | null | undefined): readonly ContextPair[] {
  return listOf(context)
}

function listOf<T>(value: T | readonly T[] | null | undefined): readonly T[] {
  if (value === null || value === undefined) return []
  return Array.isArray(value) ? value : [value as T]
}

function sigmoid(x: number): number {
  return 0.5 * (x / (1 + Math.abs(x)) + 1)
}

export function orderedPoint({ orderValue }: Ranked, seen: StoredPoint): StoredPoint {
  return { ...seen, orderValue: orderValue as number }
}
