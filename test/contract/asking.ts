/** One stream of the service, and the reasons why a stream is not opened. */
import { once } from 'node:events'
import type { Socket } from 'node:net'
import { Packr } from 'msgpackr'
import { expect, onTestFinished } from 'vitest'
import WebSocket from 'ws'
import type { Answer } from './threaded.js'

export const QUERY = '/collections/a/points/query'
export const MSGPACK = 'application/msgpack'
export const packr = new Packr({ useRecords: false, variableMapSize: true })
export type Json = Answer['json']

/** One stream: it sends questions at once and takes answers in order. */
export class Asking {
  readonly socket: WebSocket
  readonly #answers: { bytes: Buffer; isBinary: boolean }[] = []
  #onChange = () => {}

  constructor(url: string, path = QUERY, options: WebSocket.ClientOptions = {}) {
    this.socket = new WebSocket(`${url.replace('http', 'ws')}${path}`, options)
    this.socket.on('message', (bytes, isBinary) => {
      this.#answers.push({ bytes: bytes as Buffer, isBinary })
      this.#onChange()
    })
    this.socket.on('close', () => this.#onChange())
    onTestFinished(() => this.socket.terminate())
  }

  async opened(): Promise<this> {
    await once(this.socket, 'open')
    return this
  }

  /** The code with which it was closed. */
  closed(): Promise<number> {
    return new Promise((resolve) => this.socket.once('close', resolve))
  }

  async next(): Promise<{ bytes: Buffer; isBinary: boolean }> {
    while (this.#answers.length === 0) {
      if (this.socket.readyState === WebSocket.CLOSED) throw new Error('the stream was closed before it was answered')
      await new Promise<void>((resolve) => {
        this.#onChange = resolve
      })
    }
    return this.#answers.shift() as { bytes: Buffer; isBinary: boolean }
  }

  /** All in one packet: with the answer to the first, the service has read the last. */
  sendTogether(messages: string[]): void {
    const { _socket: connection } = this.socket as unknown as { _socket: Socket }
    connection.cork()
    for (const message of messages) this.socket.send(message)
    connection.uncork()
  }

  async json(message: unknown): Promise<Json> {
    this.socket.send(typeof message === 'string' ? message : JSON.stringify(message))
    const { bytes, isBinary } = await this.next()
    expect(isBinary).toBe(false)
    return JSON.parse(bytes.toString())
  }

  async msgpack(message: unknown): Promise<Json> {
    this.socket.send(Buffer.isBuffer(message) ? message : packr.pack(message))
    const { bytes, isBinary } = await this.next()
    expect(isBinary).toBe(true)
    return packr.unpack(bytes)
  }
}

/** The reason why a stream was not opened. */
export async function refused(url: string, path: string, options: WebSocket.ClientOptions = {}): Promise<number> {
  const socket = new WebSocket(`${url.replace('http', 'ws')}${path}`, options)
  socket.on('error', () => {})
  const [, response] = await once(socket, 'unexpected-response')
  const chunks: Buffer[] = []
  for await (const chunk of response) chunks.push(chunk as Buffer)
  const { status } = JSON.parse(Buffer.concat(chunks).toString())
  expect(status.error).toEqual(expect.any(String))
  return response.statusCode
}
