import type {
  CallOptions,
  Collection,
  Selector,
  UpdateCondition,
  UpsertResult,
  WriteOperation,
  WriteResult,
} from '../../core/database.js'
import { innerOf } from '../../core/inner-call.js'
import { checkIfGiven } from '../../core/known-keys.js'
import { KNOWN_CALL } from '../../core/known-options.js'
import { LIMITS } from '../../core/limits.js'
import type { PayloadIndexKind, PayloadIndexOptions } from '../../core/payload-index.js'
import type { Payload } from '../../core/point.js'
import { readOperations } from '../../core/point-changes.js'
import type { CollectionInfo, ConfigChange, VectorNameConfig } from '../../core/schema.js'
import type { Stoppable } from '../../core/stop.js'
import type { Untyped } from '../../core/untyped.js'
import { type Batch, batchesOf, writeBatches } from '../../core/upsert-batches.js'
import {
  PayloadOptions,
  readOptions,
  UpsertOptions,
  VectorUpdateOptions,
  WriteOptions,
} from '../../core/write-options.js'
import { filterContext } from '../../filter/parse.js'
import { compileFilter } from '../../filter/program.js'
import type { Shard } from '../../native/shard.js'
import { withoutVectorName, withVectorName } from '../config/named-vectors.js'
import { checkPayloadIndex, isOnDisk } from '../config/payload-index.js'
import { changeConfig } from '../config/schema.js'
import type { QuotaGuard } from '../limits/quota-guard.js'
import { filterOf, namedPoints } from '../limits/strict-mode.js'
import { MAPS_OF_INDEX, MAPS_OF_VECTOR, mapsOfSegment } from '../memory/map-room.js'
import { withRoom } from '../memory/memory-budget.js'
import { writeBytes } from './anticipated.js'
import { type CallScope, untilDone, withCall, withDeadline } from './call-scope.js'
import type { CollectionEngine } from './collection-engine.js'
import { CollectionReads, type ReadHost } from './collection-reads.js'
import { readLargeFilterOf } from './large-filters.js'
import { planOperation } from './plans.js'
import type { EditVectors } from './vector-changes.js'

/** Operations that quotas can refuse. All others free memory and disk, or take next to none. */
const TAKES_ROOM: ReadonlySet<string> = new Set(['upsert', 'updateVectors', 'setPayload', 'overwritePayload'])

/** The parts that a database shares with the handles on its collections. */
export interface CollectionHost extends ReadHost {
  quotas: QuotaGuard
}

/** The methods of one open collection of this process. */
export class EmbeddedCollection<P = Payload>
  extends CollectionReads<P>
  implements Untyped<Omit<Collection<P>, 'aliases' | 'snapshots'>>
{
  readonly #engine: CollectionEngine
  readonly #quotas: QuotaGuard
  /** The last shard that had an active segment, or got its next one admitted. */
  #admitted: Shard | null = null

  constructor(engine: CollectionEngine, host: CollectionHost) {
    super(engine, host)
    this.#engine = engine
    this.#quotas = host.quotas
  }

  /** It is open already. */
  async warm(call?: CallOptions): Promise<void> {
    this.#engine.checkOpen()
    checkIfGiven(call, KNOWN_CALL)
  }

  async info(call?: CallOptions): Promise<CollectionInfo> {
    return await withCall(call, () => this.#engine.info())
  }

  async updateConfig(change: ConfigChange, call?: CallOptions): Promise<void> {
    await withCall(call, () => this.#engine.updateConfig((config) => changeConfig(config, change)))
  }

  async upsert(
    points: Parameters<Collection<P>['upsert']>[0],
    options?: WriteOptions & UpdateCondition,
  ): Promise<UpsertResult> {
    const told = readOptions(UpsertOptions, options)
    // Most upserts are one small write.
    if (Array.isArray(points) && points.length <= LIMITS.batchPoints)
      return { ...(await this.#upsert(points, told)), points: points.length, batches: 1 }
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

  async updateVectors(
    points: Parameters<Collection<P>['updateVectors']>[0],
    options?: WriteOptions & Pick<UpdateCondition, 'updateFilter'>,
  ): Promise<WriteResult> {
    const told = readOptions(VectorUpdateOptions, options)
    return await this.#write({ op: 'updateVectors', points, ...conditionIn(told) }, told)
  }

  async deleteVectors(names: readonly string[], which: Selector, options?: WriteOptions): Promise<WriteResult> {
    return await this.#write({ op: 'deleteVectors', names, which }, readOptions(WriteOptions, options))
  }

  async delete(which: Selector, options?: WriteOptions): Promise<WriteResult> {
    return await this.#write({ op: 'delete', which }, readOptions(WriteOptions, options))
  }

  async setPayload(
    payload: Partial<P>,
    which: Selector,
    options?: WriteOptions & { key?: string },
  ): Promise<WriteResult> {
    const { key, ...told } = readOptions(PayloadOptions, options)
    return await this.#write({ op: 'setPayload', payload, which, ...(key === undefined ? {} : { key }) }, told)
  }

  async overwritePayload(payload: P, which: Selector, options?: WriteOptions & { key?: string }): Promise<WriteResult> {
    return await this.#write({ op: 'overwritePayload', payload, which }, readOptions(PayloadOptions, options))
  }

  async deletePayload(keys: readonly string[], which: Selector, options?: WriteOptions): Promise<WriteResult> {
    return await this.#write({ op: 'deletePayload', keys, which }, readOptions(WriteOptions, options))
  }

  async clearPayload(which: Selector, options?: WriteOptions): Promise<WriteResult> {
    return await this.#write({ op: 'clearPayload', which }, readOptions(WriteOptions, options))
  }

  async batch(given: readonly WriteOperation<P>[], options?: WriteOptions): Promise<WriteResult[]> {
    const told = readOptions(WriteOptions, options)
    const operations = readOperations<P>(given)
    this.#engine.checkWritable()
    for (const operation of operations) await this.#checkWrite(operation, told)
    this.#engine.strictMode?.writable(leastCost(operations))
    return await withDeadline(told, async (scope) => {
      // All operations are validated before the first is written. Then each is its own write; the first failure ends
      // the batch.
      const bytes = operations.reduce((sum, operation) => sum + this.#writeBytes(operation), 0)
      return await withRoom(bytes, scope, innerOf(told)?.holder, async () => {
        const writes = []
        for (const operation of operations) writes.push(await this.#plan(operation))
        await this.#charge(operations, scope)
        const results: WriteResult[] = []
        for (const write of writes) results.push(await write(told, scope))
        return results
      })
    })
  }

  /** Checks the bounds of the collection's owner and of the node. */
  async #checkWrite(operation: WriteOperation<P>, options: WriteOptions | undefined): Promise<void> {
    const large = readLargeFilterOf(operation as WriteOperation<unknown>, this.#engine.schema, options)
    if (large) await large
    this.#engine.strictMode?.write(operation as WriteOperation<unknown>, options?.timeoutMs)
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

  #writeBytes(operation: WriteOperation<P>): number {
    return TAKES_ROOM.has(operation.op) ? writeBytes(operation as WriteOperation<unknown>, this.#engine.schema) : 0
  }

  async #write(operation: WriteOperation<P>, options: WriteOptions = {}): Promise<WriteResult> {
    this.#engine.checkWritable()
    await this.#checkWrite(operation, options)
    this.#engine.strictMode?.writable(leastCost([operation]))
    return await withDeadline(options, (scope) =>
      withRoom(this.#writeBytes(operation), scope, innerOf(options)?.holder, async () => {
        const write = await this.#plan(operation)
        await this.#charge([operation], scope)
        return await write(options, scope)
      }),
    )
  }

  /** A write costs as many tokens as the points that it names, or that its filter is estimated to match; at least one. */
  async #charge(operations: readonly WriteOperation<P>[], scope: CallScope): Promise<void> {
    const { strictMode, view } = this.#engine
    if (strictMode?.config.writeRateLimit === undefined) return
    const context = filterContext(view.schema)
    let cost = 0
    for (const operation of operations as readonly WriteOperation<unknown>[]) {
      const matched = () => view.shard.estimateCount(compileFilter(filterOf(operation), context), scope.signal)
      cost += Math.max(1, namedPoints(operation) ?? (await matched()))
    }
    strictMode.written(cost)
  }

  /** Validates a write. If the vectors change before its turn, it is validated again with the new ones. */
  async #plan(
    operation: WriteOperation<P>,
  ): Promise<(options: WriteOptions, scope: Stoppable) => Promise<WriteResult>> {
    const { view, strictMode } = this.#engine
    const { shard, schema } = view
    const plan = await planOperation(operation as WriteOperation<unknown>, { shard, schema, strictMode })
    const isPresent = () => this.#engine.shard === view.shard
    return async (options, scope) => {
      const result = await this.#engine.writer.write(plan, options, scope, isPresent)
      return result ?? (await (await this.#plan(operation))(options, scope))
    }
  }

  async createPayloadIndex(
    field: string,
    schema: PayloadIndexKind | PayloadIndexOptions,
    options?: WriteOptions,
  ): Promise<WriteResult> {
    const told = readOptions(WriteOptions, options)
    this.#engine.checkWritable()
    const index = checkPayloadIndex(field, schema)
    this.#engine.strictMode?.payloadIndex(field)
    if (isOnDisk(index)) await this.#admitForEach('a payload index on disk', MAPS_OF_INDEX)
    this.#engine.strictMode?.written(1)
    return await withDeadline(told, () => this.#engine.createPayloadIndex(index, told))
  }

  async deletePayloadIndex(field: string, options?: WriteOptions): Promise<WriteResult> {
    const told = readOptions(WriteOptions, options)
    this.#engine.checkWritable()
    this.#engine.strictMode?.written(1)
    return await withDeadline(told, () => this.#engine.deletePayloadIndex(field))
  }

  async createVectorName(name: string, config: VectorNameConfig, options?: WriteOptions): Promise<WriteResult> {
    this.#engine.checkWritable()
    await this.#admitForEach('another vector', MAPS_OF_VECTOR)
    return await this.#changeVectors((before) => withVectorName(before, name, config), options)
  }

  async deleteVectorName(name: string, options?: WriteOptions): Promise<WriteResult> {
    return await this.#changeVectors((before) => withoutVectorName(before, name), options)
  }

  /** With `wait: false` the status differs, but the change is always made once it is durable. */
  async #changeVectors(edit: EditVectors, options: WriteOptions | undefined): Promise<WriteResult> {
    const told = readOptions(WriteOptions, options)
    this.#engine.checkWritable()
    // Reports errors at once that the present configuration already shows.
    edit(this.#engine.config)
    this.#engine.strictMode?.written(1)
    const result = await withDeadline(told, () => this.#engine.changeVectors(edit))
    return told.wait === false ? { ...result, status: 'acknowledged' } : result
  }

  async flush(call?: CallOptions): Promise<void> {
    this.#engine.checkWritable()
    checkIfGiven(call, KNOWN_CALL)
    await untilDone(call, () => this.#engine.flush())
  }

  async waitForIndex(call?: CallOptions): Promise<void> {
    this.#engine.checkOpen()
    checkIfGiven(call, KNOWN_CALL)
    await untilDone(call, () => this.#engine.waitForIndex())
  }
}

/** The cost of writes as far as it is known without a look at the data. */
function leastCost<P>(operations: readonly WriteOperation<P>[]): number {
  return operations.reduce((sum, one) => sum + Math.max(1, namedPoints(one as WriteOperation<unknown>) ?? 1), 0)
}

function conditionIn({ updateFilter, updateMode }: UpdateCondition): UpdateCondition {
  return {
    ...(updateFilter === undefined ? {} : { updateFilter }),
    ...(updateMode === undefined ? {} : { updateMode }),
  }
}
