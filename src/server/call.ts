/** A request as a route's function sees it. */
import type { FastifyRequest } from 'fastify'
import type { TObject, TSchema } from 'typebox'
import { AnsweredByAnotherThread } from '../core/answered-by-another-thread.js'
import type { CallNotes } from '../core/call-notes.js'
import type {
  CallOptions,
  Collection,
  Database,
  ReadableCollection,
  ReadableDatabase,
  WriteOptions,
} from '../core/database.js'
import { invalid, VicinalError } from '../core/errors.js'
import type { IngestOptions } from '../core/ingest.js'
import { type InnerCall, type RoomHolder, withInner } from '../core/inner-call.js'
import { LIMITS } from '../core/limits.js'
import { lookupsIn } from '../core/lookups.js'
import type { MaybePromise } from '../core/maybe-promise.js'
import { checkCollectionName } from '../core/names.js'
import type { Stop } from '../core/stop.js'
import type { WireObject } from '../wire/fields.js'
import type { ArrivalBounds } from './arriving-body.js'
import type { DatabaseGate } from './database-gate.js'
import { type Parameters, ReadParameters, readParameters } from './parameters.js'
import type { Work } from './places.js'
import type { Access, Rights, Scope } from './rights.js'
import { StreamedBody, streamTypeOf } from './streamed-body.js'
import { receiveFile } from './upload.js'

const MS_PER_SECOND = 1000
/** Codes of refusals that depend on the contents of the database. */
const OF_STATE: ReadonlySet<string> = new Set(['NOT_FOUND', 'ALREADY_EXISTS'])

export interface RouteOf<C> {
  method: 'GET' | 'PUT' | 'POST' | 'PATCH' | 'DELETE'
  path: string
  access: Access
  /** The part of the database that it reads or changes. Tokens are judged by it. */
  scope: Scope
  work: Work
  /** The body is a form with a file, read as it arrives. */
  isUpload?: true
  /** The body is a stream of points without a bound, read as it arrives. */
  isStream?: true
  /** Of a route that other nodes forward: the access that it needs where the request arrived. */
  forwards?: Access
  /** A read that the audit log tells of. */
  isAdministrative?: true
  /** Each node answers it for itself, whichever node owns the store. */
  isLocal?: true
  /** One sentence for the OpenAPI document. */
  summary?: string
  /** The declaration of the body, for the OpenAPI document. */
  body?: TSchema
  /** The declaration of the result. */
  answer?: TSchema
  /** Parameters of the query string. Default: the parameters of reads. */
  parameters?: TObject
  run(call: C): unknown
}
export type Route = RouteOf<Call>
/** A route that any serving thread with the collection may answer. */
export type ReadRoute = RouteOf<ReadCall>

/** The parts of a request or of a stream's message that a reading route uses. */
export interface Asked {
  readonly params: unknown
  /** Parameters of the query string. */
  readonly query: unknown
  /** The decoded body. */
  readonly body?: unknown
  readonly ticket: RoomHolder & {
    readonly stop: Stop
    /** When the request had arrived whole. */
    readonly arrivedMs: number
    /** Takes notes of the calls that the request makes. */
    readonly notes?: CallNotes | null
    /** Whether the caller may only read. It cannot have the service work longer than the service's own timeout. */
    readonly isReadOnly: boolean
    readonly rights: Rights
  }
}

export class ReadCall {
  protected readonly request: Asked
  readonly #gate: DatabaseGate<ReadableDatabase>
  protected readonly serviceTimeoutMs: number
  /** Parameters of the query string, by the declaration of the route. */
  #parameters: Parameters | null = null

  constructor(request: Asked, gate: DatabaseGate<ReadableDatabase>, timeoutMs: number) {
    this.request = request
    this.#gate = gate
    this.serviceTimeoutMs = timeoutMs
  }

  get collectionName(): string {
    const name = this.param('name')
    if (name.length > LIMITS.nameLength) {
      const what = `Validation error in path parameters: [name: must be from 1 to ${LIMITS.nameLength} characters]`
      throw new VicinalError('INVALID_ARGUMENT', what, { details: { field: 'collection_name' }, status: 422 })
    }
    return checkCollectionName(name, 'collection_name')
  }

  /** The collection, for reading. */
  reads(): Promise<ReadableCollection> {
    return this.#gate.get().collection(this.collectionName)
  }

  param(name: string): string {
    return (this.request.params as Record<string, string>)[name] ?? ''
  }

  get body(): unknown {
    return this.request.body
  }

  options(): CallOptions {
    return this.within(this.deadline())
  }

  /** The rights of the caller. */
  get rights(): Rights {
    return this.request.ticket.rights
  }

  /** Before the route runs: its parameters, rights to collections that the body names, and the watermark to wait for. */
  begin({ access, forwards = access, parameters }: RouteOf<never>): MaybePromise<void> {
    const { after } = this.readParameters(parameters)
    if (!this.rights.areGlobal && forwards === 'read') {
      for (const name of lookupsIn(this.body)) this.rights.check('read', 'collection', name)
    }
    return after === undefined ? undefined : this.reach(after)
  }

  /** Resolves once this node has reached the watermark `after`. Only the thread with the database knows. */
  async reach(after: string): Promise<void> {
    const { watermarks } = this.#gate.get()
    if (!watermarks) throw new AnsweredByAnotherThread()
    const name = this.param('name')
    await watermarks.reach(after, this.options(), [...(name ? [name] : []), ...lookupsIn(this.body)])
  }

  /**
   * Checks a refusal that depends on the contents of the database. If another node has taken the store, these may be
   * outdated: rejects with UNAVAILABLE then.
   */
  async confirm(refusal: unknown): Promise<void> {
    const isOfState = refusal instanceof VicinalError && OF_STATE.has(refusal.code)
    if (isOfState) await this.#gate.current?.watermarks?.unchanged()
  }

  /** Of the writes that this node has made; null where there are none. */
  watermark(): MaybePromise<string | null> {
    return this.#gate.current?.watermarks?.current() ?? null
  }

  /**
   * Options of a call that ends with its request, and has the service's deadline where it names none. The deadline counts
   * from the request's arrival, so reading a large body is part of it.
   */
  protected within<O extends CallOptions>(options: O, more: InnerCall = {}): O {
    const { ticket } = this.request
    return withInner(options, {
      arrivedMs: ticket.arrivedMs,
      ...more,
      stop: ticket.stop,
      holder: ticket,
      notes: ticket.notes ?? null,
      defaultTimeoutMs: this.serviceTimeoutMs,
      isRead: true,
    })
  }

  /**
   * `timeout` in seconds, as in Qdrant. A longer timeout than the service's is no error: a client may send its own with
   * every call. It is shortened to the longest that a call may have.
   */
  protected deadline(): Pick<CallOptions, 'timeoutMs'> {
    const { timeout } = this.parameters
    if (timeout === undefined) return {}
    const timeoutMs = Math.min(timeout * MS_PER_SECOND, LIMITS.maxTimeoutMs)
    return { timeoutMs: this.request.ticket.isReadOnly ? Math.min(timeoutMs, this.serviceTimeoutMs) : timeoutMs }
  }

  get parameters(): Parameters {
    return this.#parameters ?? this.readParameters()
  }

  /** Wrong parameters are told before the body is read and before the collection is looked up. */
  readParameters(declared: TObject = ReadParameters): Parameters {
    this.#parameters = readParameters(declared, this.request.query as WireObject)
    return this.#parameters
  }
}

/** The same for routes that may need the whole database. */
export class Call extends ReadCall {
  declare protected readonly request: FastifyRequest
  readonly #gate: DatabaseGate<Database>
  readonly #bounds: ArrivalBounds

  constructor(request: FastifyRequest, gate: DatabaseGate<Database>, bounds: ArrivalBounds & { timeoutMs: number }) {
    super(request, gate, bounds.timeoutMs)
    this.#gate = gate
    this.#bounds = bounds
  }

  get database(): Database {
    return this.#gate.get()
  }

  collection(): Promise<Collection> {
    return this.database.collection(this.collectionName)
  }

  /** Over HTTP a write is acknowledged before it is on stable storage, unless the request says `wait=true`. */
  writeOptions(): WriteOptions {
    return this.within({ ...this.deadline(), wait: this.parameters.wait ?? false })
  }

  /**
   * For calls without a default deadline: only a `timeout` in the query holds, except for a key that may only read. If the
   * client hangs up, the work goes on.
   */
  longOptions(): Pick<CallOptions, 'timeoutMs'> {
    const isBounded = this.request.ticket.isReadOnly
    return { ...(isBounded ? { timeoutMs: this.serviceTimeoutMs } : {}), ...this.deadline() }
  }

  /** The same for waits, which end when the client hangs up. */
  waitingOptions(): CallOptions {
    return this.within(this.longOptions())
  }

  /** As `GET /access` tells it. */
  access(): object {
    const { subject, rights } = this.request.ticket
    return { subject, access: rights.claim }
  }

  /** Whether the sender may see data that needs a key. */
  isFrom(mayRead: (request: FastifyRequest) => MaybePromise<boolean>): MaybePromise<boolean> {
    return mayRead(this.request)
  }

  receiveFile<T>(field: string, use: (chunks: AsyncIterable<Uint8Array>) => Promise<T>): Promise<T> {
    return receiveFile(this.request, this.#bounds, field, use)
  }

  /** The body piece by piece, and its form and source. The timeout applies to each batch. */
  receiveStream(): { body: AsyncIterable<Uint8Array>; options: IngestOptions } {
    const options = this.#ingestOptions()
    const body = new StreamedBody(this.request, this.#bounds)
    const stream = { frameBytes: this.request.ticket.mostBytes, hold: body.hold }
    return { body, options: this.within(options, { stream, arrivedMs: undefined }) }
  }

  #ingestOptions(): IngestOptions {
    const name = sourceNameIn(this.request.headers['idempotency-key'])
    const { from, errors } = this.parameters
    if (from !== undefined && name === undefined) {
      throw invalid('from', 'expected the header Idempotency-Key, which names the source of the stream', from)
    }
    const source = name === undefined ? {} : { source: { name, ...(from === undefined ? {} : { position: from }) } }
    const most = errors === undefined ? {} : { mostErrors: errors }
    return { type: streamTypeOf(this.request), ...most, ...source, ...this.deadline() }
  }

  /** For the audit log: the answer has begun with the status 200. */
  noteFailure({ code }: VicinalError): void {
    this.request.ticket.failure = code
  }

  /** For the audit log: the names that the body changes, where the path does not tell them. */
  noteNamed(named: { collection: string | null; aliases: readonly string[] }): void {
    this.request.ticket.named = named
  }

  /** Logs the failure of work whose answer was already sent. */
  logFailure(error: unknown): void {
    this.request.log.warn({ reqId: this.request.id, err: error }, 'work failed after its answer was sent')
  }
}

const UNREADABLE = '\ufffd'

/** The header has bytes of UTF-8 as characters of latin1. A text that is none is taken as it is. */
function sourceNameIn(header: string | string[] | undefined): string | undefined {
  if (header === undefined) return undefined
  const given = String(header)
  const text = Buffer.from(given, 'latin1').toString('utf8')
  const name = text.includes(UNREADABLE) ? given : text
  if (name.length > 0 && name.length <= LIMITS.nameLength) return name
  throw invalid('Idempotency-Key', `expected a text of 1 to ${LIMITS.nameLength} characters`, name.length)
}
