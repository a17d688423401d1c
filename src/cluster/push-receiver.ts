import type { ClientRequest, IncomingMessage } from 'node:http'
import { FrameReader, type ReceivedFrame } from '../bucket/pushed-frame.js'
import { ERROR_CATALOGUE } from '../core/errors.js'
import { PUSH } from '../server/peers.js'
import { PeerRequests, type Target } from './peer-requests.js'

const OK = 200
const UNAUTHENTICATED = ERROR_CATALOGUE.UNAUTHENTICATED.status

interface ReceiverParts {
  key: string
  /** An owner that sent nothing for this time counts as silent. */
  silenceMs: number
  /** Takes each frame. Throws for one too many. */
  take(frame: ReceivedFrame): void
  /** Whether the owner knows the key of this node. */
  onKey(isKnown: boolean): void
  /** The stream is over, and everything is read from the store. */
  onEnd(why: Error): void
}

/** A reader's side of the stream by which the owner pushes its batches. */
export class PushReceiver {
  readonly #parts: ReceiverParts
  readonly #requests: PeerRequests
  readonly #sent: ClientRequest
  readonly #frames = new FrameReader()
  #silence: NodeJS.Timeout
  #hasEnded = false

  constructor(target: Target, parts: ReceiverParts) {
    this.#parts = parts
    this.#requests = new PeerRequests(target, parts.key)
    this.#silence = this.#awaitBytes()
    this.#sent = this.#requests.open({ method: 'GET', path: PUSH, headers: {} })
    this.#sent.on('error', (error) => this.#end(error))
    this.#sent.once('response', (answer) => this.#read(answer))
    this.#sent.end()
  }

  get hasEnded(): boolean {
    return this.#hasEnded
  }

  close(): void {
    this.#end(new Error('this node reads no more, or from another owner'))
  }

  #read(answer: IncomingMessage): void {
    answer.on('error', (error) => this.#end(error))
    answer.once('close', () => this.#end(new Error('the owner ended the stream')))
    this.#parts.onKey(answer.statusCode !== UNAUTHENTICATED)
    if (answer.statusCode !== OK) {
      this.#end(new Error(`the owner answered ${answer.statusCode}`))
      return
    }
    answer.on('data', (piece: Buffer) => {
      if (this.#hasEnded) return
      clearTimeout(this.#silence)
      this.#silence = this.#awaitBytes()
      try {
        for (const frame of this.#frames.take(piece)) this.#parts.take(frame)
      } catch (error) {
        this.#end(error as Error)
      }
    })
  }

  #awaitBytes(): NodeJS.Timeout {
    return setTimeout(() => this.#end(new Error('the owner is silent')), this.#parts.silenceMs).unref()
  }

  #end(why: Error): void {
    if (this.#hasEnded) return
    this.#hasEnded = true
    clearTimeout(this.#silence)
    this.#sent.destroy()
    this.#requests.close()
    this.#parts.onEnd(why)
  }
}
