/** Ids and vectors of a record batch as whole columns, where each row has all of them in the expected width. */
import { type ArrowColumn, rangeOf } from './columns.js'

/** Dimensions of vectors, by name. */
export type VectorSizes = ReadonlyMap<string, number>

export interface PlainColumns {
  ids: BigUint64Array
  /** All vectors of a column end to end: views of the batch. */
  vectors: Readonly<Record<string, Float32Array>>
}

/** Null where rows may differ in form, and have to be read one by one. Columns of vectors have the names of the vectors here. */
export function plainColumnsOf(
  id: ArrowColumn | null,
  vectors: readonly (readonly [name: string, column: ArrowColumn])[],
  sizes: VectorSizes,
): PlainColumns | null {
  const ids = id && plainIds(id)
  if (!ids || vectors.length === 0) return null
  const found: [string, Float32Array][] = []
  for (const [name, column] of vectors) {
    const size = sizes.get(name)
    const numbers = size === undefined ? null : plainVectors(column, size)
    if (!numbers) return null
    found.push([name, numbers])
  }
  return { ids, vectors: Object.fromEntries(found) }
}

function plainIds({ field, dictionary, validity, values, length }: ArrowColumn): BigUint64Array | null {
  if (field.kind !== 'int' || dictionary || validity) return null
  const ids = new BigUint64Array(length)
  for (let row = 0; row < length; row++) {
    const id = values[row] as number | bigint
    if (id < 0) return null
    ids[row] = BigInt(id)
  }
  return ids
}

function plainVectors(column: ArrowColumn, size: number): Float32Array | null {
  const { field, dictionary, validity, length } = column
  const [items] = column.children
  const isList = field.kind === 'list' || field.kind === 'large_list' || field.kind === 'fixed_size_list'
  if (!isList || !items || dictionary || validity || length === 0) return null
  const { values } = items
  if (!(values instanceof Float32Array) || items.field.kind !== 'float' || items.validity || items.dictionary)
    return null
  const [first] = rangeOf(column, 0)
  for (let row = 0; row < length; row++) {
    const [start, end] = rangeOf(column, row)
    if (start !== first + row * size || end - start !== size) return null
  }
  return values.subarray(first, first + length * size)
}
