import type { StoredSparseVector, VectorColumn } from '../core/point.js'
import { sparseVectorOf } from '../core/sparse.js'

const FIRST_ENTRIES = 1_024

/** Builds the column of one sparse vector, from the first point that has it. */
export class SparseColumnBuilder {
  readonly name: string
  #indices = new Uint32Array(FIRST_ENTRIES)
  #values = new Float32Array(FIRST_ENTRIES)
  readonly #offsets = [0]
  readonly #rows: number[] = []

  constructor(name: string) {
    this.name = name
  }

  get count(): number {
    return this.#rows.length
  }

  add(vector: unknown, row: number, field: string): void {
    this.append(sparseVectorOf(vector, field), row)
  }

  append({ indices, values }: StoredSparseVector, row: number): void {
    const at = this.#offsets.at(-1) as number
    this.#reserve(at + indices.length)
    this.#indices.set(indices, at)
    this.#values.set(values, at)
    this.#offsets.push(at + indices.length)
    this.#rows.push(row)
  }

  /** Takes the vector of a row back, if it is the last one. */
  undo(row: number): void {
    if (this.#rows.at(-1) !== row) return
    this.#rows.pop()
    this.#offsets.pop()
  }

  finish(count: number): VectorColumn {
    const entries = this.#offsets.at(-1) as number
    return {
      name: this.name,
      data: this.#values.subarray(0, entries),
      rows: this.#rows.length === count ? null : Uint32Array.from(this.#rows),
      sparse: { indices: this.#indices.subarray(0, entries), offsets: Uint32Array.from(this.#offsets) },
    }
  }

  #reserve(length: number): void {
    if (length <= this.#values.length) return
    const size = Math.max(length, this.#values.length * 2)
    const indices = new Uint32Array(size)
    const values = new Float32Array(size)
    indices.set(this.#indices)
    values.set(this.#values)
    this.#indices = indices
    this.#values = values
  }
}

/** Vector `position` of a sparse column. */
export function sparseAt({ data, sparse }: VectorColumn, position: number): StoredSparseVector {
  const { indices, offsets } = sparse as NonNullable<VectorColumn['sparse']>
  const from = offsets[position] as number
  const to = offsets[position + 1] as number
  return { indices: indices.subarray(from, to), values: data.subarray(from, to) }
}
