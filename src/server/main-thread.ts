import type { IncomingMessage } from 'node:http'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Stop } from '../core/stop.js'

/** A message of a stream as received: text is JSON, binary is MessagePack. */
export interface Message {
  bytes: Buffer
  isText: boolean
}

/** The main thread, as a serving thread without the database sees it. */
export interface MainThread {
  /** Lets it answer a request whose body was read. */
  answer(request: FastifyRequest, reply: FastifyReply): void
  /** Lets it refuse a request without a key or with a wrong one: wrong keys are counted in one place. */
  refuse(request: FastifyRequest, reply: FastifyReply): void
  /** Whether it has to answer a message of a stream, for its size. */
  mustAnswer(bytes: number): boolean
  /** Sends it a message of the stream that `opening` has opened. Resolves to the body of its answer as it arrives. */
  ask(opening: IncomingMessage, message: Message, stop: Stop): Promise<AsyncIterable<Buffer>>
}
