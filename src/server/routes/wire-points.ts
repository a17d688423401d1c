import type { PointGroup, StoredPoint } from '../../core/database.js'
import { storedId, textIdOf } from '../../core/text-ids.js'

/** Points with the names of the wire. Most have them already; only few points have an order value or a text id. */
export function wirePoints(points: StoredPoint[]): object[] {
  const [first] = points
  if (first === undefined || (first.orderValue === undefined && typeof first.id !== 'string')) return points
  return points.some(isRenamed) ? points.map(wirePoint) : points
}

export function wirePoint(point: StoredPoint): object {
  if (!isRenamed(point)) return point
  const { orderValue, id, ...others } = point
  const textId = textIdOf(id)
  return {
    id: storedId(id),
    ...(textId === null ? {} : { text_id: textId }),
    ...others,
    ...(orderValue === undefined ? {} : { order_value: orderValue }),
  }
}

function isRenamed({ id, orderValue }: StoredPoint): boolean {
  return orderValue !== undefined || textIdOf(id) !== null
}

export function wireGroups(groups: PointGroup[]): object {
  return {
    groups: groups.map(({ lookup, ...group }) => ({
      ...group,
      hits: wirePoints(group.hits),
      ...(lookup === undefined ? {} : { lookup: lookup && wirePoint(lookup) }),
    })),
  }
}
