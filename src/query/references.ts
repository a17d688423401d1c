/** Fetches the stored vectors that a query names by id, before the query runs. */
import { invalid, noSuchPoint, noSuchVector, notFound } from '../core/errors.js'
import { encodeId, ID_WORDS, type PointId, UNNAMED_VECTOR } from '../core/point.js'
import type { SchemaVector } from '../core/schema.js'
import { turnBudget } from '../core/turn-budget.js'
import type { VectorRows } from '../native/addon.js'
import { type Example, examplesOf, type Plan, type Stage, type VectorValue } from './plan.js'
import { fieldsOf, sparseOfRow, wantingMore } from './rows.js'
import type { LookedUp, QueryScope, Source } from './source.js'
import { embedTexts, TextQuery } from './texts.js'
import { atOnce, distinctIds } from './turns.js'

/** Characters of texts that take some microseconds to split. */
const CHARACTERS_AT_ONCE = 1024
const NO_IDS = new Uint32Array(0)

interface Column {
  from: LookedUp
  vector: string
  /** The searched vector, which the fetched ones must fit. */
  like: SchemaVector
  ids: Set<PointId>
  /** null for a point without the vector. */
  vectors: Map<PointId, VectorValue | null>
}

/** The vectors that a query refers to by id or by text. */
export class References {
  static readonly #none = new References(null, null)
  readonly #columns = new Map<string, Column>()
  readonly #ofStage = new Map<Stage, Column>()
  readonly #texts: TextQuery[] = []
  readonly #places: ReadonlyMap<PointId, string>
  /** Ids of the searched collection that the answer excludes, distinct and encoded. */
  readonly excluded: Uint32Array

  /** Rejects with NOT_FOUND if a point, its vector or its collection does not exist. */
  static async of(plan: Plan, scope: QueryScope): Promise<References> {
    const references = new References(plan, scope)
    await embedTexts(references.#texts, scope.call?.signal)
    await references.#fetch(scope.mostBytes)
    return references
  }

  /**
   * References of a plan without ids and with short texts; null for other plans, which must be awaited. Once the time of
   * this turn is used up, texts are split in a later turn.
   */
  static atOnce(plan: Plan, scope: QueryScope): References | null {
    if (isGiven(plan.root)) return References.#none
    const references = new References(plan, scope)
    if (references.#columns.size > 0) return null
    if (references.#texts.length === 0) return references
    const characters = references.#texts.reduce((sum, { length }) => sum + length, 0)
    return turnBudget.readUs > 0 && characters <= CHARACTERS_AT_ONCE ? references : null
  }

  private constructor(plan: Plan | null, scope: QueryScope | null) {
    const own: PointId[] = []
    this.#places = plan?.places ?? new Map()
    if (!plan || !scope) {
      this.excluded = NO_IDS
      return
    }
    this.#collect(plan.root, scope, own)
    this.excluded =
      own.length === 0 ? NO_IDS : atOnce(distinctIds(encodedAt(own, plan.places, scope.source.schema.textIds)))
  }

  /** With a bound, columns are fetched one after the other, so that each knows the bytes taken before. */
  async #fetch(mostBytes: number | undefined): Promise<void> {
    const columns = [...this.#columns.values()]
    if (mostBytes === undefined) {
      await Promise.all(columns.map((column) => column.from.read((source) => fetchFrom(source, column, this.#places))))
      return
    }
    let taken = 0
    for (const column of columns) {
      const left = Math.max(1, mostBytes - taken)
      try {
        taken += await column.from.read((source) => fetchFrom(source, column, this.#places, left))
      } catch (error) {
        throw wantingMore(error, taken)
      }
    }
  }

  #collect(stage: Stage, scope: QueryScope, own: PointId[]): void {
    for (const prefetch of stage.prefetches) this.#collect(prefetch, scope, own)
    const { source, catalog } = scope
    const { scoring, lookup } = stage
    // A missing collection is an error even where nothing is looked up.
    const lookedUp = lookup ? catalog(lookup.collection) : null
    const examples = examplesOf(scoring)
    this.#texts.push(...examples.filter((example) => example instanceof TextQuery))
    const ids = examples.filter((example) => typeof example !== 'object')
    if (ids.length === 0 || !('vector' in scoring)) return
    const like = source.schema[scoring.vector] as SchemaVector
    const from = lookedUp ?? ownOf(source)
    // Compares names, since an alias may lead to the collection itself.
    if (from.name === source.name) own.push(...ids)
    const vector = lookup ? (lookup.vector ?? defaultVector(from, like.name)) : like.name
    vectorOf(from, vector, like)
    const column = this.#column(from, vector, like)
    for (const id of ids) column.ids.add(id)
    this.#ofStage.set(stage, column)
  }

  #column(from: LookedUp, vector: string, like: SchemaVector): Column {
    const key = JSON.stringify([from.name, vector, like.name])
    const known = this.#columns.get(key)
    if (known) return known
    const made = {
      from,
      vector,
      like,
      ids: new Set<PointId>(),
      vectors: new Map<PointId, VectorValue | null>(),
    }
    this.#columns.set(key, made)
    return made
  }

  /** null if the point exists but lacks the vector. */
  find(stage: Stage, example: Example): VectorValue | null {
    if (example instanceof TextQuery) return example.vector
    if (typeof example === 'object') return example
    const vector = this.#ofStage.get(stage)?.vectors.get(example)
    if (vector === undefined) throw noSuchPoint(example)
    return vector
  }

  get(stage: Stage, example: Example): VectorValue {
    const vector = this.find(stage, example)
    if (vector) return vector
    throw notFound('vector of point', example as PointId)
  }
}

/** Whether a query has nothing to look up: all its vectors are given. */
function isGiven({ scoring, prefetches, lookup }: Stage): boolean {
  if (lookup) return false
  if (scoring.kind !== 'nearest' && 'vector' in scoring) return false
  if (scoring.kind === 'nearest' && !(scoring.target instanceof Float32Array)) return false
  return prefetches.every(isGiven)
}

/** The unnamed vector; without one, the vector of the searched name. */
function defaultVector({ schema }: LookedUp, using: string): string {
  return schema.some(({ name }) => name === UNNAMED_VECTOR) ? UNNAMED_VECTOR : using
}

/** The searched collection itself. Its reader repeats the query if the rows are replaced. */
export function ownOf(source: Source): LookedUp {
  return { name: source.name, schema: source.schema, read: (work) => work(source) }
}

/** The index of the vector. Throws unless it can be compared with the searched one. */
function vectorOf({ schema }: Pick<Source, 'schema'>, name: string, like: SchemaVector): number {
  const index = schema.findIndex((vector) => vector.name === name)
  const found = schema[index]
  if (!found) throw noSuchVector('lookupFrom.vector', name)
  if (found.size !== like.size) {
    throw invalid('lookupFrom', `Vector dimension error: expected dim: ${like.size}`, found.size)
  }
  if (found.multivectorConfig && !like.multivectorConfig) {
    throw invalid('lookupFrom', 'expected a vector, and no multivector', found.name)
  }
  return index
}

/** Encoded ids; an error names the place where the query has the id. */
function encodedAt(ids: readonly PointId[], places: ReadonlyMap<PointId, string>, isText = false): Uint32Array {
  const words = new Uint32Array(ids.length * ID_WORDS)
  for (const [at, id] of ids.entries()) encodeId(id, words, at * ID_WORDS, places.get(id), isText)
  return words
}

/** Fetches one column. Returns the bytes read. */
async function fetchFrom(
  source: Source,
  { vector: name, like, ids, vectors }: Column,
  places: ReadonlyMap<PointId, string>,
  mostBytes?: number,
): Promise<number> {
  const asked = [...ids]
  const vector = vectorOf(source, name, like)
  const words = encodedAt(asked, places, source.schema.textIds)
  // Differently spelled ids may name one point, so rows are requested once and found by position.
  const block = await source.shard.retrieve(words, fieldsOf(false, Uint32Array.of(vector), mostBytes))
  vectors.clear()
  const column = block.vectors[0] as VectorRows
  const { size, multivectorConfig } = source.schema[vector] as SchemaVector
  // A row takes one place even without a vector; a row of a multivector takes as many as it has vectors.
  let from = 0
  for (let row = 0; row < block.count; row++) {
    const id = asked[block.positions[row] as number] as PointId
    const count = column.counts[row] as number
    const to = from + (multivectorConfig ? count : 1) * size
    const read = column.sparse ? sparseOfRow(column, row) : column.data.slice(from, to)
    vectors.set(id, count > 0 ? read : null)
    from = to
  }
  return column.data.byteLength + (column.sparse?.indices.byteLength ?? 0)
}
