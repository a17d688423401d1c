/** Which bodies are read, and how. Decoding happens here, checking in one place for all formats (src/wire). */
import type { IncomingMessage } from 'node:http'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { type Awaitable, andThen } from '../core/awaitable.js'
import { describeValue, VicinalError } from '../core/errors.js'
import type { Measured } from '../wire/body-bounds.js'
import { measureJson } from '../wire/json.js'
import { measureMsgpack } from '../wire/msgpack.js'
import { measureVectorJson } from '../wire/vector-json.js'
import { type Arrivals, ArrivingBody, LARGE_BODY_BYTES } from './arriving-body.js'
import { declaredBytes } from './declared-bytes.js'
import { JSON_TYPE, MSGPACK_TYPE } from './respond.js'
import { configOf } from './router.js'
import type { Ticket } from './ticket.js'

const CHARSET = /;\s*charset\s*=\s*"?([^\s;"]+)/i
const UTF8 = /^utf-?8$/i

/** What bodies need of the service. */
export interface BodyParts {
  arrivals: Arrivals
  /** Rejects where the collection whose points a request names is not there. */
  find(request: FastifyRequest): Promise<void>
  /** Room for the values of a body, which are made then. */
  roomFor(valueBytes: number, ticket: Ticket): Awaitable<void>
}

type Measure = (bytes: Buffer, request: FastifyRequest) => Awaitable<Measured>
type Done = (error: Error | null, body?: unknown) => void

export function registerBodies(app: FastifyInstance, parts: BodyParts): void {
  app.removeAllContentTypeParsers()
  register(app, parts, [JSON_TYPE], (bytes, { url }) => measureText(bytes, url))
  // Left to the route, which reads it as it comes; of all others a form is refused.
  app.addContentTypeParser('multipart/form-data', (request, _payload, done) => {
    if (configOf(request)?.declared.isUpload) done(null)
    else done(unsupportedType(request.headers['content-type']))
  })
  const msgpackTypes = [MSGPACK_TYPE, 'application/x-msgpack', 'application/vnd.msgpack']
  register(app, parts, msgpackTypes, (bytes) => measureMsgpack(bytes))
}

function register(app: FastifyInstance, parts: BodyParts, types: string[], measure: Measure): void {
  const decodeRead = (request: FastifyRequest, bytes: Buffer, done: Done) => {
    let body: unknown
    try {
      request.bytes = bytes
      body = decoded(request, bytes, measure, parts)
    } catch (error) {
      done(error as Error)
      return
    }
    if (body instanceof Promise) body.then((decoded) => done(null, decoded), done)
    else done(null, body)
  }
  app.addContentTypeParser(types, (request: FastifyRequest, payload: IncomingMessage, done: Done) => {
    try {
      checkEncoding(request)
    } catch (error) {
      done(error as Error)
      return
    }
    const { ticket } = request
    const { work, caller, mostBytes, stop } = ticket
    const isCounted = !ticket.isAdmittedElsewhere
    const of = { work, caller, mostBytes, stop, isCounted, holder: ticket, declaredBytes: declaredBytes(payload) }
    ticket.arriving = ticket.body = new ArrivingBody(parts.arrivals, payload, of, (error, bytes) => {
      ticket.arriving = null
      if (error) done(error)
      else decodeRead(request, bytes as Buffer, done)
    })
  })
}

/** Of a small body, what is wrong with it is said before what is wrong with its collection, as Qdrant does. */
function decoded(request: FastifyRequest, bytes: Buffer, measure: Measure, parts: BodyParts): Awaitable<unknown> {
  // A body that was left out is told apart from a malformed one by the route.
  if (bytes.length === 0) return undefined
  const make = () =>
    andThen(measure(bytes, request), (measured) =>
      andThen(parts.roomFor(measured.valueBytes, request.ticket), () => measured.make()),
    )
  return bytes.length > LARGE_BODY_BYTES ? parts.find(request).then(make) : make()
}

/** Of a body in JSON. Bodies that hold points, or what is asked of them, have vectors; others speak of them by name. */
export function measureText(bytes: Buffer, url: string): Awaitable<Measured> {
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
  )
}

/** Compressed bodies are refused at the head: a small one may hide an endless one. */
export function checkContentEncoding(encoding: string | undefined): void {
  if (encoding === undefined || encoding === 'identity') return
  throw new VicinalError('UNSUPPORTED_MEDIA_TYPE', `Content-Encoding: expected none, got ${describeValue(encoding)}`)
}

declare module 'fastify' {
  interface FastifyRequest {
    /** The body as it came; null where there was none. */
    bytes: Buffer | null
  }
}
