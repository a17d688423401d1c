/** The parts of a collection in memory, by name and by kind. */
import type { Bytes, CollectionInfo } from './types.js'

export interface Part {
  name: string
  kind: Kind
  /** If all of it were in memory. */
  bytes: number
  /** In memory now. */
  resident: number
}

/** In the order of their colours in the style sheet. */
export const KINDS = ['vectors', 'graph', 'codes', 'payload', 'payload indexes', 'ids', 'the rest'] as const
export type Kind = (typeof KINDS)[number]

/** The largest first. */
export function partsOf({ vectors, total, process, ...others }: CollectionInfo['memory']): Part[] {
  const parts: Part[] = []
  for (const [vector, held] of Object.entries(vectors)) {
    for (const [what, one] of Object.entries(held)) add(parts, vector ? `${what} of ${vector}` : what, what, one)
  }
  for (const [what, one] of Object.entries(others)) {
    const name = what.replaceAll('_', ' ')
    add(parts, name, name, one)
  }
  return parts.sort((a, b) => b.bytes - a.bytes)
}

/** Beside the parts there are sums of them, which are plain numbers. */
function add(parts: Part[], name: string, what: string, one: unknown): void {
  const found = one as Bytes | null
  if (typeof found?.bytes !== 'number' || found.bytes === 0) return
  const kind = KINDS.find((known) => known === what) ?? 'the rest'
  parts.push({ name, kind, bytes: found.bytes, resident: found.resident_bytes })
}

/** Bytes in memory by kind, the largest first; kinds without any are left out. */
export function residentByKind(memory: CollectionInfo['memory']): [Kind, number][] {
  const sums = new Map<Kind, number>()
  for (const { kind, resident } of partsOf(memory)) sums.set(kind, (sums.get(kind) ?? 0) + resident)
  return [...sums].filter(([, bytes]) => bytes > 0).sort(([, a], [, b]) => b - a)
}
