import { stringify as stringifyWithBigInts } from 'lossless-json'
import type { ReadOptions, StoredPoint } from '../../src/core/database.js'
import { type Payload, RawJson } from '../../src/core/point.js'
import { selectPayload } from './memory-payload.js'
import type { MemoryPoint } from './memory-points.js'
import { seenVector } from './memory-vectors.js'

/** A point as an answer has it, with the vectors of these names. */
export function seenPoint(point: MemoryPoint, options: ReadOptions, names: readonly string[]): StoredPoint {
  const seen: StoredPoint = { id: point.id }
  const payload = selectPayload(point.payload, options.withPayload ?? true)
  if (payload) {
    const text = stringifyWithBigInts(payload) as string
    seen.payload = (options.rawPayload ? new RawJson(text) : payload) as Payload
  }
  if (names.length === 0) return seen
  const vectors = Object.fromEntries(
    [...point.vectors].filter(([name]) => names.includes(name)).map(([name, vector]) => [name, seenVector(vector)]),
  )
  const unnamed = Object.keys(vectors).length === 1 ? vectors[''] : undefined
  if (Object.keys(vectors).length > 0 || names[0] !== '') seen.vector = unnamed ?? vectors
  return seen
}
