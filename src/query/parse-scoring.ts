import { badRequest, invalid } from '../core/errors.js'
import { LIMITS } from '../core/limits.js'
import { encodeId, ID_WORDS, isNumbers, type MultiVector, type PointId, type Vector } from '../core/point.js'
import {
  type ContextPair,
  kindOfQuery,
  type Mmr,
  type NearestQuery,
  type Query,
  type QueryStage,
  type RecommendQuery,
  type RelevanceFeedbackQuery,
  type VectorInput,
} from '../core/query.js'
import { isSparse, type ResolvedVector, type Schema, type SchemaVector } from '../core/schema.js'
import { ShortCopies } from '../core/short-copies.js'
import { isDocument, isSparseVector, sparseVectorOf } from '../core/sparse.js'
import type { FilterContext } from '../filter/parse.js'
import { parseFormula } from '../filter/parse-formula.js'
import { noModel } from '../inference/bm25.js'
import { orderOf } from './parse-order.js'
import type { Example, ExamplePair, MmrSettings, Scoring } from './plan.js'
import { vectorIndex } from './search-settings.js'
import { TextQuery } from './texts.js'

const DEFAULT_RRF_K = 2
const DEFAULT_DIVERSITY = 0.5

/** The parts of a stage that its query depends on. */
interface StageFacts {
  limit: number
  prefetches: number
}

/** Where a query is, and the vector that it searches. */
interface Searched {
  field: string
  vector: number
}

/** Parses the `query` of each stage. One parser serves the whole request, since examples are counted together. */
export class ScoringParser {
  readonly #schema: Schema
  readonly #context: FilterContext
  readonly places = new Map<PointId, string>()
  #examples = 0
  /** Whether ids of the stage may be texts: the collection they are looked up in decides. */
  #textIds = false

  constructor(schema: Schema, context: FilterContext) {
    this.#schema = schema
    this.#context = context
  }

  scoring({ query, using, lookupFrom }: QueryStage, at: string, facts: StageFacts): Scoring {
    this.#textIds = (lookupFrom ?? null) !== null || (this.#schema.textIds ?? false)
    const field = `${at}query`
    if (query === undefined || query === null) return absent(field, facts)
    const kind = kindOfQuery(query)
    switch (kind) {
      case 'orderBy':
        return { kind, order: orderOf(of<'orderBy'>(query).orderBy, `${field}.orderBy`) }
      case 'sample':
        return { kind }
      case 'formula':
        if (facts.prefetches === 0) throw badRequest(field, 'cannot apply Formula without prefetches')
        return { kind, formula: parseFormula(of<'formula'>(query), this.#context, field) }
      case 'fusion':
        this.#checkFusion(using, at, facts)
        return of<'fusion'>(query).fusion === 'dbsf'
          ? { kind: 'dbsf' }
          : { kind: 'rrf', k: DEFAULT_RRF_K, weights: null }
      case 'rrf': {
        this.#checkFusion(using, at, facts)
        const { k, weights } = of<'rrf'>(query).rrf
        return { kind, k: k ?? DEFAULT_RRF_K, weights: weightsOf(weights, facts.prefetches, `${field}.rrf.weights`) }
      }
      default:
        return this.#byVectors(kind, query, { field, vector: vectorIndex(using, this.#schema, at) }, facts)
    }
  }

  /** As Qdrant does, tells a vector name that does not exist before the rule that no vector may be named. */
  #checkFusion(using: string | undefined, at: string, { prefetches }: StageFacts): void {
    if (using !== undefined && using !== '') {
      vectorIndex(using, this.#schema, at)
      throw badRequest(`${at}using`, "Fusion queries cannot be combined with the 'using' field.")
    }
    if (prefetches === 0) throw badRequest(`${at}query`, 'cannot apply Fusion without prefetches')
  }

  #byVectors(
    kind: 'nearest' | 'recommend' | 'discover' | 'context' | 'relevanceFeedback' | null,
    query: Query,
    searched: Searched,
    { limit }: StageFacts,
  ): Scoring {
    const { field, vector } = searched
    switch (kind) {
      case null:
        return { kind: 'nearest', vector, target: this.#example(query as VectorInput, vector, field), mmr: null }
      case 'nearest': {
        const { nearest, mmr } = query as NearestQuery
        const place = isVector(nearest) || !mmr ? field : `${field}.nearest`
        return { kind, vector, target: this.#example(nearest, vector, place), mmr: mmrOf(mmr, limit) }
      }
      case 'recommend':
        return this.#recommend((query as RecommendQuery).recommend, { field: `${field}.recommend`, vector })
      case 'discover': {
        const { target, context } = of<'discover'>(query).discover
        return {
          kind,
          vector,
          target: this.#example(target, vector, `${field}.discover.target`),
          pairs: this.#pairs(context, { field: `${field}.discover.context`, vector }),
        }
      }
      case 'context':
        return { kind, vector, pairs: this.#pairs(of<'context'>(query).context, { field: `${field}.context`, vector }) }
      case 'relevanceFeedback':
        return this.#feedback((query as RelevanceFeedbackQuery).relevanceFeedback, {
          field: `${field}.relevanceFeedback`,
          vector,
        })
    }
  }

  #recommend({ positive, negative, strategy }: RecommendQuery['recommend'], { field, vector }: Searched): Scoring {
    const chosen = strategy ?? 'average_vector'
    if ((positive ?? []).length === 0 && chosen === 'average_vector') {
      throw invalid(`${field}.positive`, 'At least one positive vector ID required with this strategy')
    }
    if ((positive ?? []).length + (negative ?? []).length === 0) {
      throw invalid(`${field}.positive`, 'At least one positive or negative vector ID required with this strategy')
    }
    return {
      kind: 'recommend',
      vector,
      strategy: chosen,
      positive: this.#examplesOf(positive, vector, `${field}.positive`),
      negative: this.#examplesOf(negative, vector, `${field}.negative`),
    }
  }

  #feedback(
    { target, feedback, strategy }: RelevanceFeedbackQuery['relevanceFeedback'],
    { field, vector }: Searched,
  ): Scoring {
    return {
      kind: 'feedback',
      vector,
      target: this.#example(target, vector, `${field}.target`),
      feedback: feedback.map(({ example, score }, i) => ({
        example: this.#example(example, vector, `${field}.feedback[${i}].example`),
        score,
      })),
      naive: strategy.naive,
    }
  }

  /** One pair, several, or none; read as a list. */
  #pairs(context: ContextPair | readonly ContextPair[] | null | undefined, { field, vector }: Searched): ExamplePair[] {
    return ((context ?? []) as readonly ContextPair[]).map(({ positive, negative }, i) => ({
      positive: this.#example(positive, vector, `${field}[${i}].positive`),
      negative: this.#example(negative, vector, `${field}[${i}].negative`),
    }))
  }

  #examplesOf(list: readonly VectorInput[] | null | undefined, vector: number, field: string): Example[] {
    return (list ?? []).map((example, i) => this.#example(example, vector, `${field}[${i}]`))
  }

  #example(value: VectorInput, vector: number, field: string): Example {
    if (++this.#examples > LIMITS.queryExamples)
      throw invalid(field, `expected at most ${LIMITS.queryExamples} examples in one query`, this.#examples)
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
    const id = value as PointId
    if (!this.places.has(id)) this.places.set(id, field)
    return id
  }
}

/** A query as the kind that it was found to be. */
export function of<Kind extends string>(query: Query): Extract<Query, Record<Kind, unknown>> {
  return query as never
}

function absent(field: string, { prefetches }: StageFacts): Scoring {
  if (prefetches === 0) return { kind: 'ids' }
  throw badRequest(field, "A query is needed to merge the prefetches. Can't have prefetches without defining a query.")
}

function weightsOf(weights: readonly number[] | null | undefined, prefetches: number, field: string): number[] | null {
  if (weights === undefined || weights === null) return null
  if (weights.length !== prefetches) {
    const expected = `Number of weights in RRF should match number of pre-fetches: expected ${prefetches}`
    throw invalid(field, expected, weights.length)
  }
  return weights.map(Math.fround)
}

function mmrOf(mmr: Mmr | null | undefined, limit: number): MmrSettings | null {
  if (mmr === undefined || mmr === null) return null
  const { diversity = DEFAULT_DIVERSITY, candidatesLimit = Math.min(limit, LIMITS.mmrCandidates) } = mmr
  return { relevance: 1 - diversity, candidates: candidatesLimit }
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
