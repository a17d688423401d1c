/**
 * A WebSocket on which a reading route is called repeatedly. Each message is the body of a request, and the answer's
 * message is the body of its answer. Messages are answered one after the other, in order.
 */
import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { WebSocket } from 'ws'
import { AnsweredByAnotherThread } from '../../core/answered-by-another-thread.js'
import { VicinalError } from '../../core/errors.js'
import type { RoomHolder } from '../../core/inner-call.js'
import type { MaybePromise } from '../../core/maybe-promise.js'
import { Stop } from '../../core/stop.js'
import { turnBudget } from '../../core/turn-budget.js'
import { measureMsgpack } from '../../wire/msgpack.js'
import { type ArrivalBounds, FEW_VALUE_BYTES, LOOKS, leastBytesOf, tooSlow } from '../arriving-body.js'
import { measureText } from '../bodies.js'
import type { Asked, ReadCall, ReadRoute } from '../call.js'
import type { Admitted } from '../callers.js'
import type { MainThread, Message } from '../main-thread.js'
import type { RouteMetrics } from '../metrics.js'
import type { NotedMessage, Observation, ToldMessage } from '../observation.js'
import type { Places } from '../places.js'
import { encoded, envelopeOf, errorEnvelopeOf, LARGE_ANSWER_BYTES } from '../respond.js'
import type { Rights } from '../rights.js'
import { endpointOf } from '../router.js'
import { HeldRoom, HUNG_UP } from '../ticket.js'
import { expired } from '../tokens.js'
import { FrameProgress } from './frame-progress.js'

const OK = 200
const GOING_AWAY = 1001
const POLICY = 1008
/** Bound on waiting messages. One read of the socket, 64 KiB, yields at most this many. */
const MOST_WAITING = 4096
/** Clients bound the number of fragments of a message. */
const FRAGMENT_BYTES = 256 * 1024

/** The request that opened the stream; it applies to every message. */
export interface Opening extends Admitted {
  request: IncomingMessage
  /** Request id in the log lines of all messages. */
  id: string
  route: ReadRoute
  params: Record<string, string>
  query: Record<string, unknown>
  metrics: RouteMetrics
}

/** A request that opened no stream, or a message that was refused. */
export interface StreamFailure {
  request: IncomingMessage
  id: string
  /** The caller, as the audit log names it. */
  subject: string
  /** Method and route, as the audit log names them. */
  action: string
  /** As the request named it; null if it named none. */
  collection: string | null
}

/** The parts that all streams share. */
export interface StreamParts {
  places: Places
  /** Of messages as of bodies. */
  rate: ArrivalBounds
  callOf(asked: Asked): ReadCall
  /** Reserves room for a large message. Resolves to a function that gives it back; null if the message needs none. */
  room(bytes: number, stop: Stop, holder: RoomHolder): MaybePromise<() => void> | null
  observation: Pick<Observation, 'beginMessage' | 'endMessage'>
  /** Answers messages that this thread cannot answer; null on the main thread itself. */
  mainThread: MainThread | null
  onFailure(error: VicinalError, failed: StreamFailure): void
}

/** One message while it is answered. */
class MessageTicket extends HeldRoom {
  /** How long the route's function ran. */
  ranMs = 0
  /** Ends the count of a large answer once it is sent. */
  endAnswer = () => {}
  /** Ends the count of the message's parsed values. */
  endValues = () => {}
  constructor(
    readonly stop: Stop,
    readonly isReadOnly: boolean,
    readonly rights: Rights,
    /** Notes of the message, for its trace and the log of slow queries. */
    readonly noted: NotedMessage | null,
    readonly arrivedMs: number,
  ) {
    super()
  }
  get notes(): NotedMessage['notes'] | null {
    return this.noted?.notes ?? null
  }
  /** Does nothing, because messages are answered one after the other anyway. */
  turn(): void {}
  end(): void {
    this.giveBack()
    this.endAnswer()
    this.endValues()
  }
}

type Answer = Buffer | AsyncIterable<Buffer>

export class Stream {
  readonly #socket: WebSocket
  readonly #connection: Socket
  readonly #opening: Opening
  readonly #parts: StreamParts
  readonly #told: ToldMessage
  readonly #stop = new Stop()
  readonly #waiting: Message[] = []
  #isAnswering = false
  #isEnding = false
  /** Bytes read as of the last look, and the number of looks that found no change. */
  #bytesRead = 0
  #silentLooks = 0
  readonly #frames = new FrameProgress()
  /** Of the window in which the rate of a message is measured: looks, the message, and the bytes before it. */
  #window = { looks: 0, message: 0, bytes: 0 }
  /** Since the last look, messages were not read all the time. */
  #wasHeld = false

  constructor(socket: WebSocket, connection: Socket, opening: Opening, parts: StreamParts) {
    this.#socket = socket
    this.#connection = connection
    this.#opening = opening
    this.#parts = parts
    this.#told = toldOf(opening)
    connection.on('data', (chunk: Buffer) => this.#frames.add(chunk))
    socket.on('message', (bytes, isBinary) => this.#take({ bytes: bytes as Buffer, isText: !isBinary }))
    // A message that breaks the protocol or is too large makes `ws` close the connection with the reason.
    socket.on('error', () => {})
    socket.once('close', () => this.#stop.stop())
  }

  /**
   * Call it at intervals. Pings a silent peer; disconnects it if it is still silent at the next check. Nothing else
   * detects a peer that vanished without closing.
   */
  watch(): void {
    const { bytesRead } = this.#connection
    // While a message is answered, arrived bytes may be unread, so silence does not count.
    const isSilent = bytesRead === this.#bytesRead && !this.#isAnswering
    this.#bytesRead = bytesRead
    this.#silentLooks = isSilent ? this.#silentLooks + 1 : 0
    if (this.#silentLooks === 1) this.#socket.ping()
    else if (this.#silentLooks > 1) this.cut()
  }

  /** To be called LOOKS times a window: a message that hardly comes ends its stream, as a body ends its request. */
  look(): void {
    const { rate } = this.#parts
    const { isInMessage, ended, bytes } = this.#frames
    const isHeld = this.#isAnswering || this.#wasHeld
    this.#wasHeld = this.#isAnswering
    if (!isInMessage || ended !== this.#window.message) this.#window = { looks: 0, message: ended, bytes }
    else if (!isHeld && ++this.#window.looks >= LOOKS) {
      const came = bytes - this.#window.bytes
      this.#window = { looks: 0, message: ended, bytes }
      if (came < leastBytesOf(rate)) this.refuse(tooSlow(rate, came, 'message'))
    }
  }

  cut(): void {
    this.#socket.terminate()
  }

  get request(): IncomingMessage {
    return this.#opening.request
  }

  /** Closes the stream at once, and tells why. The message being answered gets no answer. */
  refuse(error: VicinalError, why = error.message): void {
    this.#known(error)
    this.#socket.close(POLICY, why)
    this.#socket.resume()
  }

  /** Closes the stream once the received messages are answered and sent. Call it until then. */
  end(): void {
    this.#isEnding = true
    if (!this.#isOpen) return
    if (this.#isAnswering || this.#connection.writableLength > 0) {
      this.#socket.pause()
      return
    }
    this.#socket.close(GOING_AWAY, 'the service is stopping')
    // Unread bytes at the close of a connection would make the peer lose data sent to it.
    this.#socket.resume()
  }

  get #isOpen(): boolean {
    return this.#socket.readyState === this.#socket.OPEN
  }

  /** Messages that arrive while another is answered wait, and reading pauses until then. */
  #take(message: Message): void {
    // A closed stream could not send the answer.
    if (!this.#isOpen) return
    this.#waiting.push(message)
    if (this.#waiting.length > MOST_WAITING) this.#socket.close(POLICY, `more than ${MOST_WAITING} messages at once`)
    else if (this.#isAnswering) this.#socket.pause()
    else void this.#answerAll()
  }

  async #answerAll(): Promise<void> {
    this.#isAnswering = this.#wasHeld = true
    for (let next = this.#waiting.shift(); next && this.#isOpen; next = this.#waiting.shift()) {
      await this.#answer(next)
      if (this.#waiting.length > 0) await nextTurn()
      else if (this.#socket.isPaused && !this.#isEnding) this.#socket.resume()
    }
    this.#isAnswering = false
  }

  async #answer(message: Message): Promise<void> {
    const startedMs = performance.now()
    const { metrics, params, rights, expiresMs } = this.#opening
    const { observation } = this.#parts
    if (Date.now() > expiresMs) {
      this.refuse(expired(this.#opening.subject), 'its token has expired')
      return
    }
    const noted = observation.beginMessage(this.#told, startedMs)
    const ticket = new MessageTicket(this.#stop, !rights.mayWrite(params.name ?? ''), rights, noted, startedMs)
    let told = HUNG_UP
    let isCounted = false
    try {
      const { status, answer, isAnsweredByMainThread } = await this.#answered(message, ticket, startedMs)
      isCounted = isAnsweredByMainThread === true
      if (this.#isOpen) await this.#send(answer, !message.isText)
      told = status
    } catch (error) {
      this.#known(error)
      this.cut()
    } finally {
      if (!isCounted) {
        const status = this.#isOpen ? told : HUNG_UP
        metrics.observe(status, performance.now() - startedMs)
        if (noted) observation.endMessage(this.#told, { ...noted, ranMs: ticket.ranMs }, status)
      }
      ticket.end()
    }
  }

  /** Sends one message with one or more fragments. */
  async #send(answer: Answer, binary: boolean): Promise<void> {
    if (answer instanceof Uint8Array) {
      await this.#sendFragment(answer, { binary })
      return
    }
    let pieces: Buffer[] = []
    let bytes = 0
    for await (const piece of answer) {
      // Only the arrival of the next piece shows that these pieces are not the last.
      if (bytes >= FRAGMENT_BYTES) {
        await this.#sendFragment(Buffer.concat(pieces), { binary, fin: false })
        if (!this.#isOpen) return
        pieces = []
        bytes = 0
      }
      pieces.push(piece)
      bytes += piece.length
    }
    if (bytes === 0) throw new Error('an answer without a body')
    await this.#sendFragment(Buffer.concat(pieces), { binary })
  }

  async #sendFragment(bytes: Buffer, options: { binary: boolean; fin?: boolean }): Promise<void> {
    this.#socket.send(bytes, options)
    if (this.#connection.writableLength > LARGE_ANSWER_BYTES) await this.#takenOff()
  }

  async #answered(
    message: Message,
    ticket: MessageTicket,
    startedMs: number,
  ): Promise<{ status: number; answer: Answer; isAnsweredByMainThread?: boolean }> {
    const { request, caller } = this.#opening
    const encode = (envelope: object) =>
      encoded(envelope, !message.isText, request.headers.accept, (bytes) => {
        ticket.endAnswer = this.#parts.places.takeAnswer(bytes, caller)
      })
    try {
      const result = await this.#result(message, ticket)
      if (result instanceof AnsweredByMainThread)
        return { status: OK, answer: result.answer, isAnsweredByMainThread: true }
      return { status: OK, answer: encode(envelopeOf(result, startedMs)) }
    } catch (error) {
      const known = this.#known(error)
      return { status: known.status, answer: encode(errorEnvelopeOf(known, startedMs)) }
    }
  }

  #known(error: unknown): VicinalError {
    const known =
      error instanceof VicinalError
        ? error
        : new VicinalError('INTERNAL', 'Service internal error: see the log', { cause: error })
    // A failure caused by the sender's disconnect is not reported.
    if (!this.#isOpen) return known
    const { request, id, subject } = this.#opening
    const { action, collection = null } = this.#told
    this.#parts.onFailure(known, { request, id, subject, action, collection })
    return known
  }

  async #result(message: Message, ticket: MessageTicket): Promise<unknown> {
    const { places, mainThread } = this.#parts
    const { caller, request } = this.#opening
    const { length } = message.bytes
    const leave = places.enterMessage(length, caller)
    try {
      await this.#holdRoom(length, ticket)
      turnBudget.noteArrival()
      if (!mainThread) return await this.#run(message, ticket)
      try {
        if (!mainThread.mustAnswer(length)) return await this.#run(message, ticket)
      } catch (error) {
        if (!(error instanceof AnsweredByAnotherThread)) throw error
      }
      return new AnsweredByMainThread(await mainThread.ask(request, message, this.#stop))
    } finally {
      leave()
    }
  }

  async #run({ bytes, isText }: Message, ticket: MessageTicket): Promise<unknown> {
    const { route, request, params, query, caller } = this.#opening
    // The route distinguishes a missing body from a malformed one.
    let body: unknown
    if (bytes.length > 0) {
      const { valueBytes, make } = await (isText ? measureText(bytes, request.url as string) : measureMsgpack(bytes))
      if (valueBytes > FEW_VALUE_BYTES) {
        ticket.endValues = this.#parts.places.takeMessageValues(valueBytes, caller)
        await this.#holdRoom(valueBytes, ticket)
      }
      body = make()
    }
    const call = this.#parts.callOf({ params, query, body, ticket })
    await call.begin(route)
    const beganMs = performance.now()
    try {
      return await route.run(call)
    } finally {
      const endMs = performance.now()
      ticket.ranMs = endMs - beganMs
      ticket.notes?.span('run', beganMs, endMs)
    }
  }

  async #holdRoom(bytes: number, ticket: MessageTicket): Promise<void> {
    const room = this.#parts.room(bytes, this.#stop, ticket)
    if (room) ticket.hold(await room)
  }

  /**
   * Resolves once the peer has read the sent bytes, or is gone. A peer that reads nothing is cut off
   * (open-sockets.ts).
   */
  async #takenOff(): Promise<void> {
    const connection = this.#connection
    await new Promise<void>((resolve) => {
      const done = () => {
        connection.off('drain', done).off('close', done)
        resolve()
      }
      connection.once('drain', done).once('close', done)
    })
  }
}

function toldOf({ request, id, route, params }: Opening): ToldMessage {
  const { method } = route
  const endpoint = endpointOf(route.path)
  const { traceparent } = request.headers as { traceparent?: string }
  return { id, method, endpoint, action: `${method} ${endpoint}`, collection: params.name, traceparent }
}

/** The main thread has answered and counted the message. */
class AnsweredByMainThread {
  constructor(readonly answer: AsyncIterable<Buffer>) {}
}
