/** The full state of a collection as comparable text: every point with its payload and its vectors' bits. */
import type { Collection, StoredPoint } from '../../src/core/database.js'
import { RawJson } from '../../src/core/point.js'

const PAGE = 1_000

export type CollectionState = Map<string, string>

export async function stateOf(
  collection: Collection,
  textOf: (point: StoredPoint) => string = pointText,
): Promise<CollectionState> {
  const state: CollectionState = new Map()
  for await (const point of collection.scroll({ withVector: true, limit: PAGE })) {
    const key = String(point.id)
    if (state.has(key)) throw new Error(`doubled: id ${key} came twice in a scroll`)
    state.set(key, textOf(point))
  }
  return state
}

export function pointText({ payload, vector }: StoredPoint): string {
  const plain = payload instanceof RawJson ? payload.toJSON() : (payload ?? {})
  const vectors = vector instanceof Float32Array || Array.isArray(vector) ? { '': vector } : (vector ?? {})
  const bits = Object.entries(vectors).map(([name, values]) => [
    name,
    [values].flat().map((one) => Buffer.from(Float32Array.from(one).buffer).toString('hex')),
  ])
  return JSON.stringify({
    payload: sorted(plain),
    vectors: Object.fromEntries(bits.sort(([a], [b]) => (a! < b! ? -1 : 1))),
  })
}

/** The order of keys has no meaning. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted)
  if (value === null || typeof value !== 'object') return value
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))
  return Object.fromEntries(entries.map(([key, inner]) => [key, sorted(inner)]))
}

/** The differences in a few lines; empty if the states are equal. */
export function difference(found: CollectionState, expected: CollectionState, most = 5): string {
  const lines: string[] = []
  for (const [id, text] of expected) {
    const seen = found.get(id)
    if (seen === undefined) lines.push(`missing: id ${id}, expected ${text}`)
    else if (seen !== text) lines.push(`changed: id ${id}, expected ${text}, found ${seen}`)
  }
  for (const [id, text] of found) if (!expected.has(id)) lines.push(`phantom: id ${id}, found ${text}`)
  return lines.length > most
    ? [...lines.slice(0, most), `and ${lines.length - most} more`].join('\n')
    : lines.join('\n')
}
