/** Decides which bodies are read and how they are decoded. The checks are the same for all formats (src/wire). */
import type { IncomingMessage } from 'node:http'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { AnsweredByAnotherThread } from '../core/answered-by-another-thread.js'
import { describeValue, VicinalError } from '../core/errors.js'
import { INGEST_TYPES } from '../core/ingest.js'
import { andThen, type MaybePromise } from '../core/maybe-promise.js'
import type { Measured } from '../wire/body-bounds.js'
import { measureJson } from '../wire/json.js'
import { measureMsgpack } from '../wire/msgpack.js'
import { measureVectorJson } from '../wire/vector-json.js'
import { type ArrivingBodies, ArrivingBody, LARGE_BODY_BYTES } from './arriving-body.js'
import type { ReadCall } from './call.js'
import { declaredBytes } from './declared-bytes.js'
import { isOfPoints } from './peers.js'
import { JSON_TYPE, MSGPACK_TYPE, MSGPACK_TYPES } from './respond.js'
import { configOf } from './router.js'
import { streamTypeOf } from './streamed-body.js'
import type { Ticket } from './ticket.js'

const CHARSET = /;\s*charset\s*=\s*"?([^\s;"]+)/i
const UTF8 = /^utf-?8$/i

/** The parts of the service that reading bodies needs. */
export interface BodyParts {
  arriving: ArrivingBodies
  /** Rejects if the request's collection does not exist. */
  find(request: FastifyRequest): Promise<void>
  /** Reserves room for the parsed values of a body. */
  roomFor(valueBytes: number, ticket: Ticket): MaybePromise<void>
}

type Measure = (bytes: Buffer, request: FastifyRequest) => MaybePromise<Measured>
type Done = (error: Error | null, body?: unknown) => void

export function registerBodies(app: FastifyInstance, parts: BodyParts): void {
  app.removeAllContentTypeParsers()
  register(app, parts, [JSON_TYPE], (bytes, { url }) => measureText(bytes, url))
  // An upload route reads its form as it arrives; every other route refuses a form.
  app.addContentTypeParser('multipart/form-data', (request, _payload, done) => {
    if (configOf(request)?.declared.isUpload) done(null)
    else done(unsupportedType(request.headers['content-type']))
  })
  // The same of a stream, which has more forms.
  const others = INGEST_TYPES.filter((type) => !MSGPACK_TYPES.includes(type))
  app.addContentTypeParser(others, (request, _payload, done) => {
    if (configOf(request)?.declared.isStream) done(null)
    else done(unsupportedType(request.headers['content-type']))
  })
  register(app, parts, [...MSGPACK_TYPES], (bytes) => measureMsgpack(bytes))
}

function register(app: FastifyInstance, parts: BodyParts, types: string[], measure: Measure): void {
  const decodeRead = (request: FastifyRequest, bytes: Buffer, done: Done) => {
    const { notes, startedMs } = request.ticket
    const startMs = performance.now()
    request.ticket.arrivedMs = startMs
    notes?.span('receive', startedMs, startMs)
    let body: unknown
    try {
      request.bytes = bytes
      body = decoded(request, bytes, measure, parts)
    } catch (error) {
      done(error as Error)
      return
    }
    const parsed = (decoded: unknown) => {
      notes?.span('parse', startMs, performance.now())
      done(null, decoded)
    }
    if (body instanceof Promise) body.then(parsed, done)
    else parsed(body)
  }
  app.addContentTypeParser(types, (request: FastifyRequest, payload: IncomingMessage, done: Done) => {
    try {
      checkEncoding(request)
      if (configOf(request)?.declared.isStream) {
        streamTypeOf(request)
        done(null)
        return
      }
    } catch (error) {
      done(error as Error)
      return
    }
    const { ticket } = request
    const { work, caller, mostBytes, stop } = ticket
    const isCounted = !ticket.isAdmittedByMainThread
    const of = { work, caller, mostBytes, stop, isCounted, holder: ticket, declaredBytes: declaredBytes(payload) }
    ticket.arriving = ticket.body = new ArrivingBody(parts.arriving, payload, of, (error, bytes) => {
      ticket.arriving = null
      if (error) done(error)
      else decodeRead(request, bytes as Buffer, done)
    })
  })
}

/** An error in a small body is reported before an error about its collection, as in Qdrant. */
function decoded(request: FastifyRequest, bytes: Buffer, measure: Measure, parts: BodyParts): MaybePromise<unknown> {
  // The route distinguishes a missing body from a malformed one.
  if (bytes.length === 0) return undefined
  const make = () =>
    andThen(measure(bytes, request), (measured) =>
      andThen(parts.roomFor(measured.valueBytes, request.ticket), () => measured.make()),
    )
  return bytes.length > LARGE_BODY_BYTES ? parts.find(request).then(make) : make()
}

/** Measures a body in JSON. Bodies with points or queries contain vectors; other bodies only name them. */
export function measureText(bytes: Buffer, url: string): MaybePromise<Measured> {
  return url.includes('/points') && !url.includes('/vectors/delete') ? measureVectorJson(bytes) : measureJson(bytes)
}

function checkEncoding({ headers }: FastifyRequest): void {
  const type = headers['content-type'] ?? ''
  if (!type.includes(';')) return
  const charset = CHARSET.exec(type)?.[1]
  if (charset !== undefined && !UTF8.test(charset)) throw unsupportedType(headers['content-type'])
}

export function unsupportedType(seen: string | undefined): VicinalError {
  return new VicinalError(
    'UNSUPPORTED_MEDIA_TYPE',
    `Content-Type: expected ${JSON_TYPE} (UTF-8) or ${MSGPACK_TYPE}, got ${describeValue(seen ?? null)}`,
    { details: { field: 'Content-Type' } },
  )
}

/** Compressed bodies are refused at the head, because a small one may expand without end. */
export function checkContentEncoding(encoding: string | undefined): void {
  if (encoding === undefined || encoding === 'identity') return
  throw new VicinalError('UNSUPPORTED_MEDIA_TYPE', `Content-Encoding: expected none, got ${describeValue(encoding)}`)
}

/** Rejects if the collection does not exist. A thread that does not know the collection leaves the check to another. */
export async function findCollection<C extends ReadCall>(
  request: FastifyRequest,
  callOf: (request: FastifyRequest) => C,
): Promise<void> {
  if (!isOfPoints(request.routeOptions.url)) return
  try {
    await callOf(request).reads()
  } catch (error) {
    if (!(error instanceof AnsweredByAnotherThread)) throw error
  }
}

declare module 'fastify' {
  interface FastifyRequest {
    /** The body's bytes as received; null if there was no body. */
    bytes: Buffer | null
  }
}
