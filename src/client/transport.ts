/**
 * Requests over kept-alive connections, with timeouts, retries and the service's errors.
 *
 * It uses node:http instead of fetch: a query is a small request, and fetch takes several times as long for it.
 */
import { type ClientRequest, Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http'
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https'
import { pipeline, Readable } from 'node:stream'
import type { CallOptions } from '../core/database.js'
import { invalid, VicinalError } from '../core/errors.js'
import { innerOf } from '../core/inner-call.js'
import { LIMITS } from '../core/limits.js'
import { UNBOUNDED } from '../wire/body-bounds.js'
import { decodeMsgpack } from '../wire/msgpack.js'
import { type Envelope, errorOfAnswer } from './answers.js'
import { Deadline } from './deadline.js'
import { QueryStreams } from './query-streams.js'

const MSGPACK = 'application/msgpack'
const JSON_TYPE = 'application/json'
/** Payloads are sent as the JSON text in which they are stored, so that both ends parse natively or not at all. */
const ACCEPT = `${MSGPACK};payload=text`
const MS_PER_SECOND = 1000
/** Status of an answer that names no error. */
const INTERNAL = 500
const RETRY_AFTER_SECONDS = '1'
/** The system's error codes of connections that failed before the request was sent. */
const NEVER_SENT = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH'])

export interface TransportOptions {
  apiKey?: string | undefined
  timeoutMs: number
  retry: RetryPolicy
  /** PEM texts of authorities to trust instead of the system's. */
  ca?: string | Buffer | undefined
  maxConnections: number
  /** Whether frequent requests use streams. */
  streams: boolean
}

export interface RemoteRequest {
  method: 'GET' | 'PUT' | 'POST' | 'PATCH' | 'DELETE'
  path: string
  body?: Buffer
  call?: CallOptions | undefined
  /** false if a repetition has another effect. Then the request is not repeated after a lost answer. */
  isIdempotent?: boolean
  /** Whether requests of this kind are repeated often and may use a stream. */
  isFrequent?: boolean
  /** True: the request has no deadline unless the call names one. */
  isLong?: boolean
}

/** A request whose body or answer is too large for memory. It is sent once. */
export interface StreamRequest extends Omit<RemoteRequest, 'body' | 'isIdempotent'> {
  upload?: { type: string; chunks: AsyncIterable<Uint8Array> }
  headers?: Readonly<Record<string, string>>
}

export class Transport {
  readonly #base: URL
  readonly #options: TransportOptions
  readonly #agent: HttpAgent | HttpsAgent
  readonly #headers: Record<string, string>
  readonly #streams: QueryStreams | null
  #closed = false

  constructor(base: URL, options: TransportOptions) {
    if (base.protocol !== 'http:' && base.protocol !== 'https:') {
      throw invalid('url', 'expected http:// or https://', base.protocol)
    }
    this.#base = base
    this.#options = options
    const agent = { keepAlive: true, maxSockets: options.maxConnections }
    const ca = options.ca === undefined ? {} : { ca: options.ca }
    this.#agent = base.protocol === 'https:' ? new HttpsAgent({ ...agent, ...ca }) : new HttpAgent(agent)
    this.#headers = { accept: ACCEPT, ...(options.apiKey === undefined ? {} : { 'api-key': options.apiKey }) }
    const { ca: authority, maxConnections: most } = options
    this.#streams = options.streams ? new QueryStreams(base, { headers: this.#headers, ca: authority, most }) : null
  }

  close(): void {
    this.#closed = true
    this.#agent.destroy()
    this.#streams?.close()
  }

  /** Resolves to the `result` of the answer. */
  async send(request: RemoteRequest): Promise<unknown> {
    const deadline = this.#deadlineOf(request)
    try {
      return await this.#sendWithRetries(request, deadline)
    } finally {
      deadline.end()
    }
  }

  /** Resolves to the answer as it arrives. The timeout covers its head only. */
  async stream(request: StreamRequest): Promise<IncomingMessage> {
    const deadline = this.#deadlineOf(request)
    try {
      if (this.#closed) throw new VicinalError('CLOSED', 'The connection is closed')
      const response = await this.#exchange(request, deadline)
      const status = response.statusCode ?? 0
      if (status >= 200 && status < 300) return response
      throw errorOfAnswer(status, response.headers, answeredIn(response, await bodyOf(response)))
    } catch (error) {
      deadline.check()
      throw this.#explained(error)
    } finally {
      deadline.end()
    }
  }

  #deadlineOf({ call, isLong }: Pick<RemoteRequest, 'call' | 'isLong'>): Deadline {
    const timeoutMs = call?.timeoutMs ?? (isLong ? null : this.#options.timeoutMs)
    if (timeoutMs !== null && (!(timeoutMs > 0) || timeoutMs > LIMITS.maxTimeoutMs)) {
      throw invalid('timeoutMs', `expected more than 0 and at most ${LIMITS.maxTimeoutMs}`, timeoutMs)
    }
    return new Deadline(timeoutMs, callerOf(call))
  }

  async #sendWithRetries(request: RemoteRequest, deadline: Deadline): Promise<unknown> {
    for (let attempt = 0; ; attempt++) {
      if (this.#closed) throw new VicinalError('CLOSED', 'The connection is closed')
      try {
        // A stream is tried once, because its failure need not affect a request.
        return await this.#sendOnce(attempt === 0 ? request : { ...request, isFrequent: false }, deadline)
      } catch (error) {
        deadline.check()
        if (isToWaitOn(request, error)) {
          attempt = -1
          continue
        }
        const delayMs = retryDelayMs(error, attempt, this.#options.retry, request.isIdempotent ?? true)
        if (delayMs === null || delayMs >= deadline.leftMs) throw this.#explained(error)
        await deadline.sleep(delayMs)
        deadline.check()
      }
    }
  }

  #explained(error: unknown): VicinalError {
    if (error instanceof VicinalError) return error
    const { message } = error as Error
    return new VicinalError('UNAVAILABLE', `No answer from ${this.#base.origin}: ${message}`, { cause: error })
  }

  async #sendOnce(request: RemoteRequest, deadline: Deadline): Promise<unknown> {
    deadline.check()
    const streamed = await this.#streamed(request, deadline)
    if (streamed) return resultOf(streamed)
    deadline.check()
    if (this.#closed) throw new VicinalError('CLOSED', 'The connection is closed')
    const response = await this.#exchange(request, deadline)
    const status = response.statusCode ?? 0
    const bytes = await bodyOf(response)
    const envelope = answeredIn(response, bytes)
    if (status >= 200 && status < 300 && envelope?.status === 'ok') return envelope.result ?? null
    throw errorOfAnswer(status, response.headers, envelope)
  }

  /** null if a request must be sent instead: a stream has the parameters of the request that opened it. */
  async #streamed({ path, body, call, isFrequent }: RemoteRequest, deadline: Deadline): Promise<Envelope | null> {
    if (!this.#streams || !isFrequent || !body || call?.timeoutMs !== undefined || call?.after !== undefined)
      return null
    const answer = await this.#streams.ask(path, body, deadline)
    const envelope = answer && envelopeOf(answer)
    if (answer && !envelope) this.#streams.abandon()
    return envelope
  }

  #exchange(asked: RemoteRequest & StreamRequest, deadline: Deadline): Promise<IncomingMessage> {
    const { method, path, body, call, upload } = asked
    const headers: Record<string, string | number> = { ...this.#headers, ...asked.headers }
    if (upload) headers['content-type'] = upload.type
    if (body) {
      headers['content-type'] = MSGPACK
      headers['content-length'] = body.length
    }
    // The service's own timeout must not be shorter than the caller's.
    const timeout =
      call?.timeoutMs === undefined ? '' : `timeout=${Math.max(1, Math.ceil(call.timeoutMs / MS_PER_SECOND))}`
    const after = call?.after === undefined ? '' : `after=${encodeURIComponent(call.after)}`
    const asParameters = [timeout, after].filter((parameter) => parameter !== '').join('&')
    const query = asParameters === '' ? '' : `${path.includes('?') ? '&' : '?'}${asParameters}`
    return new Promise((resolve, reject) => {
      const { protocol, hostname, port } = this.#base
      const start = protocol === 'https:' ? httpsRequest : httpRequest
      const prefix = this.#base.pathname.replace(/\/$/, '')
      const options = {
        method,
        host: hostname.replace(/^\[|\]$/g, ''),
        port: port === '' ? undefined : port,
        path: prefix + path + query,
        headers,
        agent: this.#agent,
      }
      const request: ClientRequest = start(options as never, resolve)
      request.on('error', reject)
      // Also ends an answer that is being read.
      deadline.onPassed(() => request.destroy(new Error('the call ended')))
      if (!upload) request.end(body)
      // A service may refuse the upload before its end. Then its answer counts, and the rest is not sent.
      else pipeline(Readable.from(upload.chunks), request, (error) => error && reject(error))
    })
  }
}

/** null if the answer is not the service's. Some refusals are JSON, whatever form was asked for. */
function answeredIn({ headers }: IncomingMessage, body: Buffer): Envelope | null {
  const type = headers['content-type']
  if (type?.startsWith(MSGPACK)) return decodeMsgpack(body, 'answer', UNBOUNDED) as Envelope
  if (!type?.startsWith(JSON_TYPE)) return null
  try {
    const envelope = JSON.parse(body.toString()) as Envelope
    return typeof envelope === 'object' && isOwn(envelope?.status) ? envelope : null
  } catch {
    return null
  }
}

/** Other programs have JSON of their own. */
function isOwn(status: Envelope['status']): boolean {
  return typeof status === 'object' && typeof status?.error === 'string' && typeof status.code === 'string'
}

/** null if the answer is not the service's. A request will show the reason. */
function envelopeOf(answer: Buffer): Envelope | null {
  try {
    return decodeMsgpack(answer, 'answer', UNBOUNDED) as Envelope
  } catch {
    return null
  }
}

function resultOf(envelope: Envelope): unknown {
  if (envelope.status === 'ok') return envelope.result ?? null
  const { code } = envelope.status ?? {}
  // A request gets this from a header.
  const isBusy = code === 'OVERLOADED' || code === 'UNAVAILABLE' || code === 'RESOURCE_EXHAUSTED'
  throw errorOfAnswer(INTERNAL, isBusy ? { 'retry-after': RETRY_AFTER_SECONDS } : {}, envelope)
}

/** The service may bound how long it waits for one request; a caller without a deadline asks again. */
function isToWaitOn({ call, isLong, isIdempotent = true }: RemoteRequest, error: unknown): boolean {
  if (!isLong || !isIdempotent || call?.timeoutMs !== undefined) return false
  return error instanceof VicinalError && error.code === 'TIMEOUT'
}

function callerOf(call: CallOptions | undefined): AbortSignal | undefined {
  return call?.signal ?? innerOf(call)?.stop?.signal
}

function bodyOf(response: IncomingMessage): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    response.on('data', (chunk: Buffer) => chunks.push(chunk))
    response.on('end', () => resolve(chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks)))
    response.on('error', reject)
    // In some versions of Node a truncated answer emits neither event.
    response.on('close', () => {
      if (!response.complete) reject(new Error('the connection was closed in the middle of the answer'))
    })
  })
}

interface RetryPolicy {
  /** Attempts after the first. */
  retries: number
  minDelayMs: number
  maxDelayMs: number
}

/**
 * Milliseconds until the next attempt; null for none. A request that the service refused to begin can always be
 * repeated. If the connection broke, the request may have been executed, so only idempotent ones are repeated.
 */
function retryDelayMs(error: unknown, attempt: number, policy: RetryPolicy, isIdempotent: boolean): number | null {
  if (attempt >= policy.retries) return null
  if (error instanceof VicinalError) {
    // The service's timeout was the caller's own.
    if (!error.retryable || error.code === 'TIMEOUT') return null
    return Math.max(error.retryAfterMs ?? 0, backOffMs(attempt, policy))
  }
  const { code } = error as { code?: unknown }
  return isIdempotent || NEVER_SENT.has(code as string) ? backOffMs(attempt, policy) : null
}

function backOffMs(attempt: number, { minDelayMs, maxDelayMs }: RetryPolicy): number {
  return Math.random() * Math.min(maxDelayMs, minDelayMs * 2 ** attempt)
}
