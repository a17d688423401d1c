/**
 * Queries as messages of WebSockets (docs/wire.md): there is no head to write, to send and to read for each, which is a
 * third of what a small one takes.
 */
import type { Socket } from 'node:net'
import WebSocket from 'ws'
import type { Deadline } from './deadline.js'

/** What a service takes by default; longer ones are asked as requests. */
const MOST_MESSAGE_BYTES = 512 << 10
/** A service that takes less closes the stream so. */
const TOO_LARGE = 1009
/** A service, or a proxy before it, that has refused one is not asked for another before. */
const PAUSE_MS = 10_000

export interface StreamOptions {
  headers: Record<string, string>
  ca?: string | Buffer | undefined
  /** Open at once, whatever they are for. */
  most: number
}

/** Those of one service, each for the messages of one path, one at a time. */
export class QueryStreams {
  readonly #base: URL
  readonly #options: StreamOptions
  readonly #open = new Set<QueryStream>()
  readonly #idle = new Map<string, QueryStream[]>()
  #mostBytes = MOST_MESSAGE_BYTES
  #opening = 0
  #pausedUntilMs = 0

  constructor(base: URL, options: StreamOptions) {
    this.#base = new URL(base)
    this.#base.protocol = base.protocol === 'https:' ? 'wss:' : 'ws:'
    this.#options = options
  }

  /** The answer's body; null where there is no stream for it, and it is to be asked as a request. */
  async ask(path: string, body: Buffer, deadline: Deadline): Promise<Buffer | null> {
    if (body.length > this.#mostBytes) return null
    const stream = this.#idle.get(path)?.pop() ?? (await this.#opened(path, deadline))
    if (!stream) return null
    const answer = await stream.ask(body, deadline)
    if (answer === null) {
      this.#mostBytes = Math.min(this.#mostBytes, body.length - 1)
      return null
    }
    const idle = this.#idle.get(path)
    if (idle) idle.push(stream)
    else this.#idle.set(path, [stream])
    return answer
  }

  close(): void {
    this.#pausedUntilMs = Number.POSITIVE_INFINITY
    for (const stream of this.#open) stream.end()
  }

  async #opened(path: string, deadline: Deadline): Promise<QueryStream | null> {
    const isFull = this.#open.size + this.#opening >= this.#options.most
    if (isFull || performance.now() < this.#pausedUntilMs) return null
    this.#opening++
    try {
      const { headers, ca } = this.#options
      const url = this.#base.origin.replace(/^http/, 'ws') + this.#base.pathname.replace(/\/$/, '') + path
      // Answers have no bound as requests have none; what is small is not worth compressing.
      const options = { headers, perMessageDeflate: false, maxPayload: 0, ...(ca === undefined ? {} : { ca }) }
      const socket = new WebSocket(url, options)
      const stream = await openedStream(socket, deadline)
      if (stream === 'refused') this.#pausedUntilMs = Math.max(this.#pausedUntilMs, performance.now() + PAUSE_MS)
      if (stream === 'refused' || stream === null) return null
      this.#open.add(stream)
      socket.once('close', () => this.#forget(path, stream))
      if (this.#pausedUntilMs === Number.POSITIVE_INFINITY) stream.end()
      return stream
    } finally {
      this.#opening--
    }
  }

  #forget(path: string, stream: QueryStream): void {
    this.#open.delete(stream)
    const idle = this.#idle.get(path)
    const at = idle?.indexOf(stream) ?? -1
    if (at >= 0) idle?.splice(at, 1)
  }
}

interface Asked {
  /** null: it is too large a message for the service. */
  resolve: (answer: Buffer | null) => void
  reject: (error: Error) => void
}

class QueryStream {
  readonly #webSocket: WebSocket
  readonly #socket: Socket
  #asked: Asked | null = null
  #failure: Error | null = null

  constructor(webSocket: WebSocket, socket: Socket) {
    this.#webSocket = webSocket
    this.#socket = socket
    webSocket.on('message', (data) => this.#take()?.resolve(data as Buffer))
    webSocket.on('error', (error) => {
      this.#failure = error
    })
    webSocket.once('close', (code) => {
      const asked = this.#take()
      if (code === TOO_LARGE) asked?.resolve(null)
      else asked?.reject(this.#failure ?? new Error('the stream was closed before its answer'))
    })
    socket.unref()
  }

  ask(body: Buffer, deadline: Deadline): Promise<Buffer | null> {
    return new Promise((resolve, reject) => {
      if (this.#webSocket.readyState !== WebSocket.OPEN) {
        reject(new Error('the stream was closed'))
        return
      }
      this.#asked = { resolve, reject }
      // Idle ones keep no process alive, as idle connections do not.
      this.#socket.ref()
      deadline.onPassed(() => this.end())
      this.#webSocket.send(body)
    })
  }

  end(): void {
    this.#webSocket.terminate()
  }

  #take(): Asked | null {
    const asked = this.#asked
    this.#asked = null
    if (asked) this.#socket.unref()
    return asked
  }
}

/** Null where there was no connection, which a request finds out in its own words. */
function openedStream(webSocket: WebSocket, deadline: Deadline): Promise<QueryStream | 'refused' | null> {
  return new Promise((resolve) => {
    let socket: Socket | null = null
    deadline.onPassed(() => webSocket.terminate())
    webSocket.once('upgrade', (response) => {
      socket = response.socket
    })
    webSocket.once('open', () => resolve(socket && new QueryStream(webSocket, socket)))
    webSocket.once('unexpected-response', (request) => {
      request.destroy()
      resolve('refused')
    })
    // Also of one that is ended while it connects.
    webSocket.on('error', () => resolve(null))
  })
}
