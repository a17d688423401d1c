import type { CallNotes } from '../../core/call-notes.js'
import { copied } from '../../core/copied.js'
import type { CallOptions, Collection, Explained, Hit, QueryOptions } from '../../core/database.js'
import { givenIfAny } from '../../core/given-options.js'
import { IngestOptions, type IngestResult, type IngestStream } from '../../core/ingest.js'
import { innerOf, withInner } from '../../core/inner-call.js'
import { isPlain } from '../../core/known-keys.js'
import { lookupsIn } from '../../core/lookups.js'
import { PlainReads } from '../../core/plain-reads.js'
import type { CollectionSnapshots } from '../../core/snapshots.js'
import type { CallTracing } from '../../core/tracing.js'
import type { Untyped } from '../../core/untyped.js'
import { addVerbs } from '../../core/verbs.js'
import { type IngestSink, ingestStream } from '../../intake/ingestion.js'
import { untilDone, withCall, withDeadline } from './call-scope.js'
import type { CollectionSlot, OpenedCollection } from './collection-slot.js'
import type { EmbeddedCollection } from './embedded-collection.js'

/** The parts that a database gives its handles. */
export interface HandleHost {
  aliases(): string[]
  /** Resolves once this collection, and the others that the call reads, have reached the watermark `after`. */
  reach(after: string, call: CallOptions, others: readonly string[]): Promise<void>
  snapshots: CollectionSnapshots
  /** Null where nobody wants spans of calls. */
  tracing: CallTracing | null
}

/** The verbs that a handle passes on as they are, each with the place of the call's options among its arguments. */
const OPTIONS_AT = {
  warm: 0,
  info: 0,
  updateConfig: 1,
  retrieve: 1,
  queryBatch: 1,
  explain: 0,
  explainBatch: 1,
  queryGroups: 0,
  explainGroups: 0,
  facet: 0,
  searchMatrix: 0,
  explainMatrix: 0,
  scrollPage: 0,
  count: 0,
  upsert: 1,
  ingestPosition: 1,
  repair: 1,
  pairs: 0,
  neighbours: 0,
  quality: 0,
  qualityHistory: 0,
  setQualityReference: 1,
  deleteQualityReference: 0,
  updateVectors: 1,
  deleteVectors: 2,
  delete: 1,
  setPayload: 2,
  overwritePayload: 2,
  deletePayload: 2,
  clearPayload: 1,
  batch: 1,
  createPayloadIndex: 2,
  deletePayloadIndex: 1,
  createVectorName: 2,
  deleteVectorName: 1,
  flush: 0,
  waitForIndex: 0,
} satisfies Record<
  | Exclude<keyof EmbeddedCollection, keyof PlainReads | 'name' | 'ingestBatch' | 'ingestShape' | 'ingestVerdicts'>
  | 'retrieve'
  | 'scrollPage',
  number
>
const VERBS = Object.keys(OPTIONS_AT) as (keyof typeof OPTIONS_AT)[]

const WITHOUT_DEADLINE: ReadonlySet<string> = new Set(['warm', 'flush', 'waitForIndex'])
const EXPLAINS = /^explain/

/**
 * A collection as callers have it. It opens with its first use, and stays valid while the collection closes and opens
 * again.
 */
class Handle extends PlainReads {
  declare readonly retrieve: EmbeddedCollection['retrieve']
  declare readonly scrollPage: EmbeddedCollection['scrollPage']
  readonly #slot: CollectionSlot
  readonly #aliases: () => string[]
  readonly #reach: HandleHost['reach']
  readonly #tracing: CallTracing | null
  readonly snapshots: CollectionSnapshots

  constructor(slot: CollectionSlot, host: HandleHost) {
    super()
    this.#slot = slot
    this.#aliases = host.aliases
    this.#reach = host.reach
    this.#tracing = host.tracing
    this.snapshots = host.snapshots
  }

  static {
    addVerbs(Handle, VERBS, (verb) => {
      const within = WITHOUT_DEADLINE.has(verb) ? untilDone : withDeadline
      const optionsAt = OPTIONS_AT[verb]
      return function (this: Handle, ...args: unknown[]) {
        const call = args[optionsAt] as CallOptions | undefined
        const given = this.#passed(call, args)
        const use = (passed: unknown[]): Promise<unknown> => {
          const work = ({ methods }: OpenedCollection, openedInUs?: number) => {
            const answer: Promise<unknown> = Reflect.apply(methods[verb], methods, passed)
            if (openedInUs === undefined || !EXPLAINS.test(verb)) return answer
            return answer.then((explained) => tellOpening(explained, openedInUs))
          }
          if (call?.after === undefined) return this.#slot.use(work, call, within)
          return this.#reach(call.after, call, lookupsIn(args)).then(() => this.#slot.use(work, call, within))
        }
        if (this.#tracing === null) return use(given)
        return this.#tracing.run(verb, this.name, (notes) => use(withNotesAt(given, optionsAt, notes)))
      }
    })
  }

  get name(): string {
    return this.#slot.name
  }

  query(query: QueryOptions): Promise<Hit[]> {
    const given = this.#passed(query, [query])
    const run = ([passed]: [QueryOptions]) => {
      const use = () => this.#slot.use(({ methods }) => methods.query(passed), query)
      return query?.after === undefined ? use() : this.#reach(query.after, query, lookupsIn(query)).then(use)
    }
    if (this.#tracing === null) return run(given)
    return this.#tracing.run('query', this.name, (notes) => run(withNotesAt(given, 0, notes)))
  }

  /** Each batch is a use of its own: between two of them the collection may be closed, or deleted. */
  async ingest(stream: IngestStream, options?: IngestOptions): Promise<IngestResult> {
    const told = givenIfAny(IngestOptions, options)
    if (this.#tracing === null) return await this.#ingest(stream, told)
    return await this.#tracing.run('ingest', this.name, (notes) =>
      this.#ingest(stream, ...withNotesAt([told] as [IngestOptions], 0, notes)),
    )
  }

  async #ingest(stream: IngestStream, told: IngestOptions): Promise<IngestResult> {
    const { type, source, onProgress, mostErrors, ...call } = told
    const sink: IngestSink = {
      position: (name) => this.#slot.use(({ methods }) => methods.ingestPosition(name), call),
      verdicts: (name, from) => this.#slot.use(({ methods }) => methods.ingestVerdicts(name, from), call),
      shape: () => this.#slot.use(({ methods }) => methods.ingestShape(), call),
      write: (batch) => this.#slot.use(({ methods }) => methods.ingestBatch(batch, call), call),
    }
    return await ingestStream(stream, told, sink, innerOf(told)?.stream)
  }

  async aliases(call?: CallOptions): Promise<string[]> {
    this.#slot.checkServed()
    return await withCall(call, () => this.#aliases())
  }

  /**
   * The caller's arguments. An open collection reads them at once. While one opens, the caller may change its arrays and
   * objects. The service's are its own.
   */
  #passed<A extends readonly unknown[] | []>(call: CallOptions | undefined, args: A): A {
    return (this.#slot.engine && call?.after === undefined) || innerOf(call) ? args : (args.map(copied) as unknown as A)
  }
}

/** The arguments with notes beside the call's options. Options that are none stay as they are, and are refused. */
function withNotesAt<A extends unknown[]>(args: A, optionsAt: number, notes: CallNotes | null): A {
  const call = args[optionsAt] as CallOptions | undefined
  if (notes === null || !(call === undefined || isPlain(call))) return args
  const noted = [...args] as A
  noted[optionsAt] = withInner(call ?? {}, { ...innerOf(call), notes })
  return noted
}

/** The plans of a call that opened the collection say so. */
function tellOpening(answer: unknown, openedInUs: number): unknown {
  for (const { plan } of [answer].flat() as Pick<Explained, 'plan'>[]) plan.openedInUs = openedInUs
  return answer
}

export function handleOn(slot: CollectionSlot, host: HandleHost): Untyped<Collection> {
  return new Handle(slot, host) as object as Untyped<Collection>
}
