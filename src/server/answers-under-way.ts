/**
 * The answers that each connection has yet to send. A client may send several requests before it has an answer; Node
 * gives the connection to one answer after the other.
 */
import { type IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { closeSlowlyAfter } from './lingering-close.js'

/** In the order of their requests. */
const underWay = new WeakMap<Socket, Set<ServerResponse>>()

/** To be the class of all responses of a server to clients. */
export class AnswerUnderWay<R extends IncomingMessage = IncomingMessage> extends ServerResponse<R> {
  constructor(...given: ConstructorParameters<typeof ServerResponse<R>>) {
    super(...given)
    const { socket } = this.req
    const answers = underWay.get(socket) ?? watched(socket)
    answers.add(this)
    const forget = () => answers.delete(this)
    this.once('finish', forget).once('close', forget)
    // Before Node's own listener, which closes the connection.
    this.once('finish', () => closeSlowlyAfter(this.req))
  }
}

/** The answer that is being sent or is the next one to be sent; undefined if the connection owes none. */
export function answerOn(connection: Socket): ServerResponse | undefined {
  return underWay.get(connection)?.values().next().value
}

function watched(connection: Socket): Set<ServerResponse> {
  const answers = new Set<ServerResponse>()
  underWay.set(connection, answers)
  connection.once('close', () => {
    // Node tells only the answer that has the connection. The others would stay in work for ever.
    for (const answer of answers) if (answer.socket === null) answer.emit('close')
  })
  return answers
}
