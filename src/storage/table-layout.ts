import { type CollectionConfig, isSparse, schemaOf, type TableVector } from '../core/schema.js'
import type { FlushBatch, VectorRows } from '../native/addon.js'

/**
 * The vectors that the table and the segment files of a collection may hold. Dropped vectors stay in the layout until
 * the table is rewritten without them, because the checksums of its rows cover them too.
 */
export interface TableLayout {
  /** All vectors of the collection, past ones included, have lower slots. */
  nextSlot: number
  /** Sparse vectors come after the others. Without dropped vectors, the order is the configuration's. */
  vectors: LayoutVector[]
}

export interface LayoutVector extends TableVector {
  /** The vector's number in the checksums of rows. */
  slot: number
  /** For a vector added to a live collection: log records up to this one hold no data of it. */
  since?: number
  dropped?: true
}

/** Identifies a vector among all past and future vectors of the collection. */
export type VectorIdentity = Pick<LayoutVector, 'name' | 'slot' | 'since'>

/** The stored layout. Without one it is the configuration's, with slots in order. */
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

/** Adds a vector. Its column's name ends in its slot while another column has the plain name. */
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

/** The layout without dropped vectors, once the table is rewritten. */
export function settled(layout: TableLayout): TableLayout {
  return { ...layout, vectors: liveVectors(layout) }
}

/** The vector's name in segment files. Callers' names cannot contain `/`. */
export function filedName({ name, slot, since }: VectorIdentity): string {
  return since === undefined ? name : `${name}/${slot}`
}

function tableVector({ name, size, multivectorConfig }: TableVector): TableVector {
  return { name, size, ...(multivectorConfig ? { multivectorConfig } : {}) }
}

/** Removes the columns of dropped vectors from rows of the table. */
export function liveColumns(batch: FlushBatch, vectors: readonly LayoutVector[]): FlushBatch {
  if (!vectors.some(({ dropped }) => dropped)) return batch
  return { ...batch, vectors: batch.vectors.filter((_, i) => !vectors[i]?.dropped) }
}

/** Adds empty columns of dropped vectors, for rows in the table's form. */
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
