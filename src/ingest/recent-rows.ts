/** Hashes of the vectors of a source's latest rows, for the check `duplicate`. */
import type { IngestionRule } from '../core/ingestion-rules.js'
import { LIMITS } from '../core/limits.js'

/** As it is kept with the source's position: of each row four words, which are vector, age, and hash. */
export interface KeptRows {
  /** Names of the vectors, by their number. */
  vectors: string[]
  words: Uint32Array
}

/** Words of one row of `KeptRows`. */
export const WORDS_OF_ROW = 4
const HALF = 32n
const LOW = 0xffff_ffffn

export class RecentRows {
  /** Of each vector the latest row of each hash, in the order of rows. */
  readonly #rows = new Map<string, Map<bigint, number>>()

  /** `end`: the row after the kept ones. */
  constructor(kept: KeptRows | null = null, end = 0) {
    if (!kept) return
    const { words } = kept
    for (let at = 0; at + WORDS_OF_ROW <= words.length; at += WORDS_OF_ROW) {
      const name = kept.vectors[words[at] as number]
      const hash = (BigInt(words[at + 3] as number) << HALF) | BigInt(words[at + 2] as number)
      if (name !== undefined) this.#of(name).set(hash, end - (words[at + 1] as number))
    }
  }

  /** Notes that a row has the vector. Returns the latest row before it that had it; null without one. */
  note(vector: string, hash: bigint, row: number): number | null {
    const rows = this.#of(vector)
    const before = rows.get(hash) ?? null
    rows.delete(hash)
    rows.set(hash, row)
    return before
  }

  #of(vector: string): Map<bigint, number> {
    let rows = this.#rows.get(vector)
    if (!rows) {
      rows = new Map()
      this.#rows.set(vector, rows)
    }
    return rows
  }

  /** The rows before `end` in the widest window of each vector; null if no rule has one. */
  kept(rules: readonly IngestionRule[], end: number): KeptRows | null {
    if (rules.every(({ check }) => check !== 'duplicate')) return null
    const vectors = [...this.#rows.keys()]
    const words: number[] = []
    for (const [number, name] of vectors.entries()) {
      const first = end - widestWindow(rules, name)
      for (const [hash, row] of this.#of(name)) {
        if (row >= first && row < end) words.push(number, end - row, Number(hash & LOW), Number(hash >> HALF))
      }
    }
    return { vectors, words: Uint32Array.from(words) }
  }
}

/** How many rows back the rules compare the vector; 0 if none does. */
export function widestWindow(rules: readonly IngestionRule[], name: string): number {
  let widest = 0
  for (const { check, vector, window = LIMITS.duplicateWindowDefault } of rules)
    if (check === 'duplicate' && (vector === undefined || vector === name)) widest = Math.max(widest, window)
  return widest
}
