import { invalid, VicinalError } from '../../core/errors.js'
import { LIMITS } from '../../core/limits.js'
import { checkVectorName } from '../../core/names.js'
import {
  type CollectionConfig,
  type ResolvedSparse,
  type ResolvedVector,
  type SparseVectorNameParams,
  schemaOf,
  VectorNameConfig,
} from '../../core/schema.js'
import { read } from '../../core/vocabulary/reader.js'
import { checkWithVectors } from './ingestion.js'
import { resolveVector } from './schema.js'
import { resolveSparse } from './sparse-schema.js'

/**
 * The configuration with one more vector, or null if it already has that vector. The comparison leaves out graphs,
 * codes and placement, because `updateConfig` can change them.
 */
export function withVectorName(
  config: CollectionConfig,
  name: string,
  given: VectorNameConfig,
): CollectionConfig | null {
  checkName(name)
  const asked = read(VectorNameConfig, given, 'library', 'config')
  const dense = config.vectors.find((vector) => vector.name === name)
  const sparse = config.sparseVectors.find((vector) => vector.name === name)
  if ('dense' in asked) {
    const vector = resolveVector(name, asked.dense, config)
    if (sparse) throw exists(`Vector \`${name}\` already exists as a sparse vector`)
    if (dense && !isSameVector(dense, vector)) throw differs(`Vector \`${name}\``)
    if (dense) return null
    checkRoom(config)
    return ruled({ ...config, vectors: [...config.vectors, vector] })
  }
  const vector = sparseOf(name, asked.sparse)
  if (dense) throw exists(`Vector \`${name}\` already exists as a dense vector`)
  if (sparse && !isSameSparse(sparse, vector)) throw differs(`Sparse vector \`${name}\``)
  if (sparse) return null
  checkRoom(config)
  return ruled({ ...config, sparseVectors: [...config.sparseVectors, vector] })
}

/** The configuration without the vector; null if no vector has the name, since there is nothing to change. */
export function withoutVectorName(config: CollectionConfig, name: string): CollectionConfig | null {
  if (typeof name !== 'string') throw invalid('vectorName', 'expected a name', name)
  if (schemaOf(config).every((vector) => vector.name !== name)) return null
  const isOther = (vector: { name: string }) => vector.name !== name
  return { ...config, vectors: config.vectors.filter(isOther), sparseVectors: config.sparseVectors.filter(isOther) }
}

/** Rules without a vector hold for the new one too. */
function ruled(config: CollectionConfig): CollectionConfig {
  checkWithVectors(config.ingestion?.rules ?? [], schemaOf(config))
  return config
}

function sparseOf(name: string, { datatype, ...rest }: SparseVectorNameParams): ResolvedSparse {
  const index = datatype === undefined ? {} : { index: { datatype } }
  const [vector] = resolveSparse(Object.fromEntries([[name, { ...rest, ...index }]]))
  return vector as ResolvedSparse
}

function checkName(name: unknown): void {
  if (typeof name !== 'string') throw invalid('vectorName', 'expected a name', name)
  checkVectorName(name, 'vectorName')
}

function checkRoom(config: CollectionConfig): void {
  const count = schemaOf(config).length
  if (count >= LIMITS.vectorsPerCollection) {
    throw invalid('vectorName', `expected at most ${LIMITS.vectorsPerCollection} vectors in all`, count + 1)
  }
}

function isSameVector(a: ResolvedVector, b: ResolvedVector): boolean {
  return (
    a.size === b.size &&
    a.distance === b.distance &&
    a.datatype === b.datatype &&
    a.multivectorConfig?.comparator === b.multivectorConfig?.comparator
  )
}

function isSameSparse(a: ResolvedSparse, b: ResolvedSparse): boolean {
  return a.modifier === b.modifier && (a.index?.datatype ?? 'float32') === (b.index?.datatype ?? 'float32')
}

function differs(what: string): VicinalError {
  return exists(`${what} already exists with a different configuration`)
}

function exists(message: string): VicinalError {
  return new VicinalError('INVALID_ARGUMENT', message)
}
