/** Answers and errors in the shape of Qdrant's envelope, in the format that the Accept header asks for. */
import type { OutgoingHttpHeaders, ServerResponse } from 'node:http'
import { Readable } from 'node:stream'
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { ErrorCode, VicinalError } from '../core/errors.js'
import type { SnapshotData } from '../core/snapshots.js'
import { snakeCase } from '../core/vocabulary/spelling.js'
import { JsonPieces, jsonText } from '../wire/json-encoder.js'
import { encodeMsgpack, MsgpackPieces } from '../wire/msgpack-encoder.js'
import { heldBytesOf, isLarger, piecesOf } from '../wire/pieces.js'
import type { ConsoleFile } from './console-files.js'

export const JSON_TYPE = 'application/json'
export const MSGPACK_TYPE = 'application/msgpack'
/** With its other names. */
export const MSGPACK_TYPES: readonly string[] = [MSGPACK_TYPE, 'application/x-msgpack', 'application/vnd.msgpack']
/** A parameter of MessagePack in the Accept header: each payload is sent as its JSON text in a bin. */
const PAYLOAD_AS_TEXT = 'payload=text'
/** An answer of about more bytes is sent piece by piece as it is written, and counts as a large answer. */
export const LARGE_ANSWER_BYTES = 64 * 1024
const MS_PER_SECOND = 1000

/** A body that is not wrapped in the envelope. */
export class PlainBody {
  constructor(
    readonly body: string | object,
    readonly status = 200,
    readonly type = 'text/plain; charset=utf-8',
    readonly headers: Readonly<Record<string, string>> = {},
  ) {}
}

/** A file of the console. */
export class FileBody {
  constructor(readonly file: ConsoleFile) {}
}

/** A file, sent as it is read. */
export class StreamBody {
  constructor(readonly data: SnapshotData) {}
}

/** An answer that goes on until either side ends it. `begin` writes it once its head is sent. */
export class OpenBody {
  constructor(readonly begin: (response: ServerResponse) => void) {}
}

/** An answer that is written line by line. */
export class LineBody {
  constructor(readonly lines: AsyncIterable<string>) {}
}

/** A result with the cost of answering. `explain` is set if the result itself has no place for the plan. */
export class MeasuredResult {
  constructor(
    readonly result: unknown,
    readonly usage: object,
    readonly explain?: unknown,
  ) {}
}

export function sendResult(request: FastifyRequest, reply: FastifyReply, result: unknown): FastifyReply {
  if (result instanceof StreamBody) {
    const { name, bytes, chunks } = result.data
    return reply
      .type('application/octet-stream')
      .header('content-length', bytes)
      .header('content-disposition', `attachment; filename="${name}"`)
      .send(Readable.from(chunks, { objectMode: false }))
  }
  if (result instanceof OpenBody) {
    reply.type('application/octet-stream').hijack()
    reply.raw.writeHead(200, reply.getHeaders() as OutgoingHttpHeaders)
    result.begin(reply.raw)
    return reply
  }
  if (result instanceof LineBody) {
    return reply.type('application/x-ndjson').send(Readable.from(result.lines, { objectMode: false }))
  }
  if (result instanceof PlainBody) {
    const { body, status, type, headers } = result
    if (typeof body === 'object') return send(request, reply.code(status), body)
    return reply.code(status).type(type).headers(headers).send(body)
  }
  if (result instanceof FileBody) return sendFile(request, reply, result.file)
  return send(request, reply, envelopeOf(result, request.ticket.startedMs))
}

function sendFile({ headers: asked }: FastifyRequest, reply: FastifyReply, file: ConsoleFile): FastifyReply {
  reply.headers(file.headers)
  if (asked['if-none-match'] === file.headers.etag) return reply.code(304).send()
  if (!/\bgzip\b/.test(String(asked['accept-encoding']))) return reply.send(file.bytes)
  return reply.header('content-encoding', 'gzip').send(file.gzip)
}

/** The envelope of a result; `startedMs` is the time at which its request began. */
export function envelopeOf(result: unknown, startedMs: number): object {
  const time = secondsSince(startedMs)
  if (!(result instanceof MeasuredResult)) return { result, status: 'ok', time }
  const { usage, explain } = result
  const beside = explain === undefined ? { usage } : { usage, explain }
  return { ...beside, result: result.result, status: 'ok', time }
}

export function sendError(request: FastifyRequest, reply: FastifyReply, error: VicinalError): FastifyReply {
  const { retryAfterMs } = error
  reply.code(error.status)
  if (retryAfterMs !== undefined) reply.header('retry-after', retryAfterSeconds(retryAfterMs))
  return send(request, reply, errorEnvelopeOf(error, request.ticket?.startedMs ?? performance.now()))
}

export function retryAfterSeconds(retryAfterMs: number): number {
  return Math.ceil(retryAfterMs / MS_PER_SECOND)
}

export function errorEnvelopeOf(error: VicinalError, startedMs: number): object {
  const { code, details } = error
  const field = typeof details.field === 'string' ? { field: wireField(details.field) } : {}
  const status = Object.keys(details).length > 0 ? { code, details: { ...details, ...field } } : { code }
  return { status: { error: errorText(error), ...status }, time: secondsSince(startedMs) }
}

/**
 * An option's name begins the field; names behind it may be the caller's own, but not those of queries and strict mode.
 * Headers begin with a capital letter.
 */
function wireField(field: string): string {
  const [, search = '', option = ''] = /^(searches\[\d+\]\.)?(.*)$/s.exec(field) ?? []
  const declared = /^(?:query|prefetch|lookupFrom|withLookup|actions)\b.*|^strictModeConfig\.\w+$|^[a-z]\w*/
  return search + option.replace(/^schema\b/, 'field_schema').replace(declared, snakeCase)
}

const OTHER_BEGINNING = /^(?:Format error|Validation error|Deserialize error|Bad request)/

const CATEGORIES: Partial<Record<ErrorCode, string>> = {
  INVALID_ARGUMENT: 'Wrong input',
  FORBIDDEN: 'Forbidden',
  READ_ONLY: 'Forbidden',
  TIMEOUT: 'Timeout',
  TOO_LARGE: 'Payload too large',
  UNSUPPORTED_MEDIA_TYPE: 'Unsupported media type',
  NOT_IMPLEMENTED: 'Not implemented',
}

/**
 * Qdrant begins complaints about a request with a category. The field is told in `details`, not in the sentence,
 * except in NOT_IMPLEMENTED: there the field is the sentence's subject.
 */
function errorText({ code, status, message, details }: VicinalError): string {
  const category = status === 429 ? 'Rate limiting exceeded' : CATEGORIES[code]
  if (category === undefined || OTHER_BEGINNING.test(message)) return message
  const prefix = `${details.field}: `
  const isTold = code !== 'NOT_IMPLEMENTED' && message.startsWith(prefix)
  return `${category}: ${isTold ? message.slice(prefix.length) : message}`
}

function send(request: FastifyRequest, reply: FastifyReply, envelope: object): FastifyReply {
  const { accept } = request.headers
  const isMsgpack = accept?.includes(MSGPACK_TYPE) === true
  const body = encoded(envelope, isMsgpack, accept, (bytes) => request.ticket.takeAnswer(bytes))
  reply.header('content-type', isMsgpack ? MSGPACK_TYPE : JSON_TYPE)
  return reply.send(body instanceof Buffer ? body : Readable.from(body, { objectMode: false }))
}

/**
 * The encoded answer: whole, or in pieces that are written as they are sent. For pieces, `take` first gets the bytes
 * held until the end. `accept` says how payloads are encoded in MessagePack.
 */
export function encoded(
  envelope: object,
  isMsgpack: boolean,
  accept: string | undefined,
  take: (bytes: number) => void,
): Buffer | AsyncIterable<Buffer> {
  const isLarge = isLarger(envelope, LARGE_ANSWER_BYTES)
  if (isLarge) take(heldBytesOf(envelope))
  if (!isMsgpack) {
    return isLarge ? inTurns(piecesOf(envelope, new JsonPieces())) : Buffer.from(jsonText(envelope))
  }
  const rawJson = accept?.includes(PAYLOAD_AS_TEXT) ? 'text' : 'value'
  return isLarge ? inTurns(piecesOf(envelope, new MsgpackPieces({ rawJson }))) : encodeMsgpack(envelope, { rawJson })
}

/** Writes each piece in its own turn of the event loop, and parts one that a long value makes large. */
async function* inTurns(pieces: Iterable<Buffer>): AsyncGenerator<Buffer> {
  for (const piece of pieces) {
    for (let at = 0; at < piece.length; at += LARGE_ANSWER_BYTES) {
      yield piece.subarray(at, at + LARGE_ANSWER_BYTES)
      await nextTurn()
    }
  }
}

function secondsSince(startedMs: number): number {
  return (performance.now() - startedMs) / MS_PER_SECOND
}
