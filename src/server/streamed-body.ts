/** A body without a bound: read piece by piece, as the route asks for it. Nothing of it is kept. */
import type { IncomingMessage } from 'node:http'
import type { FastifyRequest } from 'fastify'
import { describeValue, VicinalError } from '../core/errors.js'
import { INGEST_TYPES, type IngestType } from '../core/ingest.js'
import type { ArrivalBounds } from './arriving-body.js'
import { MSGPACK_TYPE, MSGPACK_TYPES } from './respond.js'
import { ArrivingUpload } from './upload.js'

/** How long the rest of a body is dropped once its request is answered. Then the connection is cut off. */
const LINGER_MS = 1000

const streaming = new WeakSet<IncomingMessage>()

/** Whether a request's body is a stream that its route is reading: it takes as long as it takes. */
export function isStreaming(request: IncomingMessage): boolean {
  return streaming.has(request)
}

export class StreamedBody implements AsyncIterable<Uint8Array> {
  readonly #request: IncomingMessage
  #wanted: { resolve(piece: Buffer | null): void; reject(error: Error): void } | null = null
  #failure: Error | null = null

  constructor({ raw: request, ticket }: FastifyRequest, bounds: ArrivalBounds) {
    this.#request = request
    request.pause()
    request.on('data', this.#onData).once('end', this.#onEnd).once('error', this.#onEnd).once('close', this.#onEnd)
    ticket.arriving = new ArrivingUpload(request, bounds, this.#fail)
    markStreaming(request)
    ticket.afterAnswer = () => this.#drop()
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    for (;;) {
      const piece = await this.#next()
      if (piece === null) return
      yield piece
    }
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
