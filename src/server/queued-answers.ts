import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

/**
 * Answers to pipelined requests that wait for earlier answers of their connection. Node assigns the connection to an
 * answer in its turn, and does not report the connection's end before. Such answers would stay in work for ever.
 */
export class QueuedAnswers {
  readonly #queued = new WeakMap<Socket, Set<ServerResponse>>()

  /** Closes the answer with the connection, if it does not have the connection yet. */
  note(answer: ServerResponse, connection: Socket): void {
    if (answer.socket !== null) return
    const queued = this.#queued.get(connection) ?? this.#watched(connection)
    queued.add(answer)
    answer.once('close', () => queued.delete(answer))
  }

  #watched(connection: Socket): Set<ServerResponse> {
    const queued = new Set<ServerResponse>()
    this.#queued.set(connection, queued)
    connection.once('close', () => {
      for (const answer of queued) answer.emit('close')
    })
    return queued
  }
}
