/** What the in-memory oracle checks of its callers, and small shapes it gives. */
import type { CallOptions } from '../../src/core/database.js'
import { invalid, VicinalError } from '../../src/core/errors.js'
import { RawJson } from '../../src/core/point.js'
import type { MemoryPoint } from './memory-points.js'

const MAX_RESULTS = 65_536

export function filterable(point: MemoryPoint) {
  return { id: point.id, payload: point.payload, vectorNames: [...point.vectors.keys()] }
}

export function plainPayload(payload: unknown): Record<string, unknown> {
  if (payload === null || payload === undefined) return {}
  if (typeof payload !== 'object' || Array.isArray(payload)) throw invalid('payload', 'expected an object', payload)
  return (payload instanceof RawJson ? JSON.parse(payload.text) : structuredClone(payload)) as Record<string, unknown>
}

export function checkCall({ signal }: CallOptions): void {
  if (signal?.aborted) throw new VicinalError('CANCELLED', 'The call was cancelled')
}

export function bounded(value: number, least: number, field: string): void {
  if (!Number.isInteger(value) || value < least || value > MAX_RESULTS) {
    throw invalid(field, `expected an integer from ${least} to ${MAX_RESULTS}`, value)
  }
}
