/** Strict mode: bounds that a collection's owner sets on its queries and writes, with Qdrant's meaning and wording. */
import { totalmem } from 'node:os'
import type { ColumnarPoints, Selector, WriteOperation } from '../../core/database.js'
import { VicinalError } from '../../core/errors.js'
import type { Filter } from '../../core/filter.js'
import type { MaybePromise } from '../../core/maybe-promise.js'
import type { PointColumns } from '../../core/point.js'
import type { FormulaQuery } from '../../core/query.js'
import { type CollectionConfig, type StrictModeConfig, schemaOf } from '../../core/schema.js'
import { type FilterFacts, filterFacts } from '../../filter/filter-facts.js'
import { type FilterContext, filterContext } from '../../filter/parse.js'
import { parseFormula } from '../../filter/parse-formula.js'
import { formulaFacts } from '../../query/formula-facts.js'
import type { IndexedField } from '../config/payload-index.js'
import type { RateLimit } from './rate-limit.js'
import { checkFullScan, checkGrouping, checkIndexed, refused, UNINDEXED } from './strict-indexes.js'

const MS_PER_SECOND = 1_000
const MB = 1024 * 1024

/** The parts of a collection that strict mode reads. */
export interface StrictModeSubject {
  collection: CollectionConfig
  payloadIndexes: readonly IndexedField[]
  points(): number
  vectorBytes(): number
  payloadBytes(): number
  reads: RateLimit
  writes: RateLimit
}

/** Created for each operation on a collection with strict mode enabled. */
export class StrictMode {
  readonly config: StrictModeConfig
  readonly #subject: StrictModeSubject

  constructor(config: StrictModeConfig, subject: StrictModeSubject) {
    this.config = config
    this.#subject = subject
  }

  /** Charges a read before it runs. A read that is refused while it is prepared gets its cost back. */
  async read<T>(
    timeoutMs: number | undefined,
    costOf: () => MaybePromise<number>,
    work: () => MaybePromise<T>,
  ): Promise<T> {
    const { readRateLimit: most } = this.config
    this.timeout(timeoutMs)
    if (most === undefined) return await work()
    const cost = await costOf()
    this.#subject.reads.take(cost, most, this.config)
    try {
      return await work()
    } catch (error) {
      const isFree = error instanceof VicinalError && error.code === 'INVALID_ARGUMENT' && !error.isAfterWork
      if (isFree) this.#subject.reads.giveBack(cost)
      throw error
    }
  }

  /** Charges writes that passed validation, by their points. */
  written(cost: number): void {
    const { writeRateLimit: most } = this.config
    if (most !== undefined) this.#subject.writes.take(cost, most, this.config)
  }

  /** Checks the limit before the points are validated, because validation takes time. The cost is taken after it. */
  writable(cost: number): void {
    const { writeRateLimit: most } = this.config
    if (most !== undefined) this.#subject.writes.check(cost, most, this.config)
  }

  /** Checks the caller's own timeout; the default timeout is not checked. */
  timeout(timeoutMs: number | undefined): void {
    if (timeoutMs !== undefined) this.limit(timeoutMs / MS_PER_SECOND, 'maxTimeout', 'timeout')
  }

  limit(value: number | null | undefined, field: keyof StrictModeConfig, name: string): void {
    const most = this.config[field] as number | undefined
    if (value === undefined || value === null || most === undefined || value <= most) return
    const help = `Reduce the "${name}" parameter to or below ${most}.`
    throw refused(`Limit exceeded ${value} > ${most} for "${name}"`, help, field, most, value)
  }

  exact(exact: boolean | undefined): void {
    if (exact !== true || this.config.searchAllowExact !== false) return
    throw refused('Exact search disabled!', 'Set exact=false.', 'searchAllowExact', false, true)
  }

  filter(filter: Filter | null | undefined, access: 'retrieve' | 'update', name = 'filter'): void {
    if (filter === undefined || filter === null) return
    this.#facts(filterFacts(filter, this.#context(), name), access, 'filter')
  }

  /** Bounds the conditions of a formula like those of a filter. */
  formula(query: FormulaQuery): void {
    this.#facts(formulaFacts(parseFormula(query, this.#context(), 'query')), 'retrieve', 'formula expression')
  }

  grouping(groupBy: unknown): void {
    if (this.config.unindexedFilteringRetrieve === false) checkGrouping(groupBy, this.#subject.payloadIndexes)
  }

  /** For searches by a vector. */
  fullScan(using: string | undefined | null, filter: Filter | null | undefined): void {
    if (this.config.searchAllowExact !== false) return
    const { collection: config, payloadIndexes: indexes } = this.#subject
    checkFullScan(using, () => filterFacts(filter, this.#context()).fields, { config, indexes })
  }

  #context(): FilterContext {
    return filterContext(schemaOf(this.#subject.collection))
  }

  #facts(facts: FilterFacts, access: 'retrieve' | 'update', asker: string): void {
    if (this.config[UNINDEXED[access]] === false) {
      checkIndexed(facts.fields, this.#subject.payloadIndexes, access, asker)
    }
    const { conditions, largest } = facts
    const { filterMaxConditions: most, conditionMaxSize: size } = this.config
    if (most !== undefined && conditions > most) {
      const what = `Filter condition limit reached (${conditions} > ${most})`
      throw refused(what, 'Reduce the amount of conditions of your filter.', 'filterMaxConditions', most, conditions)
    }
    if (size !== undefined && largest > size) {
      const what = `Condition size limit reached (${largest} > ${size})`
      throw refused(what, 'Reduce the size of your condition.', 'conditionMaxSize', size, largest)
    }
  }

  write(operation: WriteOperation<unknown>, timeoutMs: number | undefined): void {
    this.timeout(timeoutMs)
    this.filter(filterOf(operation), 'update', 'updateFilter' in operation ? 'updateFilter' : 'filter')
    if (operation.op === 'upsert' || operation.op === 'updateVectors') this.#points(operation)
    else if (operation.op === 'setPayload' || operation.op === 'overwritePayload') this.#payloadSize()
  }

  payloadIndex(field: string): void {
    const { maxPayloadIndexCount: most } = this.config
    const others = this.#subject.payloadIndexes.filter((index) => index.field !== field).length
    if (most === undefined || others < most) return
    const what = `Collection already has the maximum number of payload indices (${most})`
    throw refused(
      what,
      'Please delete an existing index before creating a new one.',
      'maxPayloadIndexCount',
      most,
      others + 1,
    )
  }

  #points(operation: Extract<WriteOperation<unknown>, { op: 'upsert' | 'updateVectors' }>): void {
    const { op, points } = operation
    this.limit(countOf(points), 'upsertMaxBatchsize', op === 'upsert' ? 'upsert limit' : 'update limit')
    this.#memory()
    const { maxPointsCount: most, maxCollectionVectorSizeBytes: bytes } = this.config
    const vectorBytes = bytes === undefined ? 0 : this.#subject.vectorBytes()
    if (bytes !== undefined && vectorBytes >= bytes) {
      const what = `Max vector storage size limit of ${bytes / MB}MB reached!`
      throw refused(what, 'Delete points, or raise the limit.', 'maxCollectionVectorSizeBytes', bytes, vectorBytes)
    }
    this.#payloadSize()
    const count = most === undefined ? 0 : this.#subject.points()
    if (most !== undefined && count >= most) {
      const what = `Max points count limit of ${most} reached!`
      throw refused(what, 'Delete points, or raise the limit.', 'maxPointsCount', most, count)
    }
  }

  #payloadSize(): void {
    const { maxCollectionPayloadSizeBytes: most } = this.config
    const bytes = most === undefined ? 0 : this.#subject.payloadBytes()
    if (most === undefined || bytes < most) return
    const what = `Max payload storage size limit of ${most / MB}MB reached!`
    throw refused(what, 'Delete points, or raise the limit.', 'maxCollectionPayloadSizeBytes', most, bytes)
  }

  #memory(): void {
    const { maxResidentMemoryPercent: most } = this.config
    if (most === undefined) return
    const percent = (process.memoryUsage.rss() / totalmem()) * 100
    if (percent <= most) return
    const what = `Max resident memory limit of ${most}% reached (${percent.toFixed(1)}%)!`
    throw refused(what, 'Free memory, or raise the limit.', 'maxResidentMemoryPercent', most, percent)
  }

  /** Bounds vectors after parsing, including those made from texts. */
  columns(columns: PointColumns): void {
    for (const { error } of this.rowsBeyond(columns)) throw error
  }

  /** The rows whose vectors are beyond the bounds, each with the first of its errors. */
  *rowsBeyond({ vectors }: PointColumns): Generator<{ row: number; error: VicinalError }> {
    const { multivectorConfig: multi, sparseConfig: sparse } = this.config
    const seen = new Set<number>()
    for (const { name, counts, sparse: parts, rows } of vectors) {
      const most = counts ? multi?.[name]?.maxVectors : parts && sparse?.[name]?.maxLength
      if (most === undefined) continue
      const offsets = parts?.offsets as Uint32Array
      const count = counts?.length ?? offsets.length - 1
      for (let at = 0; at < count; at++) {
        const length = counts ? (counts[at] as number) : (offsets[at + 1] as number) - (offsets[at] as number)
        const row = rows ? (rows[at] as number) : at
        if (length <= most || seen.has(row)) continue
        seen.add(row)
        yield { row, error: counts ? tooManyVectors(name, most, length) : tooManyIndices(name, most, length) }
      }
    }
  }
}

function tooManyVectors(name: string, most: number, length: number): VicinalError {
  const what = `Multivector '${name}' has a limit of ${most} vectors, but ${length} were provided!`
  return refused(what, 'Send fewer.', 'multivectorConfig', most, length)
}

function tooManyIndices(name: string, most: number, length: number): VicinalError {
  const what = `Sparse vector '${name}' has a limit of ${most} indices, but ${length} were provided!`
  return refused(what, 'Send fewer.', 'sparseConfig', most, length)
}

/** Of a write, unchecked. */
export function filterOf(operation: WriteOperation<unknown>): Filter | null {
  if (operation.op === 'upsert' || operation.op === 'updateVectors') return operation.updateFilter ?? null
  const which: Selector | null = operation.which
  // Arrays have a `filter` method, so they are excluded first.
  if (which === null || typeof which !== 'object' || Array.isArray(which)) return null
  return (which as { filter?: Filter }).filter ?? null
}

/** The points that a write names; null if a filter finds them. Unchecked. */
export function namedPoints(operation: WriteOperation<unknown>): number | null {
  if (operation.op === 'upsert' || operation.op === 'updateVectors') return countOf(operation.points)
  const which: Selector | null = operation.which
  const ids: unknown = Array.isArray(which) ? which : (which as { ids?: unknown } | null)?.ids
  return Array.isArray(ids) ? ids.length : null
}

function countOf(points: unknown): number {
  if (Array.isArray(points)) return points.length
  const { ids, numRows } = (points ?? {}) as Partial<ColumnarPoints> & { numRows?: number }
  return typeof numRows === 'number' ? numRows : (ids?.length ?? 0)
}
