import type { Table } from 'apache-arrow'
import type {
  CallOptions,
  Collection,
  ColumnarPoints,
  Explained,
  Hit,
  PointGroup,
  QueryOptions,
  ReadOptions,
  ScrollOptions,
  ScrollPage,
  Selector,
  StoredPoint,
  UpdateCondition,
  UpsertResult,
  WriteOperation,
  WriteOptions,
  WriteResult,
} from '../../src/core/database.js'
import { invalid, noSuchPoint, noSuchVector } from '../../src/core/errors.js'
import type { Filter } from '../../src/core/filter.js'
import { PAYLOAD_INDEX_KINDS, type PayloadIndexKind, type PayloadIndexOptions } from '../../src/core/payload-index.js'
import { isNumbers, type Payload, type Point, type PointId, type PointVector } from '../../src/core/point.js'
import type {
  FacetHit,
  FacetOptions,
  QueryGroupsOptions,
  SearchMatrix,
  SearchMatrixOptions,
} from '../../src/core/query.js'
import type { CollectionConfig, CollectionInfo, ConfigChange, VectorNameConfig } from '../../src/core/schema.js'
import type { Untyped } from '../../src/core/untyped.js'
import { type Batch, batchesOf, writeBatches } from '../../src/core/upsert-batches.js'
import { withoutVectorName, withVectorName } from '../../src/engine/config/named-vectors.js'
import { changeConfig } from '../../src/engine/config/schema.js'
import { matchesFilter } from './filter-oracle.js'
import { facetOfOracle, groupsOfOracle, matrixOfOracle } from './memory-aggregates.js'
import { pointsOfTable } from './memory-arrow.js'
import { bounded, checkCall, checkedPoints, filterable, plainPayload, selectionOf } from './memory-checks.js'
import { pointsOfColumns } from './memory-columns.js'
import { infoOf } from './memory-info.js'
import { noRepair, OracleIngests } from './memory-ingest.js'
import { changedPayload, type PayloadOperation } from './memory-payload.js'
import { askedRecall, checkEffort, hasConditions, planAbove, planOfScan } from './memory-plan.js'
import { idKey, idOfKey, type MemoryPoint } from './memory-points.js'
import { WithoutQuality } from './memory-quality.js'
import { type MemorySource, ordered, orderedPoint, type Ranked, runOracle } from './memory-query.js'
import { seenPoint } from './memory-seen.js'
import { noSnapshots } from './memory-snapshots.js'
import { type MemorySpace, type MemoryVector, memoryVector } from './memory-vectors.js'
import { textIndexesOf } from './text-oracle.js'

export class MemoryCollection extends WithoutQuality implements Untyped<Collection> {
  readonly name: string
  #config: CollectionConfig
  readonly #aliases: () => string[]
  readonly snapshots = noSnapshots
  /** In id order. */
  #points = new Map<string, MemoryPoint>()
  readonly #indexes = new Map<string, PayloadIndexKind | PayloadIndexOptions>()
  #sequence = 0
  readonly #ingests = new OracleIngests(this)
  readonly ingest = this.#ingests.ingest
  readonly ingestPosition = this.#ingests.position
  readonly repair = noRepair
  readonly #lookup: (name: string) => MemoryCollection

  constructor(
    name: string,
    config: CollectionConfig,
    aliases: () => string[] = () => [],
    lookup: (name: string) => MemoryCollection = () => this,
  ) {
    super()
    this.name = name
    this.#config = config
    this.#aliases = aliases
    this.#lookup = lookup
  }

  async aliases(): Promise<string[]> {
    return this.#aliases()
  }

  async info(): Promise<CollectionInfo> {
    return infoOf(this.name, this.#config, [...this.#points.values()], this.#indexes)
  }

  async updateConfig(change: ConfigChange): Promise<void> {
    this.#config = changeConfig(this.#config, change)
  }

  async upsert(
    points: Parameters<Collection['upsert']>[0],
    options: WriteOptions & UpdateCondition = {},
  ): Promise<UpsertResult> {
    const names = this.#config.vectors.map((vector) => vector.name)
    const isTable = points !== null && typeof points === 'object' && 'batches' in points
    return writeBatches(this.#batchesOf(isTable ? pointsOfTable(points as unknown as Table, names) : points, options))
  }

  async *#batchesOf(points: unknown, options: WriteOptions & UpdateCondition): AsyncGenerator<Batch> {
    const { updateFilter = null, updateMode = 'upsert' } = options
    for await (const [rows, count] of batchesOf(points)) {
      const operation = { op: 'upsert', points: checkedPoints(rows), updateFilter, updateMode } as const
      yield { points: count, write: async () => this.#write(operation, options) }
    }
  }

  async updateVectors(
    points: readonly { id: PointId; vector: PointVector }[],
    options: WriteOptions & UpdateCondition = {},
  ): Promise<WriteResult> {
    return this.#write({ op: 'updateVectors', points, updateFilter: options.updateFilter ?? null }, options)
  }

  async deleteVectors(names: readonly string[], which: Selector, options?: WriteOptions): Promise<WriteResult> {
    return this.#write({ op: 'deleteVectors', names, which }, options)
  }

  async delete(which: Selector, options?: WriteOptions): Promise<WriteResult> {
    return this.#write({ op: 'delete', which }, options)
  }

  async setPayload(payload: Payload, which: Selector, options?: WriteOptions & { key?: string }): Promise<WriteResult> {
    const key = options?.key === undefined ? {} : { key: options.key }
    return this.#write({ op: 'setPayload', payload, which, ...key }, options)
  }

  async overwritePayload(payload: Payload, which: Selector, options?: WriteOptions): Promise<WriteResult> {
    return this.#write({ op: 'overwritePayload', payload, which }, options)
  }

  async deletePayload(keys: readonly string[], which: Selector, options?: WriteOptions): Promise<WriteResult> {
    return this.#write({ op: 'deletePayload', keys, which }, options)
  }

  async clearPayload(which: Selector, options?: WriteOptions): Promise<WriteResult> {
    return this.#write({ op: 'clearPayload', which }, options)
  }

  async batch(operations: readonly WriteOperation[], options?: WriteOptions): Promise<WriteResult[]> {
    return operations.map((operation) => this.#write(operation, options))
  }

  async retrieve(ids: readonly PointId[], options: ReadOptions = {}): Promise<StoredPoint[]> {
    const keys = new Set(ids.map((id, i) => idKey(id, `ids[${i}]`)))
    return [...keys].flatMap((key) => this.#points.get(key) ?? []).map((point) => this.#seen(point, options))
  }

  async query(options: QueryOptions): Promise<Hit[]> {
    checkCall(options)
    const { limit = 10, offset = 0 } = options
    bounded(limit, 1, 'limit')
    bounded(offset, 0, 'offset')
    checkEffort(options)
    this.#vectorNames(options.withVector ?? false)
    return runOracle(this.#source(), options).map((hit) => this.#hit(hit, options))
  }

  /** Explained as a scan of everything, which it is. */
  async explain(options: QueryOptions): Promise<Explained> {
    const hits = await this.query(options)
    const stage = (options.query ?? null) === null ? 'ids' : 'nearest'
    const matches = hasConditions(options.filter) ? this.#matching(options.filter).length : null
    const plan = planOfScan(this.#points.size, matches, stage, hits.length)
    return { hits, plan: { ...plan, ...askedRecall(options, this.#config) } }
  }

  async queryGroups(options: QueryGroupsOptions): Promise<PointGroup[]> {
    return groupsOfOracle(this.#source(), options, (hit) => this.#hit(hit, options))
  }

  async explainGroups(options: QueryGroupsOptions) {
    const [groups, { plan }] = await Promise.all([this.queryGroups(options), this.explain(options)])
    return { groups, plan: planAbove('groups', groups.flatMap(({ hits }) => hits).length, [plan]) }
  }

  async facet({ key, filter, limit = 10 }: FacetOptions): Promise<FacetHit[]> {
    if (!this.#indexes.has(key)) throw invalid('key', 'No appropriate index for faceting', key)
    return facetOfOracle(this.#matching(filter), key).slice(0, limit)
  }

  async searchMatrix(options: SearchMatrixOptions = {}): Promise<SearchMatrix> {
    return matrixOfOracle(this.#source(), options)
  }

  async explainMatrix(options?: SearchMatrixOptions) {
    const matrix = await this.searchMatrix(options)
    return { ...matrix, plan: planAbove('matrix', matrix.pairs.length, []) }
  }

  #hit({ point, score, version, orderValue }: Ranked, options: ReadOptions): Hit {
    const hit = { ...this.#seen(point, options), version, score }
    return orderValue === undefined ? hit : { ...hit, orderValue }
  }

  #source(): MemorySource {
    return {
      name: this.name,
      all: () => [...this.#points.values()],
      matching: (filter) => this.#matching(filter),
      find: (id) => this.#points.get(idKey(id, 'query')),
      space: (using) => this.#space(using ?? undefined),
      lookup: (name) => this.#lookup(name).#source(),
      seen: (point, options) => this.#seen(point, options),
    }
  }

  async queryBatch(queries: readonly QueryOptions[], call?: CallOptions): Promise<Hit[][]> {
    return Promise.all(queries.map((query) => this.query({ ...query, ...call })))
  }

  async explainBatch(queries: readonly QueryOptions[], call?: CallOptions): Promise<Explained[]> {
    return Promise.all(queries.map((query) => this.explain({ ...query, ...call })))
  }

  async scrollPage(options: ScrollOptions = {}): Promise<ScrollPage> {
    checkCall(options)
    const { limit = 10, offset = null } = options
    bounded(limit, 1, 'limit')
    const from = offset === null ? '' : idKey(offset, 'offset')
    if (options.orderBy) {
      const found = ordered(this.#matching(options.filter), options.orderBy).slice(0, limit)
      return { points: found.map((hit) => orderedPoint(hit, this.#seen(hit.point, options))), nextOffset: null }
    }
    const rest = this.#matching(options.filter).filter((point) => idKey(point.id) >= from)
    return {
      points: rest.slice(0, limit).map((point) => this.#seen(point, options)),
      nextOffset: rest[limit]?.id ?? null,
    }
  }

  async count(options: { filter?: Filter | null } & CallOptions = {}): Promise<number> {
    return this.#matching(options.filter).length
  }

  async createPayloadIndex(field: string, schema: PayloadIndexKind | PayloadIndexOptions): Promise<WriteResult> {
    const kind = typeof schema === 'string' ? schema : schema.type
    if (!PAYLOAD_INDEX_KINDS.includes(kind)) throw invalid('field_schema', 'expected one of keyword, integer', kind)
    this.#indexes.set(field, schema)
    return { operationId: ++this.#sequence, status: 'completed' }
  }

  async deletePayloadIndex(field: string): Promise<WriteResult> {
    this.#indexes.delete(field)
    return { operationId: ++this.#sequence, status: 'completed' }
  }

  async createVectorName(name: string, config: VectorNameConfig): Promise<WriteResult> {
    this.#config = withVectorName(this.#config, name, config) ?? this.#config
    return { operationId: ++this.#sequence, status: 'completed' }
  }

  async deleteVectorName(name: string): Promise<WriteResult> {
    this.#config = withoutVectorName(this.#config, name) ?? this.#config
    for (const point of this.#points.values()) point.vectors.delete(name)
    return { operationId: ++this.#sequence, status: 'completed' }
  }

  async flush(): Promise<void> {}
  async waitForIndex(): Promise<void> {}
  async warm(): Promise<void> {}

  #write(operation: WriteOperation, options: WriteOptions = {}): WriteResult {
    checkCall(options)
    const before = this.#points.size
    this.#apply(operation)
    if (options.wait === false) return { operationId: this.#sequence, status: 'acknowledged' }
    const deleted = operation.op === 'delete' ? { deleted: before - this.#points.size } : {}
    return { operationId: this.#sequence, status: 'completed', ...deleted }
  }

  #apply(operation: WriteOperation): void {
    switch (operation.op) {
      case 'upsert':
        this.#upsert(operation.points, operation)
        break
      case 'updateVectors': {
        const changes = operation.points.map((point, i) => ({
          point: this.#present(point.id, `points[${i}].id`),
          vectors: this.#vectorsOf(point.vector, `points[${i}].vector`),
        }))
        const chosen = changes.filter(({ point }) => this.#isWritten(point.id, operation))
        this.#change(chosen, ({ point, vectors }) => {
          for (const [name, vector] of vectors) point.vectors.set(name, vector)
          return point
        })
        break
      }
      case 'deleteVectors':
        for (const name of operation.names) this.#space(name, 'vector')
        this.#change(this.#selected(operation.which, false), (point) => {
          for (const name of operation.names) point.vectors.delete(name)
          return point
        })
        break
      case 'delete':
        this.#sequence++
        for (const point of this.#selected(operation.which, false)) this.#points.delete(idKey(point.id))
        break
      default:
        this.#changePayload(operation)
    }
  }

  #changePayload(operation: PayloadOperation): void {
    const points = this.#selected(operation.which, true)
    this.#change(points, (point) => {
      point.payload = changedPayload(point.payload, operation)
      return point
    })
  }

  #isWritten(id: PointId, { updateFilter, updateMode }: UpdateCondition): boolean {
    const point = this.#points.get(idKey(id))
    if (!point) return updateMode !== 'update_only'
    return (
      updateMode !== 'insert_only' &&
      (!updateFilter || matchesFilter(updateFilter, filterable(point), textIndexesOf(this.#indexes)))
    )
  }

  #upsert(points: readonly Point[] | ColumnarPoints, condition: UpdateCondition): void {
    const modes = ['upsert', 'insert_only', 'update_only']
    const mode = condition.updateMode ?? 'upsert'
    if (!modes.includes(mode)) throw invalid('updateMode', `expected one of ${modes.join(', ')}`, mode)
    const rows = 'ids' in points ? pointsOfColumns(points, (name) => this.#space(name, 'vectors')) : points
    const made = rows.map((row, i): MemoryPoint => {
      const key = idKey(row.id, `points[${i}].id`)
      const vectors = this.#vectorsOf(row.vector, `points[${i}].vector`)
      return { id: idOfKey(key), vectors, payload: plainPayload(row.payload), version: 0 }
    })
    // The condition is checked for all points before any is written, so both copies of a repeated point agree.
    const written = made.filter((point) => this.#isWritten(point.id, condition))
    this.#change(written, (point) => {
      this.#points.set(idKey(point.id), point)
      return point
    })
    this.#points = new Map([...this.#points].sort(([a], [b]) => (a < b ? -1 : 1)))
  }

  /** Every part of an operation is checked before this runs, so that it is atomic. */
  #change<T>(items: readonly T[], change: (item: T) => MemoryPoint): void {
    this.#sequence++
    for (const item of items) change(item).version = this.#sequence
  }

  #vectorsOf(vector: PointVector | undefined, field: string): Map<string, MemoryVector> {
    const isOne = isNumbers(vector)
    const named = isOne ? { '': vector } : vector
    if (named === null || typeof named !== 'object') throw invalid(field, 'expected a vector', vector)
    return new Map(
      Object.entries(named).map(([name, value]) => {
        const at = name === '' ? field : `${field}.${name}`
        return [name, memoryVector(value, this.#space(name, at), at)]
      }),
    )
  }

  #space(name: string | undefined, field = 'using'): MemorySpace {
    const vectors: MemorySpace[] = [...this.#config.vectors, ...this.#config.sparseVectors]
    const meant = name ?? (vectors.length === 1 ? vectors[0]?.name : '')
    const found = vectors.find((vector) => vector.name === meant)
    if (!found) throw noSuchVector(field, name ?? null)
    return found
  }

  #selected(which: Selector, mustExist: boolean): MemoryPoint[] {
    const { ids, filter } = selectionOf(which)
    if (ids === null) return this.#matching(filter)
    if (mustExist) return ids.map((id, i) => this.#present(id, `points[${i}]`))
    return ids.flatMap((id, i) => this.#points.get(idKey(id, `points[${i}]`)) ?? [])
  }

  #present(id: PointId, field: string): MemoryPoint {
    const point = this.#points.get(idKey(id, field))
    if (!point) throw noSuchPoint(id)
    return point
  }

  #matching(filter: Filter | null | undefined): MemoryPoint[] {
    const points = [...this.#points.values()]
    return filter
      ? points.filter((point) => matchesFilter(filter, filterable(point), textIndexesOf(this.#indexes)))
      : points
  }

  #seen(point: MemoryPoint, options: ReadOptions): StoredPoint {
    return seenPoint(point, options, this.#vectorNames(options.withVector ?? false))
  }

  #vectorNames(selector: boolean | readonly string[]): readonly string[] {
    if (typeof selector !== 'boolean') return selector.map((name) => this.#space(name, 'with_vector').name)
    const { vectors, sparseVectors } = this.#config
    return selector ? [...vectors, ...sparseVectors].map((vector) => vector.name) : []
  }
}
