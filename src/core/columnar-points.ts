/** Points as columns, as the library takes them. */
import type { Document, Payload, PointId, RawJson, SparseVector } from './point.js'

/**
 * Points as columns; nothing is copied into arrays of numbers. `vectors` of a collection with one unnamed
 * vector is one Float32Array of `ids.length × size`.
 */
export interface ColumnarPoints {
  /** One id for each point. */
  ids: readonly PointId[] | BigUint64Array | Uint32Array
  /** The vectors of all points, end to end, by name where they have names. */
  vectors: Float32Array | Float64Array | Readonly<Record<string, ColumnarVectors>>
  /** One payload for each point; null: none. */
  payloads?: readonly (Payload | RawJson | null)[]
}

/** Dense vectors end to end; sparse ones, or texts to be made into such, one by one. */
export type ColumnarVectors = Float32Array | Float64Array | readonly (SparseVector | Document)[]

/** A Table of any apache-arrow version: a column `id`, one column for each vector, and payload in the other columns. */
export interface ArrowTable {
  /** Names and types of the columns. */
  readonly schema: { readonly fields: readonly unknown[] }
  /** Parts of the table, read by column. */
  readonly batches: readonly unknown[]
  /** Points of the table. */
  readonly numRows: number
}
