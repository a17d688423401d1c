/** Which bodies are read, and how. Decoding happens here, checking in one place for all formats (src/ingest). */
import type { IncomingMessage } from 'node:http'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { type Awaitable, andThen } from '../core/awaitable.js'
import { describeValue, VicinalError } from '../core/errors.js'
import type { Measured } from '../ingest/body-bounds.js'
import { measureJson } from '../ingest/wire-json.js'
import { measureMsgpack } from '../ingest/wire-msgpack.js'
import { measureVectorJson } from '../ingest/wire-vector-json.js'
import { type Arrivals, ArrivingBody } from './arriving-body.js'
import { declaredBytes } from './declared-bytes.js'
import { JSON_TYPE, MSGPACK_TYPE } from './respond.js'
import { configOf } from './router.js'

const CHARSET = /;\s*charset\s*=\s*"?([^\s;"]+)/i
const UTF8 = /^utf-?8$/i

type Measure = (bytes: Buffer, request: FastifyRequest) => Awaitable<Measured>
type Done = (error: Error | null, body?: unknown) => void

export function registerBodies(app: FastifyInstance, arrivals: Arrivals): void {
  app.removeAllContentTypeParsers()
  register(app, arrivals, [JSON_TYPE], (bytes, { url }) => measureText(bytes, url))
  // Left to the route, which reads it as it comes; of all others a form is refused.
  app.addContentTypeParser('multipart/form-data', (request, _payload, done) => {
    if (configOf(request)?.declared.isUpload) done(null)
    else done(unsupportedType(request.headers['content-type']))
  })
  const msgpackTypes = [MSGPACK_TYPE, 'application/x-msgpack', 'application/vnd.msgpack']
  register(app, arrivals, msgpackTypes, (bytes) => measureMsgpack(bytes))
}

function register(app: FastifyInstance, arrivals: Arrivals, types: string[], measure: Measure): void {
  const decodeRead = (request: FastifyRequest, bytes: Buffer, done: Done) => {
    let body: unknown
    try {
      // A body that was left out is told apart from a malformed one by the route.
      if (bytes.length > 0) body = andThen(measure(bytes, request), ({ make }) => make())
      request.bytes = bytes
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
    ticket.arriving = ticket.body = new ArrivingBody(arrivals, payload, of, (error, bytes) => {
      ticket.arriving = null
      if (error) done(error)
      else decodeRead(request, bytes as Buffer, done)
    })
  })
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
