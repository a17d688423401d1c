/** Checks of arguments for the in-memory oracle, and small shapes of its answers. */
import type { CallOptions, ColumnarPoints, Selector } from '../../src/core/database.js'
import { invalid, VicinalError } from '../../src/core/errors.js'
import type { Filter } from '../../src/core/filter.js'
import { type Point, type PointId, RawJson } from '../../src/core/point.js'
import { readSelector } from '../../src/core/selector.js'
import type { MemoryPoint } from './memory-points.js'

const MAX_RESULTS = 65_536

export function filterable(point: MemoryPoint) {
  return { id: point.id, payload: point.payload, vectorNames: [...point.vectors.keys()] }
}

export function plainPayload(payload: unknown): Record<string, unknown> {
  if (payload === null || payload === undefined) return {}
  if (typeof payload !== 'object' || Array.isArray(payload)) throw invalid('payload', 'expected an object', payload)
  return (payload instanceof RawJson ? JSON.parse(payload.text) : withDateTexts(structuredClone(payload))) as Record<
    string,
    unknown
  >
}

function withDateTexts(value: unknown): unknown {
  if (value instanceof Date) {
    if (Number.isNaN(value.getTime())) throw invalid('payload', 'expected a date that is valid', value)
    return value.toISOString()
  }
  if (Array.isArray(value)) return value.map(withDateTexts)
  if (value === null || typeof value !== 'object') return value
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, withDateTexts(one)]))
}

export function checkCall({ signal }: CallOptions): void {
  if (signal?.aborted) throw new VicinalError('CANCELLED', 'The call was cancelled')
}

export function checkedPoints(points: unknown): readonly Point[] | ColumnarPoints {
  if (Array.isArray(points) || (points !== null && typeof points === 'object' && 'ids' in points))
    return points as Point[]
  throw invalid('points', 'expected points', points)
}

export function bounded(value: number, least: number, field: string): void {
  if (!Number.isInteger(value) || value < least || value > MAX_RESULTS) {
    throw invalid(field, `expected an integer from ${least} to ${MAX_RESULTS}`, value)
  }
}

/** The points that a selector names: by ids, or by a filter, which may be absent with `all`. */
export function selectionOf(which: Selector): { ids: readonly PointId[] | null; filter: Filter | null } {
  const { ids = null, filter = null } = readSelector(which) as { ids?: readonly PointId[]; filter?: Filter }
  return { ids, filter }
}
