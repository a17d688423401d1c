import { invalid } from '../core/errors.js'
import { queryKind } from '../core/known-query.js'
import { LIMITS } from '../core/limits.js'
import { encodeId, ID_WORDS, isNumbers, type MultiVector, type PointId, type Vector } from '../core/point.js'
import {
  type FormulaQuery,
  type Mmr,
  type QueryStage,
  RECOMMEND_STRATEGIES,
  type RecommendStrategy,
} from '../core/query.js'
import { isSparse, type ResolvedVector, type Schema, type SchemaVector } from '../core/schema.js'
import { ShortCopies } from '../core/short-copies.js'
import { isDocument, isSparseVector, sparseVectorOf } from '../core/sparse.js'
import type { FilterContext } from '../filter/parse.js'
import { noModel } from '../inference/bm25.js'
import { parseFormula } from './parse-formula.js'
import { orderOf } from './parse-order.js'
import type { Example, ExamplePair, MmrSettings, Scoring } from './plan.js'
import { bounded, finite, vectorIndex } from './search-settings.js'
import { TextQuery } from './texts.js'

const DEFAULT_RRF_K = 2
const DEFAULT_DIVERSITY = 0.5
const MAX_RRF_K = 2 ** 31 - 1

type Fields = Readonly<Record<string, unknown>>

/** The parts of a stage that its query depends on. */
interface StageFacts {
  limit: number
  prefetches: number
  looksUp: boolean
}

/** Parses the `query` of each stage. One parser serves the whole request, since examples are counted together. */
export class ScoringParser {
  readonly #schema: Schema
  readonly #context: FilterContext
  #examples = 0
  /** Whether ids of the stage may be texts: the collection they are looked up in decides. */
  #textIds = false

  constructor(schema: Schema, context: FilterContext) {
    this.#schema = schema
    this.#context = context
  }

  scoring(stage: QueryStage, at: string, facts: StageFacts): Scoring {
    const { query, using } = stage
    this.#textIds = facts.looksUp || (this.#schema.textIds ?? false)
    const field = `${at}query`
    if (query === undefined || query === null) return this.#absent(field, facts)
    if (typeof query !== 'object' || isVector(query) || isSparseVector(query) || isDocument(query))
      return this.#nearest({ nearest: query }, using, field, at, facts)
    const kind = queryKind(query, field)
    const fields = query as unknown as Fields
    if (kind === 'nearest') return this.#nearest(fields, using, field, at, facts)
    const operand = fields[kind]
    switch (kind) {
      case 'recommend':
        return this.#recommend(objectAt(operand, `${field}.recommend`), using, `${field}.recommend`, at)
      case 'discover':
        return this.#discover(objectAt(operand, `${field}.discover`), using, `${field}.discover`, at)
      case 'context':
        return this.#contextQuery(operand, using, `${field}.context`, at)
      case 'relevanceFeedback':
        return this.#feedback(
          objectAt(operand, `${field}.relevance_feedback`),
          using,
          `${field}.relevance_feedback`,
          at,
        )
      default:
        return this.#withoutVectors(kind, fields, using, field, facts)
    }
  }

  #absent(field: string, { prefetches }: StageFacts): Scoring {
    if (prefetches === 0) return { kind: 'ids' }
    const expected = "A query is needed to merge the prefetches. Can't have prefetches without defining a query."
    throw invalid(field, expected)
  }

  #withoutVectors(kind: string, query: Fields, using: unknown, field: string, facts: StageFacts): Scoring {
    switch (kind) {
      case 'orderBy':
        return { kind: 'orderBy', order: orderOf(query.orderBy, `${field}.order_by`) }
      case 'sample':
        if (query.sample !== 'random') throw invalid(`${field}.sample`, 'expected "random"', query.sample)
        return { kind: 'sample' }
      case 'formula':
        if (facts.prefetches === 0) throw invalid(field, 'cannot apply Formula without prefetches')
        return { kind: 'formula', formula: parseFormula(query as unknown as FormulaQuery, this.#context, field) }
      default:
        return fusionOf(kind, query, using, field, facts)
    }
  }

  #nearest(query: Fields, using: string | undefined, field: string, at: string, facts: StageFacts): Scoring {
    const vector = vectorIndex(using, this.#schema, at)
    const place = isVector(query.nearest) || !('mmr' in query) ? field : `${field}.nearest`
    const target = this.#example(query.nearest, vector, place)
    return {
      kind: 'nearest',
      vector,
      target,
      mmr: mmrOf(query.mmr as Mmr | null | undefined, facts.limit, `${field}.mmr`),
    }
  }

  #recommend(query: Fields, using: string | undefined, field: string, at: string): Scoring {
    const strategy = (query.strategy ?? 'average_vector') as RecommendStrategy
    if (!RECOMMEND_STRATEGIES.includes(strategy)) {
      throw invalid(`${field}.strategy`, `expected one of ${RECOMMEND_STRATEGIES.join(', ')}`, strategy)
    }
    const vector = vectorIndex(using, this.#schema, at)
    const positive = this.#exampleList(query.positive, vector, `${field}.positive`)
    const negative = this.#exampleList(query.negative, vector, `${field}.negative`)
    if (positive.length === 0 && strategy === 'average_vector') {
      throw invalid(`${field}.positive`, 'At least one positive vector ID required with this strategy')
    }
    if (positive.length + negative.length === 0) {
      throw invalid(`${field}.positive`, 'At least one positive or negative vector ID required with this strategy')
    }
    return { kind: 'recommend', vector, strategy, positive, negative }
  }

  #discover(query: Fields, using: string | undefined, field: string, at: string): Scoring {
    const vector = vectorIndex(using, this.#schema, at)
    const target = this.#example(query.target, vector, `${field}.target`)
    return { kind: 'discover', vector, target, pairs: this.#pairs(query.context, vector, `${field}.context`) }
  }

  #contextQuery(context: unknown, using: string | undefined, field: string, at: string): Scoring {
    const vector = vectorIndex(using, this.#schema, at)
    return { kind: 'context', vector, pairs: this.#pairs(context, vector, field) }
  }

  #feedback(query: Fields, using: string | undefined, field: string, at: string): Scoring {
    const vector = vectorIndex(using, this.#schema, at)
    const target = this.#example(query.target, vector, `${field}.target`)
    const items = arrayAt(query.feedback, `${field}.feedback`)
    if (items.length > LIMITS.feedbackItems) {
      throw invalid(`${field}.feedback`, `expected at most ${LIMITS.feedbackItems} items`, items.length)
    }
    const feedback = items.map((item, i) => {
      const place = `${field}.feedback[${i}]`
      const { example, score } = objectAt(item, place)
      return { example: this.#example(example, vector, `${place}.example`), score: finite(score, `${place}.score`) }
    })
    const strategy = objectAt(query.strategy, `${field}.strategy`)
    const { a, b, c } = objectAt(strategy.naive, `${field}.strategy.naive`)
    const naive = {
      a: finite(a, `${field}.strategy.naive.a`),
      b: finite(b, `${field}.strategy.naive.b`),
      c: finite(c, `${field}.strategy.naive.c`),
    }
    if (naive.b < 0) throw invalid(`${field}.strategy.naive.b`, 'expected a number of at least 0', b)
    return { kind: 'feedback', vector, target, feedback, naive }
  }

  /** One pair, several, or none. */
  #pairs(context: unknown, vector: number, field: string): ExamplePair[] {
    if (context === undefined || context === null) return []
    if (!Array.isArray(context)) return [this.#pair(context, vector, field)]
    return context.map((pair, i) => this.#pair(pair, vector, `${field}[${i}]`))
  }

  #pair(pair: unknown, vector: number, field: string): ExamplePair {
    const { positive, negative } = objectAt(pair, field)
    return {
      positive: this.#example(positive, vector, `${field}.positive`),
      negative: this.#example(negative, vector, `${field}.negative`),
    }
  }

  #exampleList(value: unknown, vector: number, field: string): Example[] {
    if (value === undefined || value === null) return []
    return arrayAt(value, field).map((example, i) => this.#example(example, vector, `${field}[${i}]`))
  }

  #countExample(field: string): void {
    if (++this.#examples <= LIMITS.queryExamples) return
    throw invalid(field, `expected at most ${LIMITS.queryExamples} examples in one query`, this.#examples)
  }

  #example(value: unknown, vector: number, field: string): Example {
    this.#countExample(field)
    const known = this.#schema[vector] as SchemaVector
    if (isSparse(known)) return this.#sparseExample(value, known.name, field)
    if (isDocument(value)) throw noModel(value, field)
    if (isSparseVector(value)) {
      throw invalid(field, `expected a dense vector for ${JSON.stringify(known.name)}`, 'a sparse vector')
    }
    return isVector(value) ? vectorOf(value, known, field) : this.#idOf(value, field)
  }

  #sparseExample(value: unknown, name: string, field: string): Example {
    if (isDocument(value)) return new TextQuery(value, field)
    if (isSparseVector(value)) return sparseVectorOf(value, field)
    if (isVector(value)) {
      throw invalid(field, `expected a sparse vector { indices, values } for ${JSON.stringify(name)}`, 'a dense vector')
    }
    return this.#idOf(value, field)
  }

  #idOf(value: unknown, field: string): PointId {
    const isText = this.#textIds && typeof value === 'string'
    encodeId(value, new Uint32Array(ID_WORDS), 0, field, isText)
    return value as PointId
  }
}

function fusionOf(kind: string, query: Fields, using: unknown, field: string, { prefetches }: StageFacts): Scoring {
  if (prefetches === 0) throw invalid(field, 'cannot apply Fusion without prefetches')
  if (using !== undefined && using !== null && using !== '') {
    throw invalid(field, "Fusion queries cannot be combined with the 'using' field.")
  }
  if (kind === 'fusion') {
    if (query.fusion === 'dbsf') return { kind: 'dbsf' }
    if (query.fusion === 'rrf') return { kind: 'rrf', k: DEFAULT_RRF_K, weights: null }
    throw invalid(`${field}.fusion`, 'expected one of rrf, dbsf', query.fusion)
  }
  const { k, weights } = objectAt(query.rrf, `${field}.rrf`)
  return {
    kind: 'rrf',
    k: bounded(k ?? DEFAULT_RRF_K, 1, MAX_RRF_K, `${field}.rrf.k`),
    weights: weights === undefined || weights === null ? null : weightsOf(weights, prefetches, `${field}.rrf.weights`),
  }
}

function weightsOf(value: unknown, prefetches: number, field: string): number[] {
  const weights = arrayAt(value, field)
  if (weights.length !== prefetches) {
    const expected = `Number of weights in RRF should match number of pre-fetches: expected ${prefetches}`
    throw invalid(field, expected, weights.length)
  }
  return weights.map((weight, i) => Math.fround(finite(weight, `${field}[${i}]`)))
}

function mmrOf(mmr: Mmr | null | undefined, limit: number, field: string): MmrSettings | null {
  if (mmr === undefined || mmr === null) return null
  const { diversity, candidatesLimit } = objectAt(mmr, field)
  const share = finite(diversity ?? DEFAULT_DIVERSITY, `${field}.diversity`)
  if (share < 0 || share > 1) throw invalid(`${field}.diversity`, 'expected a number from 0 to 1', share)
  const candidates = bounded(
    candidatesLimit ?? Math.min(limit, LIMITS.mmrCandidates),
    0,
    LIMITS.mmrCandidates,
    `${field}.candidates_limit`,
  )
  return { relevance: 1 - share, candidates }
}

/** Copies a vector as float32; a multivector's vectors are joined end to end. The caller's arrays are not kept. */
export function vectorOf(
  value: Vector | MultiVector,
  { size, multivectorConfig }: ResolvedVector,
  field: string,
): Float32Array {
  if (!multivectorConfig || !Array.isArray(value) || typeof value[0] === 'number') {
    return singleVector(value as Vector, size, field)
  }
  if (value.length === 0) throw invalid(field, 'expected at least one vector', value)
  const floats = value.length * size
  if (floats > LIMITS.multivectorFloats) {
    throw invalid(field, `expected at most ${LIMITS.multivectorFloats} numbers in all its vectors`, floats)
  }
  const vectors = new Float32Array(floats)
  for (let i = 0; i < value.length; i++) {
    const one: unknown = value[i]
    if (!isVector(one)) throw invalid(`${field}[${i}]`, `expected a vector of ${size} numbers`, one)
    vectors.set(singleVector(one as Vector, size, `${field}[${i}]`), i * size)
  }
  return vectors
}

/** The same for a call that is done with the vector when it returns: a caller's Float32Array is used as it is. */
export function borrowedVector(value: Vector | MultiVector, vector: ResolvedVector, field: string): Float32Array {
  const isWhole = value instanceof Float32Array && value.length === vector.size
  return isWhole ? checkFinite(value, field) : vectorOf(value, vector, field)
}

function singleVector(value: Vector, size: number, field: string): Float32Array {
  if (value.length !== size) throw invalid(field, `Vector dimension error: expected dim: ${size}`, value.length)
  if (value instanceof Float32Array) return queryVectors.copyOf(checkFinite(value, field))
  const vector = new Float32Array(size)
  for (let i = 0; i < size; i++) {
    const number: unknown = value[i]
    if (typeof number !== 'number') throw invalid(`${field}[${i}]`, 'expected a number', number)
    vector[i] = number
    if (!Number.isFinite(vector[i])) throw invalid(`${field}[${i}]`, 'expected a finite 32-bit float', number)
  }
  return vector
}

/** Memory for the vectors of queries. */
const queryVectors = new ShortCopies<Float32Array>(16_384, (length) => new Float32Array(length))

/** A separate loop for typed arrays, because the loop above must check each element's type. */
function checkFinite(values: Float32Array, field: string): Float32Array {
  // A finite number times 0 is 0. Four sums run in parallel, since each addition waits for the one before.
  let [a, b, c, d] = [0, 0, 0, 0]
  const whole = values.length - (values.length % 4)
  for (let i = 0; i < whole; i += 4) {
    a += (values[i] as number) * 0
    b += (values[i + 1] as number) * 0
    c += (values[i + 2] as number) * 0
    d += (values[i + 3] as number) * 0
  }
  for (let i = whole; i < values.length; i++) a += (values[i] as number) * 0
  if (a + b + c + d === 0) return values
  const wrong = values.findIndex((value) => !Number.isFinite(value))
  throw invalid(`${field}[${wrong}]`, 'expected a finite 32-bit float', values[wrong])
}

export function isVector(value: unknown): value is Vector | MultiVector {
  return isNumbers(value)
}

function arrayAt(value: unknown, field: string): readonly unknown[] {
  if (!Array.isArray(value)) throw invalid(field, 'expected an array', value)
  return value
}

function objectAt(value: unknown, field: string): Fields {
  if (value === null || typeof value !== 'object' || Array.isArray(value) || ArrayBuffer.isView(value)) {
    throw invalid(field, 'expected an object', value)
  }
  return value as Fields
}
