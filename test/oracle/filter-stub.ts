import type { Filter } from '../../src/core/filter.js'
export function matchesFilter(filter: Filter, point: { id: unknown; payload: Record<string, unknown>; vectorNames: string[] }): boolean {
  const must = (filter.must ?? []) as { key: string; match: { value: unknown } }[]
  return must.every((c) => point.payload[c.key] === c.match.value)
}
