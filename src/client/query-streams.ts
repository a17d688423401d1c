/**
 * Sends queries as messages of WebSockets (docs/wire.md). A message has no head to write, send and read, which takes a
 * third of the time of a small query. If a stream fails, the caller sends a request instead.
 */
import type { Socket } from 'node:net'
import WebSocket from 'ws'
import type { Deadline } from './deadline.js'

/** The service's default bound on a message. Longer queries are sent as requests. */
const MOST_MESSAGE_BYTES = 512 << 10
/** Close code of a service with a lower bound. */
const TOO_LARGE = 1009
/** Pause before the next opening, after a stream was refused or broke before its first answer. */
const PAUSE_MS = 30_000
/** How long to wait for the opening and for the close. A running service answers sooner. */
const HANDSHAKE_MS = 2000
const CLOSE_MS = 1000
/** Idle streams are closed after this time, because the service bounds their number. */
const MOST_IDLE_MS = 60_000
const KEEP_ALIVE_MS = 1000
/** Error codes of a missing service, which a request will report. */
const NO_CONNECTION = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH'])

export interface StreamOptions {
  headers: Record<string, string>
  ca?: string | Buffer | undefined
  /** Most streams open at once, for all paths together. */
  most: number
}

/** The streams of one service. Each carries messages of one path, one at a time. */
export class QueryStreams {
  readonly #base: string
  readonly #options: StreamOptions
  readonly #open = new Set<QueryStream>()
  readonly #opening = new Set<WebSocket>()
  /** Idle streams by path, the longest idle first. */
  readonly #idle = new Map<string, QueryStream[]>()
  #mostBytes = MOST_MESSAGE_BYTES
  #pausedUntilMs = 0

  constructor({ protocol, host, pathname }: URL, options: StreamOptions) {
    this.#base = `${protocol === 'https:' ? 'wss:' : 'ws:'}//${host}${pathname.replace(/\/$/, '')}`
    this.#options = options
  }

  /**
   * The answer's body; null if no stream is available and a request must be sent. Throws if the stream ends before its
   * answer.
   */
  async ask(path: string, body: Buffer, deadline: Deadline): Promise<Buffer | null> {
    if (body.length > this.#mostBytes) return null
    const stream = this.#taken(path) ?? (await this.#opened(path, deadline))
    if (!stream) return null
    try {
      const answer = await stream.ask(body, deadline)
      if (stream.isOpen) this.#giveBack(path, stream)
      return answer
    } catch (error) {
      if (error instanceof TooLarge) {
        this.#mostBytes = Math.min(this.#mostBytes, body.length - 1)
        return null
      }
      if (!stream.hasAnswered && !deadline.isCancelled) this.#pause()
      throw error
    }
  }

  /** Closes all streams, because their answers are not the service's. */
  abandon(): void {
    this.#pause()
    for (const stream of this.#open) stream.end()
  }

  close(): void {
    this.#pausedUntilMs = Number.POSITIVE_INFINITY
    for (const socket of this.#opening) socket.terminate()
    for (const stream of this.#open) stream.end()
  }

  #taken(path: string): QueryStream | undefined {
    const idle = this.#idle.get(path)
    let stream = idle?.pop()
    while (stream && !stream.isOpen) stream = idle?.pop()
    if (stream) stream.retire(null)
    return stream
  }

  #giveBack(path: string, stream: QueryStream): void {
    const idle = this.#idle.get(path)
    if (idle) idle.push(stream)
    else this.#idle.set(path, [stream])
    stream.retire(MOST_IDLE_MS)
  }

  async #opened(path: string, deadline: Deadline): Promise<QueryStream | null> {
    if (performance.now() < this.#pausedUntilMs || !this.#hasRoom(path)) return null
    const { headers, ca } = this.#options
    const webSocket = new WebSocket(this.#base + path, {
      headers,
      perMessageDeflate: false,
      // Answers may be as long as over HTTP.
      maxPayload: 0,
      maxFragments: 0,
      maxBufferedChunks: 0,
      closeTimeout: CLOSE_MS,
      ...(ca === undefined ? {} : { ca }),
    } as WebSocket.ClientOptions)
    this.#opening.add(webSocket)
    const opened = await handshake(webSocket, deadline)
    this.#opening.delete(webSocket)
    if (opened === 'refused') this.#pause()
    if (typeof opened === 'string') return null
    this.#open.add(opened)
    webSocket.once('close', () => this.#forget(path, opened))
    return opened
  }

  /** Whether one more stream may be opened. It may close an idle stream of another path. */
  #hasRoom(path: string): boolean {
    if (this.#open.size + this.#opening.size < this.#options.most) return true
    for (const [other, idle] of this.#idle) {
      if (other === path) continue
      const stream = idle.shift()
      if (idle.length === 0) this.#idle.delete(other)
      if (!stream) continue
      this.#open.delete(stream)
      stream.end()
      return true
    }
    return false
  }

  #pause(): void {
    this.#pausedUntilMs = Math.max(this.#pausedUntilMs, performance.now() + PAUSE_MS)
  }

  #forget(path: string, stream: QueryStream): void {
    this.#open.delete(stream)
    const idle = this.#idle.get(path)
    const at = idle?.indexOf(stream) ?? -1
    if (at >= 0) idle?.splice(at, 1)
    if (idle?.length === 0) this.#idle.delete(path)
  }
}

class TooLarge extends Error {}

class QueryStream {
  readonly #webSocket: WebSocket
  #asked: { resolve: (answer: Buffer) => void; reject: (error: Error) => void } | null = null
  #failure: Error | null = null
  #hasAnswered = false
  #retirement: NodeJS.Timeout | null = null

  constructor(webSocket: WebSocket, socket: Socket) {
    this.#webSocket = webSocket
    // A running call's timer keeps the process alive. Idle streams do not, like idle connections.
    socket.setKeepAlive(true, KEEP_ALIVE_MS).unref()
    webSocket.on('message', (data, isBinary) => this.#answered(data as Buffer, isBinary))
    webSocket.on('error', (error) => {
      this.#failure = error
      webSocket.terminate()
    })
    webSocket.once('close', (code) => {
      this.retire(null)
      const broken = new Error('the stream was closed before its answer', { cause: this.#failure })
      this.#take()?.reject(code === TOO_LARGE ? new TooLarge() : broken)
    })
  }

  get isOpen(): boolean {
    return this.#webSocket.readyState === WebSocket.OPEN
  }

  get hasAnswered(): boolean {
    return this.#hasAnswered
  }

  ask(body: Buffer, deadline: Deadline): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      if (!this.isOpen) {
        reject(new Error('the stream was closed'))
        return
      }
      this.#asked = { resolve, reject }
      deadline.onPassed(() => this.end())
      this.#webSocket.send(body)
    })
  }

  /** Closes the stream after this time; null: never. */
  retire(afterMs: number | null): void {
    if (this.#retirement) clearTimeout(this.#retirement)
    this.#retirement = afterMs === null ? null : setTimeout(() => this.end(), afterMs).unref()
  }

  end(): void {
    this.#webSocket.terminate()
  }

  /** An unexpected message, or one that is no MessagePack, comes from a peer that does not know this protocol. */
  #answered(data: Buffer, isBinary: boolean): void {
    if (!isBinary || !this.#asked) {
      this.#hasAnswered = false
      this.end()
      return
    }
    this.#hasAnswered = true
    this.#take()?.resolve(data)
  }

  #take() {
    const asked = this.#asked
    this.#asked = null
    return asked
  }
}

/** The open stream. 'refused': by a service or a proxy. 'gone': no service answered, or the call ended. */
function handshake(webSocket: WebSocket, deadline: Deadline): Promise<QueryStream | 'refused' | 'gone'> {
  return new Promise((resolve) => {
    let socket: Socket | null = null
    const tooLong = setTimeout(() => end('refused'), HANDSHAKE_MS)
    const end = (outcome: QueryStream | 'refused' | 'gone') => {
      clearTimeout(tooLong)
      webSocket.removeAllListeners('upgrade').removeAllListeners('open').removeAllListeners('unexpected-response')
      deadline.onPassed(() => {})
      if (typeof outcome === 'string') webSocket.terminate()
      resolve(outcome)
    }
    deadline.onPassed(() => end('gone'))
    webSocket.once('upgrade', (response) => {
      socket = response.socket
    })
    // Called at once, so that no message is missed.
    webSocket.once('open', () => {
      webSocket.removeAllListeners('error')
      end(socket ? new QueryStream(webSocket, socket) : 'refused')
    })
    webSocket.once('unexpected-response', (request) => {
      request.destroy()
      end('refused')
    })
    // Stays after a failed opening, because ending a connecting socket emits an error too.
    webSocket.on('error', ({ code }: Error & { code?: string }) =>
      end(code !== undefined && NO_CONNECTION.has(code) ? 'gone' : 'refused'),
    )
  })
}
