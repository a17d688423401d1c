/** A request as a route's function sees it. */
import type { FastifyRequest } from 'fastify'
import type { TSchema } from 'typebox'
import type {
  CallOptions,
  Collection,
  Database,
  ReadableCollection,
  ReadableDatabase,
  WriteOptions,
} from '../core/database.js'
import { invalid } from '../core/errors.js'
import { type RoomHolder, withInner } from '../core/inner-call.js'
import { LIMITS } from '../core/limits.js'
import { checkCollectionName } from '../core/names.js'
import type { Stop } from '../core/stop.js'
import { isPresent, objectAt, type WireObject } from '../wire/fields.js'
import type { ArrivalBounds } from './arriving-body.js'
import type { Access } from './auth.js'
import type { DatabaseGate } from './database-gate.js'
import type { Work } from './places.js'
import { receiveFile } from './upload.js'

const MS_PER_SECOND = 1000
const INTEGER = /^\d{1,9}$/
const ORDERINGS = ['weak', 'medium', 'strong'] as const
const CONSISTENCIES = ['majority', 'quorum', 'all'] as const

export interface RouteOf<C> {
  method: 'GET' | 'PUT' | 'POST' | 'PATCH' | 'DELETE'
  path: string
  access: Access
  work: Work
  /** The body is a form with a file, read as it arrives. */
  isUpload?: true
  /** One sentence for the OpenAPI document. */
  summary?: string
  /** The declaration of the body, for the OpenAPI document. */
  body?: TSchema
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
    /** Whether the key may only read. Such a key cannot have the service work longer than the service's own timeout. */
    readonly isReadOnly: boolean
  }
}

export class ReadCall {
  protected readonly request: Asked
  readonly #gate: DatabaseGate<ReadableDatabase>
  protected readonly serviceTimeoutMs: number

  constructor(request: Asked, gate: DatabaseGate<ReadableDatabase>, timeoutMs: number) {
    this.request = request
    this.#gate = gate
    this.serviceTimeoutMs = timeoutMs
  }

  get collectionName(): string {
    return checkCollectionName(this.param('name'))
  }

  /** The collection, for reading. */
  reads(): Promise<ReadableCollection> {
    return this.#gate.get().collection(this.collectionName)
  }

  param(name: string): string {
    return (this.request.params as Record<string, string>)[name] ?? ''
  }

  /** The decoded body, for readers that check what it is. */
  get anyBody(): unknown {
    return this.request.body
  }

  /** The decoded body, which must be an object. */
  get body(): WireObject {
    return objectAt(this.request.body, 'body')
  }

  /** The same for bodies that may be left out. */
  get optionalBody(): WireObject {
    return isPresent(this.request.body) ? this.body : {}
  }

  options(): CallOptions {
    this.#checkConsistency()
    return this.within(this.deadline())
  }

  /** Options of a call that ends with its request, and has the service's deadline where it names none. */
  protected within<O extends CallOptions>(options: O): O {
    const { ticket } = this.request
    return withInner(options, {
      stop: ticket.stop,
      holder: ticket,
      defaultTimeoutMs: this.serviceTimeoutMs,
      isRead: true,
    })
  }

  /**
   * `consistency` says how many or which replicas must agree. The one replica always agrees, so only the form is
   * checked.
   */
  #checkConsistency(): void {
    const { consistency } = this.query
    if (typeof consistency === 'string' && /^[1-9]\d{0,8}$/.test(consistency)) return
    this.word('consistency', CONSISTENCIES)
  }

  /**
   * `timeout` in seconds, as in Qdrant. A longer timeout than the service's is no error: a client may send its own with
   * every call.
   */
  protected deadline(): Pick<CallOptions, 'timeoutMs'> {
    const { timeout } = this.query
    if (timeout === undefined) return {}
    const seconds = typeof timeout === 'string' && INTEGER.test(timeout) ? Number(timeout) : 0
    const most = LIMITS.maxTimeoutMs / MS_PER_SECOND
    if (seconds < 1 || seconds > most) throw invalid('timeout', `expected an integer from 1 to ${most}`, timeout)
    const timeoutMs = seconds * MS_PER_SECOND
    return { timeoutMs: this.request.ticket.isReadOnly ? Math.min(timeoutMs, this.serviceTimeoutMs) : timeoutMs }
  }

  get query(): WireObject {
    return this.request.query as WireObject
  }

  integer(name: string, least: number, most: number, otherwise: number): number {
    const value = this.query[name]
    if (value === undefined) return otherwise
    const number = typeof value === 'string' && INTEGER.test(value) ? Number(value) : Number.NaN
    if (!(number >= least && number <= most)) throw invalid(name, `expected an integer from ${least} to ${most}`, value)
    return number
  }

  /** Checks a parameter that has no effect on one node. */
  word(name: string, words: readonly string[]): void {
    const value = this.query[name]
    if (value === undefined || (typeof value === 'string' && words.includes(value))) return
    throw invalid(name, `expected one of ${words.join(', ')}`, value)
  }

  flag(name: string, otherwise: boolean): boolean {
    const value = this.query[name]
    if (value === undefined) return otherwise
    if (value !== 'true' && value !== 'false') throw invalid(name, 'expected true or false', value)
    return value === 'true'
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
    this.word('ordering', ORDERINGS)
    return this.within({ ...this.deadline(), wait: this.flag('wait', false) })
  }

  /**
   * For what takes as long as it takes: only a `timeout` in the query holds, but for a key that may only read. A client that
   * hangs up does not undo what was begun.
   */
  longOptions(): Pick<CallOptions, 'timeoutMs'> {
    const isBounded = this.request.ticket.isReadOnly
    return { ...(isBounded ? { timeoutMs: this.serviceTimeoutMs } : {}), ...this.deadline() }
  }

  /** The same for what nobody needs once its client has hung up. */
  waitingOptions(): CallOptions {
    return this.within(this.longOptions())
  }

  /** Whether the sender may see data that needs a key. */
  isFrom(mayRead: (request: FastifyRequest) => boolean): boolean {
    return mayRead(this.request)
  }

  receiveFile<T>(field: string, use: (chunks: AsyncIterable<Uint8Array>) => Promise<T>): Promise<T> {
    return receiveFile(this.request, this.#bounds, field, use)
  }

  /** Logs the failure of work whose answer was already sent. */
  logFailure(error: unknown): void {
    this.request.log.warn({ reqId: this.request.id, err: error }, 'work failed after its answer was sent')
  }
}
