import { invalid } from '../../core/errors.js'
import {
  type CollectionOptions,
  type ResolvedSparse,
  SPARSE_DATATYPES,
  SPARSE_MODIFIERS,
  type SparseIndexParams,
  type SparseModifier,
  type SparseVectorParams,
} from '../../core/schema.js'
import { checkPlacement, checkVectorName } from './vector-checks.js'

export function resolveSparse(vectors: CollectionOptions['sparseVectors']): ResolvedSparse[] {
  if (vectors === undefined || vectors === null) return []
  if (typeof vectors !== 'object' || Array.isArray(vectors)) {
    throw invalid('sparse_vectors', 'expected parameters by vector name', vectors)
  }
  return Object.entries(vectors).map(([name, params]) => {
    checkVectorName(name)
    return changed({ name, size: 0, modifier: 'none', index: null }, params)
  })
}

/** What is given takes the place of what was. */
export function changeSparse(
  vectors: readonly ResolvedSparse[],
  change: CollectionOptions['sparseVectors'],
): ResolvedSparse[] {
  if (change === undefined || change === null) return [...vectors]
  if (typeof change !== 'object' || Array.isArray(change)) {
    throw invalid('sparse_vectors', 'expected changes by vector name', change)
  }
  const unknown = Object.keys(change).find((name) => !vectors.some((vector) => vector.name === name))
  if (unknown !== undefined) throw invalid('sparse_vectors', 'Not existing vector name', unknown)
  return vectors.map((vector) => {
    const own = Object.hasOwn(change, vector.name) ? (change[vector.name] as SparseVectorParams) : {}
    return changed(vector, own)
  })
}

function changed(vector: ResolvedSparse, params: SparseVectorParams): ResolvedSparse {
  const field = `sparse_vectors.${vector.name}`
  if (params === null || typeof params !== 'object') throw invalid(field, 'expected an object', params)
  const { modifier, index } = params
  if (modifier !== undefined && modifier !== null && !SPARSE_MODIFIERS.includes(modifier as SparseModifier)) {
    throw invalid(`${field}.modifier`, `expected one of ${SPARSE_MODIFIERS.join(', ')}`, modifier)
  }
  return {
    ...vector,
    modifier: modifier ?? vector.modifier,
    index: index === undefined || index === null ? vector.index : { ...vector.index, ...indexOf(index, field) },
  }
}

function indexOf(index: SparseIndexParams, at: string): SparseIndexParams {
  const field = `${at}.index`
  if (typeof index !== 'object') throw invalid(field, 'expected an object', index)
  const { fullScanThreshold, onDisk, memory, datatype } = index
  const known: SparseIndexParams = {}
  if (isGiven(fullScanThreshold)) {
    if (!Number.isSafeInteger(fullScanThreshold) || fullScanThreshold < 0) {
      throw invalid(`${field}.full_scan_threshold`, 'expected an integer of at least 0', fullScanThreshold)
    }
    known.fullScanThreshold = fullScanThreshold
  }
  if (isGiven(onDisk)) {
    if (typeof onDisk !== 'boolean') throw invalid(`${field}.on_disk`, 'expected true or false', onDisk)
    known.onDisk = onDisk
  }
  if (isGiven(memory)) {
    checkPlacement(memory, `${field}.memory`)
    known.memory = memory
  }
  if (isGiven(datatype)) {
    if (!SPARSE_DATATYPES.includes(datatype)) {
      throw invalid(`${field}.datatype`, `expected one of ${SPARSE_DATATYPES.join(', ')}`, datatype)
    }
    known.datatype = datatype
  }
  return known
}

function isGiven<T>(value: T): value is NonNullable<T> {
  return value !== undefined && value !== null
}
