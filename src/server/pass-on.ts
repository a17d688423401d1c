/** Passing a request on to another thread or node: its body and its answer go as they arrive. */
import type { ClientRequest, IncomingMessage } from 'node:http'
import { takesStream } from './routes/collection-read.js'
import { markStreaming } from './streamed-body.js'

const OK = 200

/** Passes the body on. The head goes with its first piece, and does not wait for it: the answer may come before a body. */
export function passBody(request: IncomingMessage, sent: ClientRequest): void {
  if (takesStream(request)) markStreaming(request)
  request.pipe(sent)
  setImmediate(() => sent.flushHeaders())
}

/** Reads the rest of the body, and passes it on no more. */
export function dropBody(request: IncomingMessage, sent: ClientRequest): void {
  request.unpipe(sent)
  request.resume()
}

/** Whether a stream is answered: such an answer begins before its body ends. */
export function isStreamsAnswer(request: IncomingMessage, { statusCode }: IncomingMessage): boolean {
  return statusCode === OK && takesStream(request)
}

/** The header that marks the body's end; none where the length is told, or there is no body. */
export function framingOf({ method, headers }: IncomingMessage): Record<string, string> {
  if (headers['transfer-encoding'] !== undefined) return { 'transfer-encoding': 'chunked' }
  return headers['content-length'] !== undefined || method === 'GET' || method === 'HEAD'
    ? {}
    : { 'content-length': '0' }
}
