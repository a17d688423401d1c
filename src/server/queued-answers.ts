import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

/**
 * Answers to requests that were sent before earlier ones of their connection were answered. Node gives them the connection when it is
 * their turn, and until then says nothing to them of its end: they would be in work for ever.
 */
export class QueuedAnswers {
  readonly #queued = new WeakMap<Socket, Set<ServerResponse>>()

  /** Has the answer close with the connection, where it has yet to get it. */
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
