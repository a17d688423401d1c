import type { ClientRequest, IncomingMessage } from 'node:http'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { ERROR_CATALOGUE, VicinalError } from '../core/errors.js'
import { hasLargeBody, isForwarded } from '../server/failures.js'
import { TRACEPARENT_HEADER, TRACESTATE_HEADER } from '../server/observation.js'
import { dropBody, framingOf, isStreamsAnswer, passBody } from '../server/pass-on.js'
import {
  ACTOR_HEADER,
  EXPIRES_HEADER,
  RIGHTS_HEADER,
  SUBJECT_HEADER,
  tellRights,
  WATERMARK_HEADER,
} from '../server/peers.js'
import { REQUEST_ID_HEADER } from '../server/request-ids.js'
import { errorEnvelopeOf } from '../server/respond.js'
import { ForwardedLines } from './forwarded-lines.js'
import type { KeptBody } from './kept-body.js'
import { PeerRequests, type Target } from './peer-requests.js'

const SENT = ['content-type', 'content-length', 'accept', 'idempotency-key', TRACESTATE_HEADER] as const
const ANSWERED = ['content-type', 'content-length', 'retry-after', 'content-disposition', WATERMARK_HEADER] as const
const RETRY_AFTER_MS = 1_000
/** A refusal that took longer is handed on: the caller has waited. */
const ASKED_AGAIN_MS = 1_000
const UNAUTHENTICATED = ERROR_CATALOGUE.UNAUTHENTICATED.status
const UNAVAILABLE = ERROR_CATALOGUE.UNAVAILABLE.status

export interface ForwarderParts {
  /** Empty for a node that knows no other one. */
  key: string
  /** The other node, as errors name it. */
  name: string
  /** Resolves once the catalogue and these collections have reached the watermark on this node. */
  reach(watermark: string, collections: readonly string[]): Promise<void>
  /** The other node did not answer, or answered that it is unavailable. */
  onFailure(hasAnswered: boolean): void
}

/** A read that another node may be asked as well. */
export interface Read {
  path: string
  body: KeptBody
  /** The node to ask next; null if there is none. */
  another(): PeerForwarder | null
  /** The request to the node before, which takes no more of the body. */
  before?: ClientRequest
}

/** Sends requests on to another node, and its answers back. Both are passed as they arrive. */
export class PeerForwarder {
  readonly #parts: ForwarderParts
  readonly #requests: PeerRequests
  readonly #under = new Set<ClientRequest>()

  constructor(target: Target, parts: ForwarderParts) {
    this.#parts = parts
    this.#requests = new PeerRequests(target, parts.key)
  }

  /**
   * The body of the request is still unread. `refuse` takes the error if there is no answer. A read that the node
   * does not answer, or refuses soon, is sent to another one.
   */
  forward(
    request: FastifyRequest,
    reply: FastifyReply,
    refuse: (error: Error) => void,
    read: Read | null = null,
  ): void {
    request.ticket.isForwarded = true
    const sent = this.#send(request, read?.path ?? (request.raw.url as string))
    const beganMs = performance.now()
    let isOver = false
    let isAnswered = false
    const fail = (error: Error) => {
      isOver = true
      sent.destroy()
      if (!reply.sent) refuse(error)
    }
    const isSentAgain = () => {
      const next = read?.body.isKept ? read.another() : null
      if (next === null) return false
      isOver = true
      sent.destroy()
      next.forward(request, reply, refuse, { ...(read as Read), before: sent, another: () => null })
      return true
    }
    this.#endWith(request, sent, () => {
      isOver = true
    })
    sent.on('error', (cause) => {
      if (isOver) return
      this.#parts.onFailure(false)
      // An answer that has begun ends as its own stream does.
      if (!isAnswered && !isSentAgain()) fail(unavailable(`${this.#parts.name} did not answer`, cause))
    })
    sent.once('response', (answer) => {
      isAnswered = true
      const isRefused = answer.statusCode === UNAVAILABLE || answer.statusCode === UNAUTHENTICATED
      if (isRefused) this.#parts.onFailure(true)
      if (isRefused && performance.now() - beganMs < ASKED_AGAIN_MS && isSentAgain()) answer.resume()
      else this.#handBack(request, reply, sent, answer).catch(fail)
    })
    if (read === null) passBody(request.raw, sent)
    else if (read.before) read.body.passAgain(read.before, sent)
    else read.body.pass(sent)
  }

  /** The request ends where its caller is gone. */
  #endWith({ raw, ticket }: FastifyRequest, sent: ClientRequest, onEnd: () => void): void {
    this.#under.add(sent)
    const onStop = () => {
      onEnd()
      sent.destroy()
    }
    ticket.stop.onStop(onStop)
    raw.once('error', onStop)
    sent.once('close', () => {
      this.#under.delete(sent)
      ticket.stop.offStop(onStop)
    })
  }

  /** The owner is another node from now on: unanswered requests have an unknown outcome. */
  close(): void {
    for (const sent of this.#under) sent.destroy(new Error('another node owns the store'))
    this.#requests.close()
  }

  #send({ raw, id, ticket }: FastifyRequest, path: string): ClientRequest {
    const headers: Record<string, string> = {
      [SUBJECT_HEADER]: ticket.caller === null ? '' : String(ticket.caller),
      [RIGHTS_HEADER]: tellRights(ticket.rights),
      ...(Number.isFinite(ticket.expiresMs) ? { [EXPIRES_HEADER]: String(ticket.expiresMs) } : {}),
      [ACTOR_HEADER]: encodeURIComponent(ticket.subject),
      ...(ticket.traceparent === undefined ? {} : { [TRACEPARENT_HEADER]: ticket.traceparent }),
      [REQUEST_ID_HEADER]: id,
    }
    for (const name of SENT) {
      const value = raw.headers[name]
      if (typeof value === 'string') headers[name] = value
    }
    Object.assign(headers, framingOf(raw))
    return this.#requests.open({ method: raw.method as string, path, headers })
  }

  async #handBack(
    request: FastifyRequest,
    reply: FastifyReply,
    sent: ClientRequest,
    answer: IncomingMessage,
  ): Promise<void> {
    const { raw } = request
    const isStream = isStreamsAnswer(raw, answer)
    if (isStream) answer.once('close', () => dropBody(raw, sent))
    else if (!sent.writableEnded) {
      dropBody(raw, sent)
      if (hasLargeBody(raw) && !isForwarded(request)) reply.header('connection', 'close')
      reply.raw.once('finish', () => sent.destroy())
    }
    // The keys differ, and no client can do anything about that.
    if (answer.statusCode === UNAUTHENTICATED) {
      answer.resume()
      throw unavailable(`${this.#parts.name} does not know the cluster key of this one`)
    }
    const watermark = answer.headers[WATERMARK_HEADER]
    // Its caller may read here next, and sees its own write then.
    if (typeof watermark === 'string') await this.#reach(watermark, request)
    for (const name of ANSWERED) {
      const value = answer.headers[name]
      if (value !== undefined) reply.header(name, value)
    }
    reply.code(answer.statusCode as number).send(isStream ? this.#linesOf(answer, request) : answer)
  }

  /** The lines of a stream's answer. The last one tells it where the other node is gone before its end. */
  #linesOf(answer: IncomingMessage, request: FastifyRequest): ForwardedLines {
    const lines = new ForwardedLines({
      last: (line) => this.#lastOf(line, request),
      cut: (before) => {
        this.#parts.onFailure(false)
        const error = unavailable(
          `${this.#parts.name} was gone before the stream's end; ask for the position, and go on there`,
        )
        const { progress: result } = before.length > 0 ? (JSON.parse(before.toString()) as { progress?: unknown }) : {}
        return `${JSON.stringify({ result, ...errorEnvelopeOf(error, request.ticket.startedMs) })}\n`
      },
    })
    const end = () => void lines.end()
    answer.once('error', end).once('close', end)
    lines.once('close', () => answer.destroy())
    return answer.pipe(lines)
  }

  /** The last line of a stream's answer, once this node reads the stored rows. */
  async #lastOf(line: Buffer, request: FastifyRequest): Promise<Buffer | string> {
    const told = JSON.parse(line.toString()) as { result?: { watermark?: unknown } }
    const watermark = told.result?.watermark
    if (typeof watermark !== 'string') return line
    try {
      await this.#reach(watermark, request)
      return line
    } catch (error) {
      return `${JSON.stringify({ ...told, ...errorEnvelopeOf(error as VicinalError, performance.now()) })}\n`
    }
  }

  /** The write is stored, whatever happens here: its caller must not hear that it did not. */
  async #reach(watermark: string, { params }: FastifyRequest): Promise<void> {
    const { name } = params as { name?: string }
    try {
      await this.#parts.reach(watermark, name === undefined ? [] : [name])
    } catch (cause) {
      const what = `the write is stored (watermark ${watermark}), but this node has not read it in time`
      throw new VicinalError('TIMEOUT', what, { cause })
    }
  }
}

export function unavailable(what: string, cause?: unknown): VicinalError {
  return new VicinalError('UNAVAILABLE', `Service unavailable: ${what}`, { cause, retryAfterMs: RETRY_AFTER_MS })
}
