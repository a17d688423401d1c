/** The parts of a collection in memory, by name and by kind. */
import type { Bytes, CollectionInfo } from './types.js'

export interface Part {
  name: string
  kind: Kind
  /** All of it, in memory or in files. */
  bytes: number
  /** In memory now. */
  resident: number
}

/** In the order of their colours in the style sheet. */
export const KINDS = ['vectors', 'graph', 'codes', 'payload', 'payload indexes', 'ids', 'the rest'] as const
export type Kind = (typeof KINDS)[number]

/** By bytes in memory now, then by size; the largest first. */
export function partsOf({ vectors, total, process, ...others }: CollectionInfo['memory']): Part[] {
  const parts: Part[] = []
  for (const [vector, held] of Object.entries(vectors)) {
    const inFiles = Number(held.in_files_bytes ?? 0)
    for (const [what, one] of Object.entries(held)) {
      add(parts, vector ? `${what} of ${vector}` : what, what, one, what === 'vectors' ? inFiles : 0)
    }
  }
  for (const [what, one] of Object.entries(others)) {
    const name = what.replaceAll('_', ' ')
    add(parts, name, name, one)
  }
  return parts.sort((a, b) => b.resident - a.resident || b.bytes - a.bytes)
}

/** The size of all parts, in memory or in files. */
export function sizeOf(memory: CollectionInfo['memory']): number {
  return partsOf(memory).reduce((all, { bytes }) => all + bytes, 0)
}

/** Beside the parts there are sums of them, which are plain numbers. */
function add(parts: Part[], name: string, what: string, one: unknown, inFiles = 0): void {
  const found = one as Bytes | null
  if (typeof found?.bytes !== 'number') return
  const [bytes, resident] = [found.bytes + inFiles, found.resident_bytes]
  const kind = KINDS.find((known) => known === what) ?? 'the rest'
  if (bytes + resident > 0) parts.push({ name, kind, bytes, resident })
}

/** Bytes in memory by kind, the largest first; kinds without any are left out. */
export function residentByKind(memory: CollectionInfo['memory']): [Kind, number][] {
  const sums = new Map<Kind, number>()
  for (const { kind, resident } of partsOf(memory)) sums.set(kind, (sums.get(kind) ?? 0) + resident)
  return [...sums].filter(([, bytes]) => bytes > 0).sort(([, a], [, b]) => b - a)
}
