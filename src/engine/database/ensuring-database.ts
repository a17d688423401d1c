import { isDeepStrictEqual } from 'node:util'
import type { CallOptions, Collection, Database } from '../../core/database.js'
import { VicinalError } from '../../core/errors.js'
import { type Payload, UNNAMED_VECTOR } from '../../core/point.js'
import {
  type CollectionConfig,
  CollectionOptions,
  type HnswConfig,
  type ResolvedSparse,
  type ResolvedVector,
} from '../../core/schema.js'
import { isPlain, read } from '../../core/vocabulary/reader.js'
import { resolveConfig } from '../config/schema.js'

/** Another caller may make or delete the collection in between. */
const ATTEMPTS = 3
/** Compared as they are: their keys say nothing one by one. */
const WHOLE = new Set(['quantizationConfig', 'multivectorConfig'])
const VALUE_CHARS = 64

/** The verbs of a database that are made of its other verbs. */
export abstract class EnsuringDatabase implements Pick<Database, 'ensureCollection' | typeof Symbol.asyncDispose> {
  abstract createCollection<P = Payload>(
    name: string,
    options: CollectionOptions,
    call?: CallOptions,
  ): Promise<Collection<P>>
  abstract collection<P = Payload>(name: string): Promise<Collection<P>>
  abstract close(): Promise<void>

  async ensureCollection<P = Payload>(
    name: string,
    options: CollectionOptions,
    call?: CallOptions,
  ): Promise<Collection<P>> {
    resolveConfig(options)
    for (let attempt = 1; ; attempt++) {
      try {
        const present = await this.collection<P>(name)
        checkSameConfig(present.name, (await present.info(call)).config, options)
        return present
      } catch (error) {
        if (!isOf(error, 'NOT_FOUND', 'CLOSED') || attempt === ATTEMPTS) throw error
      }
      try {
        return await this.createCollection<P>(name, options, call)
      } catch (error) {
        if (!isOf(error, 'ALREADY_EXISTS') || attempt === ATTEMPTS) throw error
      }
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }
}

function isOf(error: unknown, ...codes: string[]): boolean {
  return error instanceof VicinalError && codes.includes(error.code)
}

type Values = Readonly<Record<string, unknown>>

/**
 * Throws ALREADY_EXISTS where `present` differs from `given`. Settings that `given` leaves out are not compared, so vectors that a
 * collection was given later are no difference. The message and `details.field` name the first field that differs.
 */
function checkSameConfig(name: string, present: CollectionConfig, given: CollectionOptions): void {
  const { vectors, ...others } = read(CollectionOptions, given, 'library')
  const wanted = resolveConfig(given)
  const isUnnamed = wanted.vectors.some((vector) => vector.name === UNNAMED_VECTOR)
  const named = { vectors: isUnnamed ? { [UNNAMED_VECTOR]: vectors } : (vectors ?? {}), ...others }
  const found = difference(named, { wanted: valuesOf(wanted), present: valuesOf(present) }, [])
  if (found === null) return
  const field = found.path.filter((key) => key !== UNNAMED_VECTOR).join('.')
  const has = `expected ${shown(found.present)}, as collection ${JSON.stringify(name)} has it`
  throw new VicinalError('ALREADY_EXISTS', `${field}: ${has}, got ${shown(found.wanted)}`, {
    details: { field, collection: name },
  })
}

interface Pair<T> {
  wanted: T
  present: T
}

interface Difference extends Pair<unknown> {
  path: readonly string[]
}

/** The first of the named fields in which two configurations differ. */
function difference(named: Values, { wanted, present }: Pair<Values>, path: readonly string[]): Difference | null {
  for (const [given, value] of Object.entries(named)) {
    // `memory` wins where both are said.
    if (given === 'onDisk' && named.memory !== undefined) continue
    const key = given === 'onDisk' ? 'memory' : given
    const pair = { wanted: wanted[key], present: present[key] }
    const at = [...path, given]
    let found: Difference | null = null
    if (isPlain(value) && isPlain(pair.wanted) && isPlain(pair.present) && !WHOLE.has(key))
      found = difference(value, { wanted: pair.wanted, present: pair.present }, at)
    else if (!isDeepStrictEqual(pair.wanted, pair.present)) found = { ...pair, path: at }
    if (found) return found
  }
  return null
}

/** The value of each option in a configuration, under the option's own name. */
function valuesOf(config: CollectionConfig): Values {
  const { vectors, sparseVectors, params, hnswConfig, ...others } = config
  return {
    ...others,
    ...params,
    hnswConfig: hnswValues(hnswConfig),
    vectors: Object.fromEntries(vectors.map((vector) => [vector.name, vectorValues(vector, config)])),
    sparseVectors: Object.fromEntries(sparseVectors.map((vector) => [vector.name, sparseValues(vector)])),
  }
}

function vectorValues(vector: ResolvedVector, { hnswConfig, quantizationConfig }: CollectionConfig): Values {
  const { size, distance, multivectorConfig, datatype = 'float32', quantization, memory, overrides } = vector
  return {
    size,
    distance,
    multivectorConfig,
    datatype,
    memory: memory.vectors,
    hnswConfig: hnswValues({ ...hnswConfig, ...overrides.hnswConfig }),
    quantization,
    quantizationConfig: overrides.quantization ? (overrides.quantizationConfig ?? null) : quantizationConfig,
  }
}

function hnswValues({ memory = 'cached', ...others }: HnswConfig): Values {
  return { ...others, memory }
}

function sparseValues({ modifier, index }: ResolvedSparse): Values {
  const { onDisk, memory = onDisk ? 'cold' : 'cached', datatype = 'float32', ...others } = index ?? {}
  return { modifier, index: { ...others, memory, datatype } }
}

function shown(value: unknown): string {
  if (value === undefined) return 'none'
  const text = JSON.stringify(value)
  return text.length > VALUE_CHARS ? `${text.slice(0, VALUE_CHARS)}…` : text
}
