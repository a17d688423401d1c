import type { PointGroup, StoredPoint } from '../../core/database.js'

/** Points with the names of the wire. Only `orderValue`, which few points have, is renamed. */
export function wirePoints(points: StoredPoint[]): object[] {
  return points[0]?.orderValue === undefined ? points : points.map(wirePoint)
}

function wirePoint({ orderValue, ...point }: StoredPoint): object {
  return { ...point, order_value: orderValue }
}

export function wireGroups(groups: PointGroup[]): object {
  return { groups: groups.map((group) => ({ ...group, hits: wirePoints(group.hits) })) }
}
