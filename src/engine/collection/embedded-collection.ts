import { CallOptions } from '../../core/call-options.js'
import { copied } from '../../core/copied.js'
import type {
  Collection,
  Selector,
  UpdateCondition,
  UpsertResult,
  WriteOperation,
  WriteResult,
} from '../../core/database.js'
import { given, givenIfAny } from '../../core/given-options.js'
import type { RejectedRow } from '../../core/ingest.js'
import { innerOf } from '../../core/inner-call.js'
import { LIMITS } from '../../core/limits.js'
import type { PayloadIndexKind, PayloadIndexOptions } from '../../core/payload-index.js'
import type { Payload } from '../../core/point.js'
import { readOperations } from '../../core/point-changes.js'
import * as reports from '../../core/quality.js'
import type { Repair, RepairResult } from '../../core/repair.js'
import {
  type CollectionConfig,
  type CollectionInfo,
  type ConfigChange,
  type VectorNameConfig,
  withRules,
} from '../../core/schema.js'
import type { Stoppable } from '../../core/stop.js'
import type { Untyped } from '../../core/untyped.js'
import { type Batch, batchesOf, pointsOfOneWrite, writeBatches } from '../../core/upsert-batches.js'
import { PayloadOptions, UpsertOptions, VectorUpdateOptions, WriteOptions } from '../../core/write-options.js'
import type { IngestBatch, IngestShape, WrittenBatch } from '../../intake/ingestion.js'
import type { Shard } from '../../native/shard.js'
import { checkQuarantine } from '../config/ingestion.js'
import { withoutVectorName, withVectorName } from '../config/named-vectors.js'
import { checkPayloadIndex, isOnDisk } from '../config/payload-index.js'
import { changeConfig } from '../config/schema.js'
import type { QuotaGuard } from '../limits/quota-guard.js'
import { namedPoints } from '../limits/strict-mode.js'
import { MAPS_OF_INDEX, MAPS_OF_VECTOR, mapsOfSegment } from '../memory/map-room.js'
import { withRoom } from '../memory/memory-budget.js'
import { writeBytes } from './anticipated.js'
import { type CallScope, untilDone, withCall, withDeadline } from './call-scope.js'
import type { CollectionEngine } from './collection-engine.js'
import { CollectionReads, type ReadHost } from './collection-reads.js'
import { IngestPlan, ingestShapeOf } from './ingest-plan.js'
import { readLargeFilterOf } from './large-filters.js'
import { BY_OPERATION, conditionIn, leastCost, type PassedWrite, TAKES_ROOM, withOwnSelector } from './passed-write.js'
import { type PlanWrite, readOperation } from './plans.js'
import { checkOther, verdictsIn } from './quarantine.js'
import { repairRecords } from './repair.js'
import type { EditVectors } from './vector-changes.js'
import { chargeWrites } from './write-cost.js'

/** The parts that a database shares with the handles on its collections. */
export interface CollectionHost extends ReadHost {
  quotas: QuotaGuard
  /** Resolves to the collection, which is made where it is not there. */
  quarantine(name: string): Promise<Collection>
}

/** The methods of one open collection of this process. */
export class EmbeddedCollection<P = Payload>
  extends CollectionReads<P>
  implements Untyped<Omit<Collection<P>, 'aliases' | 'snapshots' | 'ingest'>>
{
  readonly #engine: CollectionEngine
  readonly #quotas: QuotaGuard
  readonly #quarantine: CollectionHost['quarantine']
  /** The last shard that had an active segment, or got its next one admitted. */
  #admitted: Shard | null = null

  constructor(engine: CollectionEngine, host: CollectionHost) {
    super(engine, host)
    this.#engine = engine
    this.#quotas = host.quotas
    this.#quarantine = async (name) => checkOther(await host.quarantine(name), engine.name)
  }

  /** It is open already. */
  async warm(call?: CallOptions): Promise<void> {
    this.#engine.checkOpen()
    givenIfAny(CallOptions, call)
  }

  async info(call?: CallOptions): Promise<CollectionInfo> {
    return await withCall(call, () => this.#engine.info())
  }

  async updateConfig(change: ConfigChange, call?: CallOptions): Promise<void> {
    const changes = copied(change)
    await withCall(call, async () => {
      const change = (config: CollectionConfig) => {
        const changed = changeConfig(config, changes)
        checkQuarantine(this.#engine.name, changed)
        return changed
      }
      const { ingestion } = change(this.#engine.config)
      if (changes.ingestion && ingestion?.quarantine !== undefined) await this.#quarantine(ingestion.quarantine)
      await this.#engine.updateConfig(change)
    })
  }

  async upsert(
    points: Parameters<Collection<P>['upsert']>[0],
    options?: WriteOptions & UpdateCondition,
  ): Promise<UpsertResult> {
    const told = givenIfAny(UpsertOptions, options)
    const count = pointsOfOneWrite(points)
    if (count !== null) return { ...(await this.#upsert(points, told)), points: count, batches: 1 }
    return await writeBatches(this.#batchesOf(points, told))
  }

  async *#batchesOf(points: unknown, options: WriteOptions & UpdateCondition): AsyncGenerator<Batch> {
    for await (const [batch, count] of batchesOf(points)) {
      yield { points: count, write: () => this.#upsert(batch, options) }
    }
  }

  #upsert(points: unknown, options: WriteOptions & UpdateCondition): Promise<WriteResult> {
    return this.#write({ op: 'upsert', points: points as never, ...conditionIn(options) }, options)
  }

  /** Rows of a source that are stored. */
  async ingestPosition(source: string): Promise<number> {
    this.#engine.checkWritable()
    return this.#engine.sources.stored(source)
  }

  /** Rows of a source from this one on that are in the quarantine: they keep their verdict when they are sent again. */
  async ingestVerdicts(source: string, from: number): Promise<ReadonlyMap<number, RejectedRow>> {
    return await verdictsIn(this.#engine.view, this.#quarantine, { source, from })
  }

  async ingestShape(): Promise<IngestShape> {
    return ingestShapeOf(this.#engine)
  }

  /** Writes one batch of a stream. Rows that are no points of the collection are left out and told. */
  async ingestBatch(batch: IngestBatch, options: WriteOptions): Promise<WrittenBatch> {
    const ingest = new IngestPlan(batch, this.#engine.sources, (name, from) => this.ingestVerdicts(name, from))
    await this.#write({ op: 'upsert', points: batch.points as never }, options, ingest)
    if (ingest.cleaning) this.#engine.sources.ruleCounts.add(ingest.cleaning)
    return ingest.written
  }

  /** Stores records of the quarantine, and then removes them from it. */
  async repair(asked: Repair, options?: WriteOptions): Promise<RepairResult> {
    this.#engine.checkWritable()
    // Records are only removed once their points are on stable storage.
    const told = { ...givenIfAny(WriteOptions, options), wait: true }
    return await repairRecords(asked, told, {
      view: this.#engine.view,
      quarantine: this.#quarantine,
      write: (points, plan) => this.#write({ op: 'upsert', points: points as never }, told, { plan }),
    })
  }

  async quality(asked: reports.QualityOptions = {}): Promise<reports.QualityReport> {
    const options = given(reports.QualityOptions, asked)
    return await this.#measured(options, (scope) => this.#engine.quality.report(options, scope))
  }

  async qualityHistory(call?: CallOptions): Promise<reports.QualityReport[]> {
    return await withCall(call, () => this.#engine.quality.history())
  }

  async setQualityReference(reference: reports.QualityReference = {}, call?: CallOptions): Promise<void> {
    const read = given(reports.QualityReference, reference)
    await withCall(call, () => this.#engine.quality.setReference(read))
  }

  async deleteQualityReference(call?: CallOptions): Promise<boolean> {
    return await withCall(call, () => this.#engine.quality.deleteReference())
  }

  async pairs(asked: reports.PairsOptions): Promise<reports.NearDuplicatePairs> {
    const options = given(reports.PairsOptions, asked)
    return await this.#measured({ ...options, sample: options.maxPoints ?? LIMITS.pairPoints }, (scope) =>
      this.#engine.quality.pairs(options, scope),
    )
  }

  async neighbours(asked: reports.NeighbourOptions = {}): Promise<reports.NeighbourPage> {
    const options = given(reports.NeighbourOptions, asked)
    return await this.#measured({ ...options, sample: options.limit ?? LIMITS.neighbourPageDefault }, (scope) =>
      this.#engine.quality.neighbours(options, scope),
    )
  }

  /** Work on a sample, or on many points: the owner's bounds on reads count it as so many points. */
  async #measured<T>(options: CallOptions & { sample?: number }, work: (scope: CallScope) => Promise<T>): Promise<T> {
    this.#engine.checkOpen()
    const run = () => withDeadline(options, work)
    const points = () => Math.min(options.sample ?? LIMITS.qualityDefaultSample, this.#engine.shard.stats().points)
    return await (this.#engine.strictMode?.read(options.timeoutMs, points, run) ?? run())
  }

  async updateVectors(
    points: Parameters<Collection<P>['updateVectors']>[0],
    options?: WriteOptions & Pick<UpdateCondition, 'updateFilter'>,
  ): Promise<WriteResult> {
    const told = givenIfAny(VectorUpdateOptions, options)
    return await this.#write({ op: 'updateVectors', points, ...conditionIn(told) }, told)
  }

  async deleteVectors(names: readonly string[], which: Selector, options?: WriteOptions): Promise<WriteResult> {
    return await this.#write({ op: 'deleteVectors', names, which }, givenIfAny(WriteOptions, options))
  }

  async delete(which: Selector, options?: WriteOptions): Promise<WriteResult> {
    return await this.#write({ op: 'delete', which }, givenIfAny(WriteOptions, options))
  }

  async setPayload(
    payload: Partial<P>,
    which: Selector,
    options?: WriteOptions & { key?: string },
  ): Promise<WriteResult> {
    const { key, ...told } = givenIfAny(PayloadOptions, options)
    return await this.#write({ op: 'setPayload', payload, which, ...(key === undefined ? {} : { key }) }, told)
  }

  async overwritePayload(payload: P, which: Selector, options?: WriteOptions & { key?: string }): Promise<WriteResult> {
    return await this.#write(
      { op: 'overwritePayload', payload: payload as object, which },
      givenIfAny(PayloadOptions, options),
    )
  }

  async deletePayload(keys: readonly string[], which: Selector, options?: WriteOptions): Promise<WriteResult> {
    return await this.#write({ op: 'deletePayload', keys, which }, givenIfAny(WriteOptions, options))
  }

  async clearPayload(which: Selector, options?: WriteOptions): Promise<WriteResult> {
    return await this.#write({ op: 'clearPayload', which }, givenIfAny(WriteOptions, options))
  }

  async batch(asked: readonly WriteOperation<P>[], options?: WriteOptions): Promise<WriteResult[]> {
    const told = givenIfAny(WriteOptions, options)
    const operations = readOperations<unknown>(asked)
    this.#engine.checkWritable()
    const passed = operations.map((operation) => this.#passed(operation, told))
    for (const write of passed) await this.#checkWrite(write, told)
    this.#engine.strictMode?.writable(leastCost(passed))
    return await withDeadline(told, async (scope) => {
      // All operations are validated before the first is written. Then each is its own write; the first failure ends
      // the batch.
      const bytes = passed.reduce((sum, { bytes }) => sum + bytes, 0)
      return await withRoom(bytes, scope, innerOf(told)?.holder, async () => {
        const writes = []
        for (const { plan } of passed) writes.push(await this.#plan(plan))
        await chargeWrites(this.#engine, passed, scope)
        const results: WriteResult[] = []
        for (const write of writes) results.push(await write(told, scope))
        return results
      })
    })
  }

  /**
   * A write as its caller passed it. Its values are read at once, since the caller may change them after the call. The
   * service's writes are its own: their columns are made when there is room for them.
   */
  #passed(operation: WriteOperation<unknown>, options: WriteOptions, planned: PlanWrite | null = null): PassedWrite {
    const { schema: ruled } = this.#engine.view
    const schema = innerOf(options)?.isAside ? withRules(ruled) : ruled
    const isOwn = planned !== null || innerOf(options) !== undefined
    const own = isOwn ? operation : withOwnSelector(operation)
    let read: PlanWrite | null = isOwn ? planned : readOperation(own, schema)
    return {
      operation: own,
      points: namedPoints(own),
      bytes: TAKES_ROOM.has(own.op) ? writeBytes(own, schema) : 0,
      plan: (context) => {
        read ??= readOperation(own, innerOf(options)?.isAside ? schema : context.schema)
        return read(context)
      },
    }
  }

  /** Checks the bounds of the collection's owner and of the node. */
  async #checkWrite({ operation }: PassedWrite, options: WriteOptions | undefined): Promise<void> {
    const large = readLargeFilterOf(operation, this.#engine.schema, options)
    if (large) await large
    this.#engine.strictMode?.write(operation, options?.timeoutMs)
    if (!TAKES_ROOM.has(operation.op)) return
    await this.#quotas.check()
    const { shard } = this.#engine
    if (this.#admitted === shard) return
    if (!shard.stats().segments.some(({ active }) => active))
      await this.#quotas.maps.admit('a segment for it', mapsOfSegment(this.#engine.config))
    this.#admitted = shard
  }

  /** Admits `maps` memory maps for each segment. */
  async #admitForEach(what: string, maps: number): Promise<void> {
    await this.#quotas.maps.admit(what, maps * Math.max(1, this.#engine.shard.stats().segments.length))
  }

  async #write(
    operation: WriteOperation<unknown>,
    options: WriteOptions = {},
    planned = BY_OPERATION,
  ): Promise<WriteResult> {
    this.#engine.checkWritable()
    const passed = this.#passed(operation, options, planned.plan)
    await this.#checkWrite(passed, options)
    this.#engine.strictMode?.writable(leastCost([passed]))
    return await withDeadline(options, (scope) =>
      withRoom(passed.bytes, scope, innerOf(options)?.holder, () => {
        const work = async () => {
          if (scope.isStopped) throw scope.reason
          const write = await this.#plan(passed.plan)
          await chargeWrites(this.#engine, [passed], scope)
          return await write(options, scope)
        }
        return planned.inTurn?.(work) ?? work()
      }),
    )
  }

  /** Validates a write. If the vectors change before its turn, it is validated again with the new ones. */
  async #plan(planWrite: PlanWrite): Promise<(options: WriteOptions, scope: Stoppable) => Promise<WriteResult>> {
    const { view, strictMode, writer } = this.#engine
    const { shard, schema } = view
    // Before rows are cleaned and put aside in vain.
    if (schema.ingestion) writer.admit()
    const context = { shard, schema, strictMode, collection: view.name, quarantine: this.#quarantine }
    const plan = await planWrite(context)
    const isPresent = () => this.#engine.shard === view.shard
    return async (options, scope) => {
      const result = await writer.write(plan, options, scope, isPresent)
      if (result === null) return await (await this.#plan(planWrite))(options, scope)
      if (!plan.cleaning) return result
      this.#engine.sources.ruleCounts.add(plan.cleaning)
      return { ...result, cleaning: plan.cleaning }
    }
  }

  async createPayloadIndex(
    field: string,
    schema: PayloadIndexKind | PayloadIndexOptions,
    options?: WriteOptions,
  ): Promise<WriteResult> {
    const told = givenIfAny(WriteOptions, options)
    this.#engine.checkWritable()
    const index = checkPayloadIndex(field, schema)
    this.#engine.strictMode?.payloadIndex(field)
    if (isOnDisk(index)) await this.#admitForEach('a payload index on disk', MAPS_OF_INDEX)
    this.#engine.strictMode?.written(1)
    return await withDeadline(told, () => this.#engine.createPayloadIndex(index, told))
  }

  async deletePayloadIndex(field: string, options?: WriteOptions): Promise<WriteResult> {
    const told = givenIfAny(WriteOptions, options)
    this.#engine.checkWritable()
    this.#engine.strictMode?.written(1)
    return await withDeadline(told, () => this.#engine.deletePayloadIndex(field))
  }

  async createVectorName(name: string, config: VectorNameConfig, options?: WriteOptions): Promise<WriteResult> {
    this.#engine.checkWritable()
    const told = givenIfAny(WriteOptions, options)
    const vector = copied(config)
    await this.#admitForEach('another vector', MAPS_OF_VECTOR)
    return await this.#changeVectors((before) => withVectorName(before, name, vector), told)
  }

  async deleteVectorName(name: string, options?: WriteOptions): Promise<WriteResult> {
    return await this.#changeVectors((before) => withoutVectorName(before, name), givenIfAny(WriteOptions, options))
  }

  /** With `wait: false` the status differs, but the change is always made once it is durable. */
  async #changeVectors(edit: EditVectors, told: WriteOptions): Promise<WriteResult> {
    this.#engine.checkWritable()
    // Reports errors at once that the present configuration already shows.
    edit(this.#engine.config)
    this.#engine.strictMode?.written(1)
    const result = await withDeadline(told, () => this.#engine.changeVectors(edit))
    return told.wait === false ? { ...result, status: 'acknowledged' } : result
  }

  async flush(call?: CallOptions): Promise<void> {
    this.#engine.checkWritable()
    await untilDone(givenIfAny(CallOptions, call), () => this.#engine.flush())
  }

  async waitForIndex(call?: CallOptions): Promise<void> {
    this.#engine.checkOpen()
    await untilDone(givenIfAny(CallOptions, call), () => this.#engine.waitForIndex())
  }
}
