/** Groups, facets and matrices of the in-memory oracle, computed from all points. */
import type { Hit, PointGroup } from '../../src/core/database.js'
import type { FacetHit, QueryGroupsOptions, SearchMatrix, SearchMatrixOptions } from '../../src/core/query.js'
import { valuesOf } from './memory-payload.js'
import type { MemoryPoint } from './memory-points.js'
import { type MemorySource, type Ranked, runOracle } from './memory-query.js'
import {
  isGreaterBetter,
  isSparseSpace,
  type MemoryVector,
  nearestScore,
  type SparseMap,
  weighed,
} from './memory-vectors.js'

export function groupsOfOracle(
  source: MemorySource,
  options: QueryGroupsOptions,
  hitOf: (hit: Ranked) => Hit,
): PointGroup[] {
  const { groupBy, groupSize = 3, limit = 10, withLookup } = options
  const groups = new Map<string | number, Ranked[]>()
  for (const hit of runOracle(source, { ...options, limit: source.all().length + 1 })) {
    for (const value of new Set(valuesOf(hit.point.payload, groupBy))) {
      if (typeof value !== 'string' && !Number.isInteger(value)) continue
      const id = value as string | number
      groups.set(id, [...(groups.get(id) ?? []), hit])
    }
  }
  const best = [...groups].slice(0, limit).map(([id, hits]) => ({ id, hits: hits.slice(0, groupSize).map(hitOf) }))
  if (!withLookup) return best
  const { collection, withPayload, withVectors } =
    typeof withLookup === 'string' ? ({ collection: withLookup } as never) : withLookup
  const other = source.lookup(collection)
  return best.map((group) => {
    const found = typeof group.id === 'number' || group.id.length === 36 ? other.find(group.id) : undefined
    const seen = {
      withPayload: withPayload ?? true,
      withVector: withVectors ?? false,
      rawPayload: options.rawPayload ?? false,
    }
    return { ...group, lookup: found ? other.seen(found, seen) : null }
  })
}

export function facetOfOracle(points: MemoryPoint[], key: string): FacetHit[] {
  const counts = new Map<FacetHit['value'], number>()
  for (const point of points) {
    for (const value of new Set(valuesOf(point.payload, key))) {
      if (value === null || typeof value === 'object') continue
      counts.set(value as string, (counts.get(value as string) ?? 0) + 1)
    }
  }
  return [...counts]
    .map(([value, count]) => ({ value, count }))
    .sort((a, b) => b.count - a.count || (a.value < b.value ? -1 : 1))
}

export function matrixOfOracle(source: MemorySource, options: SearchMatrixOptions): SearchMatrix {
  const { filter, sample = 10, limit = 3, using } = options
  const space = source.space(using)
  const having = (points: MemoryPoint[]) => points.filter((point) => point.vectors.has(space.name))
  const points = having(source.matching(filter)).slice(0, sample)
  const all = having(source.all())
  if (points.length < 2) return { ids: [], pairs: [] }
  const sign = isGreaterBetter(space) ? -1 : 1
  const stored = (point: MemoryPoint) => point.vectors.get(space.name) as MemoryVector
  const corpus =
    isSparseSpace(space) && space.modifier === 'idf' ? all.map((point) => stored(point) as SparseMap) : null
  const query = (point: MemoryPoint) => (corpus ? weighed(stored(point) as SparseMap, corpus) : stored(point))
  const pairs = points.flatMap((a) =>
    points
      .filter((b) => b !== a)
      .flatMap((b) => {
        const score = nearestScore(space, query(a), stored(b))
        return score === null ? [] : [{ a: a.id, b: b.id, score }]
      })
      .sort((x, y) => sign * (x.score - y.score))
      .slice(0, limit),
  )
  return { ids: points.map(({ id }) => id), pairs }
}
