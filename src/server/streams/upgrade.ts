/** Handles requests that ask for another protocol on their connection. */
import type { IncomingMessage, Server } from 'node:http'
import { STATUS_CODES } from 'node:http'
import { Server as SecureServer } from 'node:https'
import type { Socket } from 'node:net'
import type { VicinalError } from '../../core/errors.js'
import { answerOn } from '../answers-under-way.js'
import { answerAndClose } from '../failures.js'
import { errorEnvelopeOf, retryAfterSeconds } from '../respond.js'

const OF_UPGRADE = new Set(['connection', 'upgrade', 'http2-settings'])

export function asksForWebSocket({ headers }: IncomingMessage): boolean {
  return headers.upgrade?.toLowerCase() === 'websocket'
}

/**
 * Calls `go` once the present answer is sent, if earlier, pipelined requests of the connection are still being answered.
 * Node has removed its own listeners, so `drain` is passed on meanwhile.
 */
export function waitsForAnswer(connection: Socket, go: () => void): boolean {
  const answer = answerOn(connection)
  if (!answer) return false
  const drain = () => answer.emit('drain')
  connection.on('drain', drain)
  answer.once('close', () => {
    connection.off('drain', drain)
    go()
  })
  return true
}

/**
 * Adds a listener that ignores errors: without one the process would end. The failed connection emits `close` as usual.
 */
export function outliveFailure(connection: Socket): void {
  connection.off('error', hear).on('error', hear)
}

function hear(): void {}

/** Answers in HTTP, which the connection still speaks, and closes it. */
export function refuseUpgrade(connection: Socket, error: VicinalError, id: string): void {
  const body = JSON.stringify(errorEnvelopeOf(error, performance.now()))
  const head = [`HTTP/1.1 ${error.status} ${STATUS_CODES[error.status] ?? 'Error'}`]
  const { retryAfterMs } = error
  if (retryAfterMs !== undefined) head.push(`retry-after: ${retryAfterSeconds(retryAfterMs)}`)
  answerAndClose(connection, head, body, id)
}

/**
 * Handles clients that offer HTTP/2 with their first request but accept an ordinary answer. Node hands these over as
 * upgrades too. The request is put back on its connection without the offer, and the connection goes back to the
 * server.
 */
export function declineUpgrade(
  server: Server,
  request: IncomingMessage,
  connection: Socket,
  { head, isLast }: { head: Buffer; isLast: boolean },
): void {
  const { method, url, httpVersion, rawHeaders } = request
  const lines = [`${method} ${url} HTTP/${httpVersion}`]
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at] as string
    if (!OF_UPGRADE.has(name.toLowerCase())) lines.push(`${name}: ${rawHeaders[at + 1]}`)
  }
  if (isLast || /\bclose\b/i.test(request.headers.connection ?? '')) lines.push('connection: close')
  // Clears the timeout of a connection that waited for its next request after an answer: this is that request.
  connection.setTimeout(0)
  connection.unshift(Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1'), head]))
  server.emit(server instanceof SecureServer ? 'secureConnection' : 'connection', connection)
}
