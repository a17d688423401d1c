import { type CollectionConfig, isSparse, schemaOf, type TableVector } from '../core/schema.js'
import type { FlushBatch, VectorRows } from '../native/addon.js'

/**
 * Which vectors the table and the segment files of a collection may hold. Those that were dropped stay in the layout until
 * the table is written without them: checksums of its rows are over them too.
 */
export interface TableLayout {
  /** No vector of the collection ever had this slot, or a higher one. */
  nextSlot: number
  /** Sparse ones behind the others; without those that were dropped, in the order of the configuration. */
  vectors: LayoutVector[]
}

export interface LayoutVector extends TableVector {
  /** Its number in the checksums of rows. */
  slot: number
  /** Of one that was added to a live collection: records of the log up to this one say nothing of it. */
  since?: number
  dropped?: true
}

/** What tells a vector from all others of the collection there were or will be. */
export type VectorIdentity = Pick<LayoutVector, 'name' | 'slot' | 'since'>

/** The layout of a collection that never changed is that of its configuration, numbered in order. */
export function layoutOf({ config, layout }: { config: CollectionConfig; layout?: TableLayout }): TableLayout {
  if (layout) return layout
  const vectors = schemaOf(config).map((vector, slot) => ({ ...tableVector(vector), slot }))
  return { nextSlot: vectors.length, vectors }
}

export function liveVectors({ vectors }: TableLayout): LayoutVector[] {
  return vectors.filter(({ dropped }) => !dropped)
}

export function hasDropped({ vectors }: TableLayout): boolean {
  return vectors.some(({ dropped }) => dropped)
}

/** With one vector more. Its column has its slot behind the name while another column has the name. */
export function withVector(layout: TableLayout, vector: TableVector, since: number): TableLayout {
  const { nextSlot: slot, vectors } = layout
  const isTaken = vectors.some(({ name }) => name === vector.name)
  const added: LayoutVector = { ...tableVector(vector), slot, since, ...(isTaken ? { columnSuffix: slot } : {}) }
  const at = isSparse(vector) ? vectors.length : vectors.filter((each) => !isSparse(each)).length
  return { nextSlot: slot + 1, vectors: vectors.toSpliced(at, 0, added) }
}

export function withoutVector(layout: TableLayout, slot: number): TableLayout {
  const vectors = layout.vectors.map((vector) =>
    vector.slot === slot ? { ...vector, dropped: true as const } : vector,
  )
  return { ...layout, vectors }
}

/** Without what was dropped: the layout once the table is written anew. */
export function settled(layout: TableLayout): TableLayout {
  return { ...layout, vectors: liveVectors(layout) }
}

/** The name by which segment files know the vector; `/` is in no name that a caller may give. */
export function filedName({ name, slot, since }: VectorIdentity): string {
  return since === undefined ? name : `${name}/${slot}`
}

function tableVector({ name, size, multivectorConfig }: TableVector): TableVector {
  return { name, size, ...(multivectorConfig ? { multivectorConfig } : {}) }
}

/** Rows of the table without the columns of vectors that were dropped. */
export function liveColumns(batch: FlushBatch, vectors: readonly LayoutVector[]): FlushBatch {
  if (!vectors.some(({ dropped }) => dropped)) return batch
  return { ...batch, vectors: batch.vectors.filter((_, i) => !vectors[i]?.dropped) }
}

/** The other way round: rows that have none of what was dropped, in the table's columns. */
export function allColumns(batch: FlushBatch, vectors: readonly TableVector[]): FlushBatch {
  if (batch.vectors.length === vectors.length) return batch
  const given = batch.vectors.values()
  const columns = vectors.map((vector) =>
    (vector as Partial<LayoutVector>).dropped ? absentRows(vector, batch.count) : (given.next().value as VectorRows),
  )
  return { ...batch, vectors: columns }
}

function absentRows(vector: TableVector, count: number): VectorRows {
  const counts = new Uint32Array(count)
  if (isSparse(vector)) {
    const sparse = { indices: new Uint32Array(0), offsets: new Int32Array(count + 1) }
    return { data: new Float32Array(0), counts, sparse }
  }
  return { data: new Float32Array(vector.multivectorConfig ? 0 : count * vector.size), counts }
}
