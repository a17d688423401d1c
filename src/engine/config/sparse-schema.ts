import { invalid, noSuchVector } from '../../core/errors.js'
import { checkVectorName } from '../../core/names.js'
import type { CollectionOptions, ResolvedSparse, SparseVectorParams } from '../../core/schema.js'

export function resolveSparse(vectors: CollectionOptions['sparseVectors'] = {}): ResolvedSparse[] {
  return Object.entries(vectors).map(([name, params]) => {
    if (name === '') throw invalid('sparseVectors', 'Sparse vector name cannot be empty')
    checkVectorName(name)
    return changed({ name, size: 0, modifier: 'none', index: null }, params)
  })
}

/** A given key replaces the earlier value; other keys stay. */
export function changeSparse(
  vectors: readonly ResolvedSparse[],
  change: CollectionOptions['sparseVectors'] = {},
): ResolvedSparse[] {
  const unknown = Object.keys(change).find((name) => !vectors.some((vector) => vector.name === name))
  if (unknown !== undefined) throw noSuchVector('vectors', unknown)
  return vectors.map((vector) => (Object.hasOwn(change, vector.name) ? changed(vector, change[vector.name]) : vector))
}

function changed(vector: ResolvedSparse, { modifier, index }: SparseVectorParams = {}): ResolvedSparse {
  if (index?.datatype === 'turbo4') {
    throw invalid('sparseVectors', 'sparse vectors do not support the `turbo4` datatype')
  }
  return {
    ...vector,
    modifier: modifier ?? vector.modifier,
    index: index === undefined ? vector.index : { ...vector.index, ...index },
  }
}
