/**
 * A body without a bound: read piece by piece, as the route asks for it and as there is room for it. Its reader tells how
 * many bytes it holds; they count as bytes of write bodies.
 */
import type { IncomingMessage } from 'node:http'
import type { FastifyRequest } from 'fastify'
import { describeValue, VicinalError } from '../core/errors.js'
import { INGEST_TYPES, type IngestType } from '../core/ingest.js'
import type { ArrivalBounds } from './arriving-body.js'
import { LINGER_MS } from './lingering-close.js'
import { overloaded } from './places.js'
import { MSGPACK_TYPE, MSGPACK_TYPES } from './respond.js'
import type { Ticket } from './ticket.js'
import { expired, withdrawn } from './tokens.js'
import { ArrivingUpload } from './upload.js'

const BUDGET = 'writeBytes'
/** How often a stream that waits for room asks again. */
const ASK_AGAIN_MS = 20

const streaming = new WeakSet<IncomingMessage>()

/** Whether a request's body is a stream that its route is reading: it takes as long as it takes. */
export function isStreaming(request: IncomingMessage): boolean {
  return streaming.has(request)
}

export class StreamedBody implements AsyncIterable<Uint8Array> {
  readonly #request: IncomingMessage
  #wanted: { resolve(piece: Buffer | null): void; reject(error: Error): void } | null = null
  #failure: Error | null = null
  readonly #ticket: Ticket
  readonly #bodyWaitMs: number
  #held = 0
  #isBeyond = false
  #isOver = false

  constructor({ raw: request, ticket }: FastifyRequest, bounds: ArrivalBounds) {
    this.#request = request
    this.#ticket = ticket
    this.#bodyWaitMs = bounds.bodyWaitMs
    request.pause()
    request.on('data', this.#onData).once('end', this.#onEnd).once('error', this.#onEnd).once('close', this.#onEnd)
    ticket.arriving = new ArrivingUpload(request, bounds, this.#fail)
    markStreaming(request)
    ticket.afterAnswer = () => this.#end()
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    for (;;) {
      await this.#room()
      const piece = await this.#next()
      if (piece === null) return
      if (Date.now() > this.#ticket.expiresMs) throw expired(this.#ticket.subject)
      if (this.#ticket.isWithdrawn) throw withdrawn()
      yield piece
    }
  }

  /** Counts bytes that the reader holds, more or fewer. */
  readonly hold = (bytes: number): void => {
    if (this.#isOver) return
    this.#held += bytes
    this.#ticket.places.budgets.add(BUDGET, bytes, this.#ticket.caller)
  }

  /** Waits while too many bytes are in work. One stream or body of all may exceed the bound, so that some go on. */
  async #room(): Promise<void> {
    const { caller, places } = this.#ticket
    const { budgets } = places
    const sinceMs = performance.now()
    for (let full = budgets.full(BUDGET, caller); full !== null; full = budgets.full(BUDGET, caller)) {
      this.#isBeyond ||= budgets.tryBeyond(BUDGET)
      if (this.#isBeyond || this.#isOver) return
      if (performance.now() - sinceMs > this.#bodyWaitMs) {
        throw overloaded(full, budgets.bound(BUDGET), 'bytes of request bodies')
      }
      await new Promise((resolve) => setTimeout(resolve, ASK_AGAIN_MS))
    }
    this.#keepWithin()
  }

  #keepWithin(): void {
    if (this.#isBeyond) this.#ticket.places.budgets.endBeyond(BUDGET)
    this.#isBeyond = false
  }

  /** One piece at a time is asked for. */
  #next(): Promise<Buffer | null> {
    return new Promise((resolve, reject) => {
      if (this.#failure) reject(this.#failure)
      else if (this.#request.readableEnded) resolve(null)
      else {
        this.#wanted = { resolve, reject }
        this.#request.resume()
      }
    })
  }

  readonly #onData = (piece: Buffer): void => {
    this.#request.pause()
    this.#wanted?.resolve(piece)
    this.#wanted = null
  }

  readonly #onEnd = (error?: Error): void => {
    if (this.#request.readableEnded) this.#wanted?.resolve(null)
    else this.#fail(new VicinalError('CANCELLED', 'body: its connection ended early', { cause: error }))
    this.#wanted = null
  }

  readonly #fail = (error: Error): void => {
    this.#failure ??= error
    this.#wanted?.reject(this.#failure)
    this.#wanted = null
  }

  /** The request is over. Its reader may still hold some bytes, which its batch under way counts below the memory limit. */
  #end(): void {
    this.hold(-this.#held)
    this.#isOver = true
    this.#keepWithin()
    this.#drop()
  }

  /** Drops the rest of the body. A client that goes on sending loses its connection. */
  #drop(): void {
    const request = this.#request
    if (request.complete || request.destroyed) return
    request
      .off('data', this.#onData)
      .on('error', () => {})
      .resume()
    const timer = setTimeout(() => request.destroy(), LINGER_MS).unref()
    request.once('close', () => clearTimeout(timer))
  }
}

export function markStreaming(request: IncomingMessage): void {
  streaming.add(request)
}

/** The form of a stream, as the request's head says. */
export function streamTypeOf({ headers }: FastifyRequest): IngestType {
  const [type = ''] = (headers['content-type'] ?? '').split(';', 1)
  const name = type.trim().toLowerCase()
  const known = INGEST_TYPES.find((one) => one === (MSGPACK_TYPES.includes(name) ? MSGPACK_TYPE : name))
  if (known) return known
  throw unsupportedStream(headers['content-type'])
}

export function unsupportedStream(seen: string | undefined): VicinalError {
  const types = INGEST_TYPES.join(', ')
  const message = `Content-Type: expected one of ${types}, got ${describeValue(seen ?? null)}`
  return new VicinalError('UNSUPPORTED_MEDIA_TYPE', message)
}
