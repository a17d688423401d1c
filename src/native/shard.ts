import { VicinalError } from '../core/errors.js'
import type { MaybePromise } from '../core/maybe-promise.js'
import type { Stoppable } from '../core/stop.js'
import { nextTurn, turnBudget } from '../core/turn-budget.js'
import { addVerbs } from '../core/verbs.js'
import type {
  Addon,
  Begun,
  FacetRequest,
  FacetResult,
  FusedRequest,
  NearestLists,
  NearestListsRequest,
  OrderedBlock,
  OrderRequest,
  PayloadIndexKindCode,
  RowBlock,
  RowFields,
  SampleRequest,
  ScrollRequest,
  SearchRequest,
  SearchResult,
  ShardHandle,
  ShardSpec,
  SparseSearchRequest,
  UpsertBatch,
  VectorSpec,
} from './addon.js'
import { addon, rethrow, toVicinalError } from './load.js'
import { isPlain, numbersOf, resultOf } from './plain-search.js'

/** Starts a search that may take `inlineUs` of this turn. */
type StartSearch = (cancel: number, inlineUs: number) => Begun

const asItIs = <T>(found: T): T => found

/** Numbers for the kernel's `cancel`; 0 means none. */
let lastCancel = 0

/** Calls of the kernel that a shard passes on with its handle. */
const PROMISED = [
  'openSegment',
  'checkpoint',
  'updateVectors',
  'deleteVectors',
  'deletePoints',
  'setPayloads',
  'indexPoints',
  'takeFlush',
  'verifyRows',
  'checksumRows',
  'loadRows',
  'memory',
  'shed',
  'waitForIndex',
  'measureRecall',
  'moveRows',
  'validate',
] as const
/** Methods that answer at once. */
const DIRECT = [
  'advance',
  'dropPayloadIndex',
  'restoreFlush',
  'completeFlush',
  'stats',
  'tailBytes',
  'setIndexing',
  'freeze',
  'resumeQueries',
  'dropSegment',
] as const
type PassedOn = { [Call in (typeof PROMISED | typeof DIRECT)[number]]: WithoutHandle<Addon[Call]> }
type WithoutHandle<F> = F extends (shard: ShardHandle, ...args: infer A) => infer R ? (...args: A) => R : never

class Calls {
  protected readonly addon: Addon
  protected readonly handle: ShardHandle

  constructor(spec: ShardSpec | ((addon: Addon) => ShardHandle)) {
    try {
      this.addon = addon()
      this.handle = typeof spec === 'function' ? spec(this.addon) : this.addon.createShard(spec)
    } catch (error) {
      throw toVicinalError(error)
    }
  }

  static {
    const passOn = (shard: Calls, call: keyof PassedOn, args: unknown[]): unknown =>
      Reflect.apply(shard.addon[call], shard.addon, [shard.handle, ...args])
    addVerbs(Calls, DIRECT, (call) => {
      return function (this: Calls, ...args: unknown[]) {
        return called(() => passOn(this, call, args))
      }
    })
    addVerbs(Calls, PROMISED, (call) => {
      return async function (this: Calls, ...args: unknown[]) {
        return await called(() => passOn(this, call, args) as Promise<unknown>).catch(rethrow)
      }
    })
  }
}

/**
 * The rows of one collection in the kernel. The methods are `Addon`'s (documented there) without the handle.
 * Failures are VicinalErrors, and reads take an AbortSignal.
 */
export class Shard extends (Calls as new (spec: ShardSpec | ((addon: Addon) => ShardHandle)) => Calls & PassedOn) {
  #closing: Promise<void> | null = null
  #number: number | undefined
  /** A search that waits for a turn, or runs in several. */
  #waiting: Promise<unknown> | null = null

  /** Opens another thread's shard of this process for reading. CLOSED if it is gone. */
  static shared(number: number): Shard {
    return new Shard((addon) => addon.openShared(number))
  }

  /** The number that `shared` takes. */
  share(): number {
    this.#number ??= called(() => this.addon.shareShard(this.handle))
    return this.#number
  }

  async reshaped(spec: ShardSpec): Promise<Shard> {
    const handle = await this.addon.reshapeShard(this.handle, spec).catch(rethrow)
    return new Shard(() => handle)
  }

  /** Waits for running operations. A second call waits for the same close. */
  async close(): Promise<void> {
    // Searches that began earlier finish first. Their callers get the errors.
    while (this.#waiting) await this.#waiting.catch(() => undefined)
    this.#closing ??= this.addon.closeShard(this.handle).catch(rethrow)
    await this.#closing
  }

  async upsert(batch: UpsertBatch): Promise<void> {
    const before = performance.now()
    const started = called(() => this.addon.upsert(this.handle, batch, turnBudget.writeUs))
    if (started instanceof Promise) return await started.catch(rethrow)
    turnBudget.spendOnWrite((performance.now() - before) * 1000)
  }

  /** Runs a short search at once and returns its result without a promise, or runs it in the next turns. */
  search(request: SearchRequest, scope?: Stoppable): MaybePromise<SearchResult> {
    return this.#started(scope, (cancel, inlineUs) => {
      if (!isPlain(request)) return this.addon.search(this.handle, request, cancel, inlineUs)
      const numbers = numbersOf(request, cancel, inlineUs)
      return this.addon.searchPlain(this.handle, numbers, request.query, request.filter)
    })
  }
  /** The same for a sparse vector. */
  searchSparse(request: SparseSearchRequest, scope?: Stoppable): MaybePromise<SearchResult> {
    return this.#started(scope, (cancel, inlineUs) => this.addon.searchSparse(this.handle, request, cancel, inlineUs))
  }
  /** One ranking of several searches. */
  searchFused(request: FusedRequest, scope?: Stoppable): MaybePromise<SearchResult> {
    return this.#started(scope, (cancel, inlineUs) => this.addon.searchFused(this.handle, request, cancel, inlineUs))
  }
  #started(scope: Stoppable | undefined, start: StartSearch): MaybePromise<SearchResult> {
    if (scope?.isStopped) return Promise.reject(cancelled())
    lastCancel += 1
    const cancel = lastCancel
    const startedAtMs = performance.now()
    try {
      return this.#searched(start(cancel, turnBudget.searchUs), cancel, scope, startedAtMs)
    } catch (error) {
      return Promise.reject(toVicinalError(error))
    }
  }
  /** Turns before this one are already accounted for. */
  #searched(begun: Begun, cancel: number, scope: Stoppable | undefined, sinceMs: number): MaybePromise<SearchResult> {
    if (begun instanceof Promise) return this.#stoppable(scope, cancel, begun, resultOf)
    if (!begun) return this.#inNextTurn(cancel, scope)
    turnBudget.spendOnRead((performance.now() - sinceMs) * 1000)
    return resultOf(begun)
  }
  /** Lets the event loop handle other events. Then the search may hold the thread again for a whole share. */
  #inNextTurn(cancel: number, scope: Stoppable | undefined): Promise<SearchResult> {
    turnBudget.spendOnRead(turnBudget.readUs)
    const resumed = nextTurn().then(() => {
      this.#waiting = null
      if (!scope?.isStopped) return this.#resumed(cancel, scope)
      this.addon.dropSearch(this.handle, cancel)
      throw cancelled()
    })
    this.#waiting = resumed
    return resumed
  }
  #resumed(cancel: number, scope: Stoppable | undefined): MaybePromise<SearchResult> {
    const atMs = performance.now()
    const begun = called(() => this.addon.resumeSearch(this.handle, cancel, turnBudget.searchUs))
    return this.#searched(begun, cancel, scope, atMs)
  }
  retrieve(
    ids: Uint32Array,
    fields: RowFields,
    scope?: Stoppable,
  ): MaybePromise<RowBlock & { positions: Uint32Array }> {
    lastCancel += 1
    const cancel = lastCancel
    const started = this.#timed((inlineUs) => this.addon.retrieve(this.handle, ids, fields, cancel, inlineUs))
    return started instanceof Promise ? this.#stoppable(scope, cancel, started, asItIs) : started
  }
  async scroll(
    request: Omit<ScrollRequest, 'cancel'>,
    signal?: AbortSignal,
  ): Promise<RowBlock & { next: Uint32Array | null }> {
    return await this.#cancelled(signal, (cancel) => this.addon.scroll(this.handle, { ...request, cancel }))
  }
  async count(filter: Uint8Array | null, signal?: AbortSignal): Promise<number> {
    lastCancel += 1
    const cancel = lastCancel
    const started = this.#timed((inlineUs) => this.addon.count(this.handle, filter, cancel, inlineUs))
    return started instanceof Promise ? await this.#cancellable(signal, cancel, started) : started
  }
  /** A call that completes at once spends its time from the turn's share. */
  #timed<T>(start: (inlineUs: number) => MaybePromise<T>): MaybePromise<T> {
    const before = performance.now()
    const started = called(() => start(turnBudget.readUs))
    if (started instanceof Promise) return started.catch(rethrow)
    turnBudget.spendOnRead((performance.now() - before) * 1000)
    return started
  }
  async estimateCount(filter: Uint8Array | null, signal?: AbortSignal): Promise<number> {
    return await this.#cancelled(signal, (cancel) => this.addon.estimateCount(this.handle, filter, cancel))
  }
  async sample(request: Omit<SampleRequest, 'cancel'>, signal?: AbortSignal): Promise<RowBlock> {
    return await this.#cancelled(signal, (cancel) => this.addon.sample(this.handle, { ...request, cancel }))
  }
  async orderBy(request: Omit<OrderRequest, 'cancel'>, signal?: AbortSignal): Promise<OrderedBlock> {
    return await this.#cancelled(signal, (cancel) => this.addon.orderBy(this.handle, { ...request, cancel }))
  }
  async facet(request: Omit<FacetRequest, 'cancel'>, signal?: AbortSignal): Promise<FacetResult> {
    return await this.#cancelled(signal, (cancel) => this.addon.facet(this.handle, { ...request, cancel }))
  }
  async nearestLists(request: NearestListsRequest, signal?: AbortSignal): Promise<NearestLists> {
    return await this.#cancelled(signal, (cancel) => this.addon.nearestLists(this.handle, request, cancel))
  }
  async selectIds(filter: Uint8Array | null, signal?: AbortSignal): Promise<Uint32Array> {
    return await this.#cancelled(signal, (cancel) => this.addon.selectIds(this.handle, filter, cancel))
  }

  async createPayloadIndex(
    field: string,
    kind: PayloadIndexKindCode,
    text: Uint8Array | null = null,
    { onDisk = false, hasGraphs = true } = {},
  ): Promise<void> {
    await this.addon.createPayloadIndex(this.handle, field, kind, text, onDisk, hasGraphs).catch(rethrow)
  }

  configure(vectors: VectorSpec[]): number {
    return called(() => this.addon.configureShard(this.handle, vectors))
  }
  keptQueries(vector: number): Float32Array {
    return called(() => this.addon.keptQueries(this.handle, vector)).queries
  }

  async #cancelled<T>(signal: AbortSignal | undefined, start: (cancel: number) => Promise<T>): Promise<T> {
    // A call that was aborted before must not race with work that completes at once.
    if (signal?.aborted) throw cancelled()
    lastCancel += 1
    const cancel = lastCancel
    return await this.#cancellable(
      signal,
      cancel,
      called(() => start(cancel)),
    )
  }

  /** Runs the operation with this cancel number; the signal cancels it. */
  async #cancellable<T>(signal: AbortSignal | undefined, cancel: number, started: Promise<T>): Promise<T> {
    const onAbort = this.#canceller(cancel)
    if (signal?.aborted) onAbort()
    signal?.addEventListener('abort', onAbort, { once: true })
    try {
      return await started
    } catch (error) {
      throw toVicinalError(error)
    } finally {
      signal?.removeEventListener('abort', onAbort)
    }
  }

  /** Not an async function, because every search on the pool passes here. */
  #stoppable<T, U>(
    scope: Stoppable | undefined,
    cancel: number,
    started: Promise<T>,
    read: (found: T) => U,
  ): Promise<U> {
    if (!scope) return started.then(read, rethrow)
    const onStop = this.#canceller(cancel)
    if (scope.isStopped) onStop()
    scope.onStop(onStop)
    return started.then(
      (found) => {
        scope.offStop(onStop)
        return read(found)
      },
      (error: unknown) => {
        scope.offStop(onStop)
        return rethrow(error)
      },
    )
  }

  /** A closing shard waits for its operations, so none is left to cancel. */
  #canceller(cancel: number): () => void {
    return () => {
      if (!this.#closing) this.addon.cancel(this.handle, cancel)
    }
  }
}

const cancelled = () => new VicinalError('CANCELLED', 'the operation was cancelled')

function called<T>(call: () => T): T {
  try {
    return call()
  } catch (error) {
    throw toVicinalError(error)
  }
}
