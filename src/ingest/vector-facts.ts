/** The vectors of one column under the rules: the facts about each, and its changes. */
import type { VectorColumn } from '../core/point.js'
import { isSparse, type ResolvedVector, type SchemaVector } from '../core/schema.js'
import { HAS_BEYOND, HAS_NAN, inspectVectors, type VectorFacts } from '../native/vectors.js'
import { sparseAt } from './sparse-column.js'

/** The greatest component that a datatype holds. */
export const MOST_OF_DATATYPE = {
  float32: 3.4028234663852886e38,
  float16: 65_504,
  uint8: 3.4028234663852886e38,
} as const
const FNV_PRIME = 0x100000001b3n
const FNV_BASIS = 0xcbf29ce484222325n
const WORD = 64

/** One vector of a point. A multivector has as many as it has parts, of one position. */
export interface VectorAt {
  /** Of the facts. */
  index: number
  /** In the column. */
  position: number
  /** Of the batch. */
  row: number
}

/** Bounds on the facts of a column: most batches are in order, and then no rule looks at single vectors. */
export interface FactsRange {
  hasFlags: boolean
  /** Of norms that are numbers. */
  leastNorm: number
  mostNorm: number
}

export class InspectedColumn {
  readonly column: VectorColumn
  readonly schema: SchemaVector
  readonly facts: VectorFacts
  /** Vectors that an earlier row of the source had, with the latest such row. In order. */
  readonly repeated: { position: number; row: number; first: number }[] = []
  /** Positions of vectors that a fix has dropped. */
  readonly dropped = new Set<number>()
  /** Vectors that a fix has changed, as they came, by index. */
  readonly #originals = new Map<number, Float32Array>()
  #range: FactsRange | null = null
  /** For each vector its position, if points have several. */
  readonly #positions: Uint32Array | null

  private constructor(column: VectorColumn, schema: SchemaVector, facts: VectorFacts) {
    this.column = column
    this.schema = schema
    this.facts = facts
    this.#positions = column.counts ? positionsOf(column.counts) : null
  }

  static async of(column: VectorColumn, schema: SchemaVector, withHashes: boolean): Promise<InspectedColumn> {
    if (isSparse(schema)) return new InspectedColumn(column, schema, sparseFacts(column, withHashes))
    const facts = await inspectVectors(column.data, schema.size, schema.datatype, withHashes)
    return new InspectedColumn(column, schema, facts)
  }

  get name(): string {
    return this.column.name
  }

  get range(): FactsRange {
    this.#range ??= factsRange(this.facts)
    return this.#range
  }

  /** The vectors that are still there, and that `isBroken` says yes to. */
  *broken(isBroken: (index: number) => boolean): Generator<VectorAt> {
    const { rows } = this.column
    for (let index = 0; index < this.facts.flags.length; index++) {
      if (!isBroken(index)) continue
      const position = this.#positions ? (this.#positions[index] as number) : index
      if (!this.dropped.has(position)) yield { index, position, row: rows ? (rows[position] as number) : position }
    }
  }

  /** Finds the repeated vectors. `note` gets the hash of each row's vector, and returns the latest row that had it. */
  findRepeated(note: (hash: bigint, row: number) => number | null): void {
    const { rows } = this.column
    const count = rows?.length ?? this.#rowCount
    for (let position = 0; position < count; position++) {
      const row = rows ? (rows[position] as number) : position
      const first = note(this.#hashAt(position), row)
      if (first !== null) this.repeated.push({ position, row, first })
    }
  }

  get #rowCount(): number {
    return this.column.counts?.length ?? this.facts.flags.length
  }

  #hashAt(position: number): bigint {
    const hashes = this.facts.hashes as BigUint64Array
    if (!this.#positions) return hashes[position] as bigint
    const parts = this.indicesAt(position).map((index) => hashes[index] as bigint)
    return parts.reduce((hash, part) => BigInt.asUintN(WORD, (hash ^ part) * FNV_PRIME), FNV_BASIS)
  }

  floats(index: number): Float32Array {
    if (this.column.sparse) return sparseAt(this.column, index).values as Float32Array
    const { size } = this.schema
    return this.column.data.subarray(index * size, (index + 1) * size)
  }

  /** The same as it came. */
  original(index: number): Float32Array {
    return this.#originals.get(index) ?? this.floats(index)
  }

  /** Moves components beyond the datatype to its bounds. False, and nothing is changed, of a vector with NaN. */
  clampComponents(index: number): boolean {
    if (((this.facts.flags[index] as number) & HAS_NAN) !== 0) return false
    const most = MOST_OF_DATATYPE[(this.schema as ResolvedVector).datatype ?? 'float32']
    this.#change(index, (value) => Math.min(most, Math.max(-most, value)))
    this.facts.flags[index] = (this.facts.flags[index] as number) & ~HAS_BEYOND
    this.facts.norms[index] = Math.sqrt(this.floats(index).reduce((sum, value) => sum + value * value, 0))
    return true
  }

  /** Scales to the norm. False, and nothing is changed, of a vector without a direction. */
  scaleTo(index: number, norm: number): boolean {
    const before = this.facts.norms[index] as number
    if (!Number.isFinite(before) || before === 0) return false
    const scale = norm / before
    this.#change(index, (value) => value * scale)
    this.facts.norms[index] = norm
    return true
  }

  #change(index: number, change: (value: number) => number): void {
    this.#range = null
    const floats = this.floats(index)
    if (!this.#originals.has(index)) this.#originals.set(index, floats.slice())
    for (let at = 0; at < floats.length; at++) floats[at] = change(floats[at] as number)
  }

  /** The indices of the vectors of a position. */
  indicesAt(position: number): number[] {
    if (!this.#positions) return [position]
    const first = lowerBound(this.#positions, position)
    return Array.from({ length: this.column.counts?.[position] ?? 0 }, (_, at) => first + at)
  }

  /** The position of a row's vector; -1 without one. */
  positionOf(row: number): number {
    const { rows } = this.column
    if (!rows) return row
    const position = lowerBound(rows, row)
    return rows[position] === row ? position : -1
  }
}

function factsRange({ flags, norms }: VectorFacts): FactsRange {
  let all = 0
  let leastNorm = Number.POSITIVE_INFINITY
  let mostNorm = 0
  for (let index = 0; index < flags.length; index++) {
    all |= flags[index] as number
    const size = norms[index] as number
    if (size < leastNorm) leastNorm = size
    if (size > mostNorm) mostNorm = size
  }
  return { hasFlags: all !== 0, leastNorm, mostNorm }
}

/** Of the first element that is not less. */
function lowerBound(ascending: Uint32Array, value: number): number {
  let low = 0
  for (let high = ascending.length; low < high; ) {
    const middle = (low + high) >>> 1
    if ((ascending[middle] as number) < value) low = middle + 1
    else high = middle
  }
  return low
}

function positionsOf(counts: Uint32Array): Uint32Array {
  const positions = new Uint32Array(counts.reduce((sum, count) => sum + count, 0))
  let at = 0
  for (let position = 0; position < counts.length; position++) {
    positions.fill(position, at, at + (counts[position] as number))
    at += counts[position] as number
  }
  return positions
}

/** Sparse vectors are finite: their column takes no others. */
function sparseFacts(column: VectorColumn, withHashes: boolean): VectorFacts {
  const count = (column.sparse?.offsets.length ?? 1) - 1
  const norms = new Float64Array(count)
  const hashes = withHashes ? new BigUint64Array(count) : null
  for (let at = 0; at < count; at++) {
    const { indices, values } = sparseAt(column, at)
    norms[at] = Math.sqrt((values as Float32Array).reduce((sum, value) => sum + value * value, 0))
    if (hashes) hashes[at] = hashOf(Uint32Array.from(indices), Float32Array.from(values))
  }
  return { norms, flags: new Uint8Array(count), hashes }
}

/** FNV-1a by words of 32 bits. */
function hashOf(indices: Uint32Array, values: Float32Array): bigint {
  let hash = FNV_BASIS
  for (const words of [indices, new Uint32Array(values.buffer)])
    for (const word of words) hash = BigInt.asUintN(WORD, (hash ^ BigInt(word)) * FNV_PRIME)
  return hash
}
