/** A request, answered by the thread that has the database: sent on as it comes, and its answer handed back as it comes. */
import { Agent, type ClientRequest, type IncomingMessage, type ServerResponse, request as sendRequest } from 'node:http'
import { pipeline } from 'node:stream'
import { VicinalError } from '../core/errors.js'
import { JSON_TYPE } from './respond.js'

const CONTINUE = '100-continue'
/** What concerns one connection, and is said anew on the other. */
const OF_CONNECTION = new Set(['connection', 'keep-alive', 'transfer-encoding'])

export class Forwarder {
  readonly #socketPath: string
  readonly #agent = new Agent({ keepAlive: true })

  constructor(socketPath: string) {
    this.#socketPath = socketPath
  }

  /** Nothing was read of its body. */
  pass(request: IncomingMessage, response: ServerResponse): void {
    const sent = this.#send(request, response, framingOf(request))
    if (request.headers.expect?.toLowerCase() !== CONTINUE) {
      request.pipe(sent)
      return
    }
    sent.flushHeaders()
    sent.once('continue', () => {
      response.writeContinue()
      request.pipe(sent)
    })
  }

  /** This was its body. */
  passRead(request: IncomingMessage, response: ServerResponse, body: Buffer | null): void {
    const length = body ? ['content-length', String(body.length)] : []
    this.#send(request, response, length, ['content-length', 'expect']).end(body ?? undefined)
  }

  close(): void {
    this.#agent.destroy()
  }

  #send(
    request: IncomingMessage,
    response: ServerResponse,
    more: readonly string[],
    without: readonly string[] = [],
  ): ClientRequest {
    const headers = withoutHeaders(request.rawHeaders, without).concat(more)
    const sent = sendRequest({
      socketPath: this.#socketPath,
      agent: this.#agent,
      method: request.method as string,
      path: request.url as string,
      // As they are, in their order: what is said twice is for the other thread to judge.
      headers: headers as never,
      setHost: false,
    })
    sent.once('response', (answer) => {
      request.unpipe(sent)
      const told = withoutHeaders(answer.rawHeaders, [])
      if (answer.headers.connection === 'close') told.push('connection', 'close')
      response.sendDate = false
      response.writeHead(answer.statusCode as number, told)
      pipeline(answer, response, () => {})
    })
    sent.on('error', (error) => fail(response, error))
    // Whoever hung up wants no answer.
    response.once('close', () => {
      if (!response.writableFinished) sent.destroy()
    })
    return sent
  }
}

/** How its end is to be told; a length it has itself goes with its other headers. */
function framingOf({ method, headers }: IncomingMessage): string[] {
  if (headers['transfer-encoding'] !== undefined) return ['transfer-encoding', 'chunked']
  return headers['content-length'] !== undefined || method === 'GET' || method === 'HEAD' ? [] : ['content-length', '0']
}

function withoutHeaders(raw: readonly string[], without: readonly string[]): string[] {
  const kept: string[] = []
  for (let at = 0; at < raw.length; at += 2) {
    const name = (raw[at] as string).toLowerCase()
    if (!OF_CONNECTION.has(name) && !without.includes(name)) kept.push(raw[at] as string, raw[at + 1] as string)
  }
  return kept
}

/** The other thread is gone, or about to be. */
function fail(response: ServerResponse, cause: Error): void {
  if (response.headersSent || response.destroyed) {
    response.destroy()
    return
  }
  const { status, code, message } = new VicinalError('UNAVAILABLE', 'Service is stopping', { cause })
  const body = JSON.stringify({ status: { error: message, code }, time: 0 })
  response.writeHead(status, { 'content-type': JSON_TYPE, connection: 'close' }).end(body)
}
