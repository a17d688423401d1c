/**
 * One WebSocket on which a route that reads is asked time after time: each message is the body of a request, and its
 * answer, a message too, what the answer's body would be. Messages are answered one after the other, in their order.
 */
import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { WebSocket } from 'ws'
import type { Awaitable } from '../core/awaitable.js'
import { Elsewhere } from '../core/elsewhere.js'
import { VicinalError } from '../core/errors.js'
import type { RoomHolder } from '../core/inner-call.js'
import { Stop } from '../core/stop.js'
import { turnBudget } from '../core/turn-budget.js'
import { measureMsgpack } from '../wire/msgpack.js'
import type { Admission } from './admission.js'
import { type ArrivalBounds, FEW_VALUE_BYTES, LOOKS, leastBytesOf, tooSlow } from './arriving-body.js'
import { measureText } from './bodies.js'
import type { Asked, ReadCall, ReadRoute } from './call.js'
import type { Admitted } from './callers.js'
import { FrameProgress } from './frame-progress.js'
import type { RouteMetrics } from './metrics.js'
import { encoded, envelopeOf, errorEnvelopeOf, LARGE_ANSWER_BYTES } from './respond.js'
import { HeldRoom, HUNG_UP } from './ticket.js'

const OK = 200
const GOING_AWAY = 1001
const POLICY = 1008
/** All that is read at once, 64 KiB, comes to this; no more of them than this are kept. */
const MOST_WAITING = 4096
/** Clients have bounds on how many there are of a message. */
const FRAGMENT_BYTES = 256 * 1024

/** As it came; a text is JSON, anything else MessagePack. */
export interface Message {
  bytes: Buffer
  isText: boolean
}

/** What the request that opened it says of every message. */
export interface Opening extends Admitted {
  request: IncomingMessage
  /** In the log, of all its messages. */
  id: string
  route: ReadRoute
  params: Record<string, string>
  query: Record<string, unknown>
  metrics: RouteMetrics
}

/** What streams have in common. */
export interface StreamParts {
  admission: Admission
  /** Of messages as of bodies. */
  rate: ArrivalBounds
  callOf(asked: Asked): ReadCall
  /** For a large message: once there is room for it, what gives that back. null where it needs none. */
  room(bytes: number, stop: Stop, holder: RoomHolder): Awaitable<() => void> | null
  /** Not to be answered by this thread, whatever it asks. */
  isForOther(bytes: number): boolean
  /** The body of the answer of the thread that has the database, as it comes. */
  askOther?(message: Message, stop: Stop): Promise<AsyncIterable<Buffer>>
  onFailure(error: VicinalError, request: IncomingMessage, requestId: string): void
}

/** A message on its way through. */
class MessageTicket extends HeldRoom {
  /** Its answer, where it was large, has been sent. */
  endAnswer = () => {}
  /** The values of it count no more. */
  endValues = () => {}
  constructor(
    readonly stop: Stop,
    readonly isReadOnly: boolean,
  ) {
    super()
  }
  /** Messages are answered one after the other. */
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
  readonly #stop = new Stop()
  readonly #waiting: Message[] = []
  #isAnswering = false
  #isEnding = false
  /** As of the last look, and how many have seen the same. */
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
    connection.on('data', (chunk: Buffer) => this.#frames.add(chunk))
    socket.on('message', (bytes, isBinary) => this.#take({ bytes: bytes as Buffer, isText: !isBinary }))
    // What breaks the protocol, or is larger than allowed, has its connection closed with the reason.
    socket.on('error', () => {})
    socket.once('close', () => this.#stop.stop())
  }

  /**
   * To be called from time to time: who was silent since is asked, and the next time cut. Who hangs up without a word is noticed by
   * nothing else.
   */
  watch(): void {
    const { bytesRead } = this.#connection
    // What has come since may be behind what is not read yet.
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
      if (came < leastBytesOf(rate)) this.#endSlow(tooSlow(rate, came, 'message'))
    }
  }

  #endSlow(error: VicinalError): void {
    this.#known(error)
    this.refuse(error.message)
  }

  cut(): void {
    this.#socket.terminate()
  }

  get request(): IncomingMessage {
    return this.#opening.request
  }

  /** At once: what is being answered gets no answer. */
  refuse(why: string): void {
    this.#socket.close(POLICY, why)
    this.#socket.resume()
  }

  /** Once what was read is answered and taken off. To be called until then. */
  end(): void {
    this.#isEnding = true
    if (!this.#isOpen) return
    if (this.#isAnswering || this.#connection.writableLength > 0) {
      this.#socket.pause()
      return
    }
    this.#socket.close(GOING_AWAY, 'the service is stopping')
    // What lies unread when a connection is closed has the other end lose what it was sent.
    this.#socket.resume()
  }

  get #isOpen(): boolean {
    return this.#socket.readyState === this.#socket.OPEN
  }

  /** What comes while another is answered waits, and no more is read until then. */
  #take(message: Message): void {
    // Nobody would get the answer.
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
    const { metrics } = this.#opening
    const ticket = new MessageTicket(this.#stop, this.#opening.isReadOnly)
    let told = HUNG_UP
    let isCounted = false
    try {
      const { status, answer, isElsewhere } = await this.#answered(message, ticket, startedMs)
      isCounted = isElsewhere === true
      if (this.#isOpen) await this.#send(answer, !message.isText)
      told = status
    } catch (error) {
      this.#known(error)
      this.cut()
    } finally {
      if (!isCounted) metrics.observe(this.#isOpen ? told : HUNG_UP, performance.now() - startedMs)
      ticket.end()
    }
  }

  /** One message, of as many fragments as there are pieces. */
  async #send(answer: Answer, binary: boolean): Promise<void> {
    if (answer instanceof Uint8Array) {
      await this.#sendFragment(answer, { binary })
      return
    }
    let pieces: Buffer[] = []
    let bytes = 0
    for await (const piece of answer) {
      // Only who has the next one knows that these are not the last.
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
  ): Promise<{ status: number; answer: Answer; isElsewhere?: boolean }> {
    const { request, caller } = this.#opening
    const encode = (envelope: object) =>
      encoded(envelope, !message.isText, request.headers.accept, (bytes) => {
        ticket.endAnswer = this.#parts.admission.takeAnswer(bytes, caller)
      })
    try {
      const result = await this.#result(message, ticket)
      if (result instanceof ElsewhereAnswered) return { status: OK, answer: result.answer, isElsewhere: true }
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
        : new VicinalError('INTERNAL', 'Service internal error: the log has more', { cause: error })
    // What fails because its sender is gone is nobody's fault.
    if (this.#isOpen) this.#parts.onFailure(known, this.#opening.request, this.#opening.id)
    return known
  }

  async #result(message: Message, ticket: MessageTicket): Promise<unknown> {
    const { admission, askOther } = this.#parts
    const { caller } = this.#opening
    const { length } = message.bytes
    const leave = admission.enterMessage(length, caller)
    try {
      await this.#holdRoom(length, ticket)
      turnBudget.noteArrival()
      if (!askOther) return await this.#run(message, ticket)
      if (this.#parts.isForOther(length)) return new ElsewhereAnswered(await askOther(message, this.#stop))
      try {
        return await this.#run(message, ticket)
      } catch (error) {
        if (!(error instanceof Elsewhere)) throw error
        return new ElsewhereAnswered(await askOther(message, this.#stop))
      }
    } finally {
      leave()
    }
  }

  async #run({ bytes, isText }: Message, ticket: MessageTicket): Promise<unknown> {
    const { route, request, params, query, caller } = this.#opening
    // What is left out is told apart from what is malformed by the route.
    let body: unknown
    if (bytes.length > 0) {
      const { valueBytes, make } = await (isText ? measureText(bytes, request.url as string) : measureMsgpack(bytes))
      if (valueBytes > FEW_VALUE_BYTES) {
        ticket.endValues = this.#parts.admission.takeMessageValues(valueBytes, caller)
        await this.#holdRoom(valueBytes, ticket)
      }
      body = make()
    }
    return await route.run(this.#parts.callOf({ params, query, body, ticket }))
  }

  async #holdRoom(bytes: number, ticket: MessageTicket): Promise<void> {
    const room = this.#parts.room(bytes, this.#stop, ticket)
    if (room) ticket.hold(await room)
  }

  /** Resolves once the other end has taken what was sent, or is gone; one that takes nothing is cut (stalled-readers.ts). */
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

/** The thread that has the database has answered, and counted it. */
class ElsewhereAnswered {
  constructor(readonly answer: AsyncIterable<Buffer>) {}
}
