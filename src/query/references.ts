/** The stored vectors that a query names by id, fetched before it runs. */
import { invalid, notFound } from '../core/errors.js'
import { encodeIds, type PointId, UNNAMED_VECTOR } from '../core/point.js'
import type { SchemaVector } from '../core/schema.js'
import type { VectorRows } from '../native/addon.js'
import { distinctIds } from './long-lists.js'
import { type Example, examplesOf, type Plan, type Stage, type VectorValue } from './plan.js'
import { fieldsOf, sparseOfRow, wantingMore } from './rows.js'
import type { LookedUp, QueryScope, Source } from './source.js'
import { embedTexts, TextQuery } from './texts.js'
import { atOnce } from './turns.js'

/** Of texts: what is taken apart in some microseconds. */
const CHARACTERS_AT_ONCE = 1024
const NO_IDS = new Uint32Array(0)

interface Column {
  from: LookedUp
  vector: string
  /** Of the vector that is searched. */
  like: SchemaVector
  ids: Set<PointId>
  /** Null of a point that lacks the vector. */
  vectors: Map<PointId, VectorValue | null>
}

/** And the vectors made of texts. */
export class References {
  readonly #columns = new Map<string, Column>()
  readonly #ofStage = new Map<Stage, Column>()
  readonly #texts: TextQuery[] = []
  /** Ids of the collection asked, which are never in the answer; distinct and encoded. */
  readonly excluded: Uint32Array

  /** Rejects with NOT_FOUND where a point, its vector or its collection is not there. */
  static async of(plan: Plan, scope: QueryScope): Promise<References> {
    const references = new References(plan, scope)
    await embedTexts(references.#texts, scope.call?.signal)
    await references.#fetch(scope.mostBytes)
    return references
  }

  /** Of a plan that names no points and has few words; null of others, which are waited for. */
  static atOnce(plan: Plan, scope: QueryScope): References | null {
    const references = new References(plan, scope)
    const characters = references.#texts.reduce((sum, { length }) => sum + length, 0)
    return references.#columns.size === 0 && characters <= CHARACTERS_AT_ONCE ? references : null
  }

  private constructor(plan: Plan, scope: QueryScope) {
    const own: PointId[] = []
    this.#collect(plan.root, scope, own)
    this.excluded = own.length === 0 ? NO_IDS : atOnce(distinctIds(encodeIds(own)))
  }

  /** One column after the other where there is a bound, so that each knows what those before it have taken. */
  async #fetch(mostBytes: number | undefined): Promise<void> {
    const columns = [...this.#columns.values()]
    if (mostBytes === undefined) {
      await Promise.all(columns.map((column) => column.from.read((source) => fetchFrom(source, column))))
      return
    }
    let taken = 0
    for (const column of columns) {
      const left = Math.max(1, mostBytes - taken)
      try {
        taken += await column.from.read((source) => fetchFrom(source, column, left))
      } catch (error) {
        throw wantingMore(error, taken)
      }
    }
  }

  #collect(stage: Stage, scope: QueryScope, own: PointId[]): void {
    for (const prefetch of stage.prefetches) this.#collect(prefetch, scope, own)
    const { source, catalog } = scope
    const { scoring, lookup } = stage
    const examples = examplesOf(scoring)
    this.#texts.push(...examples.filter((example) => example instanceof TextQuery))
    const ids = examples.filter((example) => typeof example !== 'object')
    if (ids.length === 0 || !('vector' in scoring)) return
    const like = source.schema[scoring.vector] as SchemaVector
    const from = lookup ? catalog(lookup.collection) : ownOf(source)
    // By name, since an alias may lead to the collection itself.
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

  /** Null where the point is there, but not the vector. */
  find(stage: Stage, example: Example): VectorValue | null {
    if (example instanceof TextQuery) return example.vector
    if (typeof example === 'object') return example
    const vector = this.#ofStage.get(stage)?.vectors.get(example)
    if (vector === undefined) throw notFound('point with id', example)
    return vector
  }

  get(stage: Stage, example: Example): VectorValue {
    const vector = this.find(stage, example)
    if (vector) return vector
    throw notFound('vector of point', example as PointId)
  }
}

/** The unnamed one, and where there is none that of the name that is asked here. */
function defaultVector({ schema }: LookedUp, using: string): string {
  return schema.some(({ name }) => name === UNNAMED_VECTOR) ? UNNAMED_VECTOR : using
}

/** The collection itself: whoever reads it sees to that its rows stay, or are read anew. */
function ownOf(source: Source): LookedUp {
  return { name: source.name, schema: source.schema, read: (work) => work(source) }
}

/** Its place among the vectors; it has to be one that can be compared with that which is searched. */
function vectorOf({ schema }: Pick<Source, 'schema'>, name: string, like: SchemaVector): number {
  const index = schema.findIndex((vector) => vector.name === name)
  const found = schema[index]
  if (!found) throw invalid('lookup_from.vector', 'Not existing vector name', name)
  if (found.size !== like.size) {
    throw invalid('lookup_from', `Vector dimension error: expected dim: ${like.size}`, found.size)
  }
  if (found.multivectorConfig && !like.multivectorConfig) {
    throw invalid('lookup_from', 'expected a vector, and no multivector', found.name)
  }
  return index
}

/** Answers the bytes of what was read. */
async function fetchFrom(
  source: Source,
  { vector: name, like, ids, vectors }: Column,
  mostBytes?: number,
): Promise<number> {
  const asked = [...ids]
  const vector = vectorOf(source, name, like)
  // Ids that are spelled differently may be one: rows are asked for once, and found by position.
  const block = await source.shard.retrieve(encodeIds(asked), fieldsOf(false, Uint32Array.of(vector), mostBytes))
  vectors.clear()
  const column = block.vectors[0] as VectorRows
  const { size, multivectorConfig } = source.schema[vector] as SchemaVector
  // A row has its place whether it has a vector or not, but of multivectors as many as it has.
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
