import type { ServerResponse } from 'node:http'
import { encodeFrame, type PushedBatch, positionFrame } from '../bucket/pushed-frame.js'
import type { Position } from '../bucket/watermark.js'

/** Most bytes that wait for one reader. A reader that is slower is cut off, and reads from the store. */
export const PUSH_BUFFER_BYTES = 32 * 1024 * 1024
/** Most readers that an owner pushes to. Others read from the store. */
export const MOST_PUSH_STREAMS = 128

/** The streams by which an owner pushes its batches to readers. A batch is pushed once it is durable and counts. */
export class PushStreams {
  readonly #open = new Set<ServerResponse>()
  #position: Position | null = null

  get isFull(): boolean {
    return this.#open.size >= MOST_PUSH_STREAMS
  }

  /** Begins with the position of the last batch; those after it follow. The head of the answer is written. */
  open(response: ServerResponse, position: Position): void {
    this.#position ??= position
    this.#open.add(response)
    response.once('close', () => this.#open.delete(response))
    this.#send(response, positionFrame(position))
  }

  send(batch: PushedBatch): void {
    this.#position = batch.position
    if (this.#open.size === 0) return
    const frame = encodeFrame(batch)
    for (const response of this.#open) this.#send(response, frame)
  }

  /** Readers go on from the store: this node does not own it any more, or stops. */
  endAll(): void {
    this.#position = null
    for (const response of this.#open) response.destroy()
    this.#open.clear()
  }

  /** The store has answered the owner just now: a reader hears it without a batch, too. */
  tellPosition(): void {
    if (!this.#position || this.#open.size === 0) return
    const frame = positionFrame(this.#position)
    for (const response of this.#open) this.#send(response, frame)
  }

  #send(response: ServerResponse, frame: Buffer): void {
    if (response.writableLength + frame.length > PUSH_BUFFER_BYTES) response.destroy()
    else response.write(frame)
  }
}
