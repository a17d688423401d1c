/** Messages of an Arrow stream that arrives in pieces: 0xffffffff, length of the metadata, metadata (a flatbuffer), body. */
import { VicinalError } from '../../core/errors.js'
import { GrowingBytes, type Hold } from '../growing-bytes.js'
import { broken, FlatTable } from './flatbuffer.js'

const CONTINUATION = 0xffff_ffff
const PREFIX_BYTES = 8
const FILE_MAGIC = Buffer.from('ARROW1')

export const SCHEMA = 1
export const DICTIONARY_BATCH = 2
export const RECORD_BATCH = 3

export interface ArrowMessage {
  type: number
  header: FlatTable
  /** In memory of its own, that begins with it. */
  body: Buffer
}

/** Where the stream begins in a file: behind the magic and its padding, which writers make 2 or 58 bytes long. */
export function streamStart(file: Buffer): number {
  if (!file.subarray(0, FILE_MAGIC.length).equals(FILE_MAGIC)) return 0
  const start = file.subarray(FILE_MAGIC.length).findIndex((byte) => byte !== 0)
  return start < 0 ? file.length : FILE_MAGIC.length + start
}

export class ArrowMessages {
  readonly #mostBytes: number
  readonly #hasFooter: boolean
  readonly #bytes: GrowingBytes
  #need = PREFIX_BYTES
  #part: 'prefix' | 'metadata' | 'body' | 'end' = 'prefix'
  #message: Omit<ArrowMessage, 'body'> | null = null

  /** `hasFooter`: the stream stands in a file, whose footer follows it. */
  constructor(mostBytes: number, hold: Hold, hasFooter = false) {
    this.#mostBytes = mostBytes
    this.#hasFooter = hasFooter
    this.#bytes = new GrowingBytes(hold)
  }

  /** Whether its end mark was read. */
  get isOver(): boolean {
    return this.#part === 'end'
  }

  /** The messages that end with this piece. */
  *push(piece: Buffer): Generator<ArrowMessage> {
    this.#bytes.add(piece, this.#need)
    while (this.#part !== 'end' && this.#bytes.length >= this.#need) {
      const part = this.#take(this.#need)
      if (this.#part === 'prefix') this.#readPrefix(part)
      else if (this.#part === 'metadata') this.#readMetadata(part)
      else yield this.#endMessage(part)
      if (this.#part === 'body' && this.#need === 0) yield this.#endMessage(Buffer.alloc(0))
    }
    if (this.#part === 'end' && this.#bytes.length > 0 && !this.#hasFooter) throw broken('bytes behind its end')
  }

  /** A stream may end without its end mark, but not inside a message. */
  finish(): void {
    const isWhole = this.#part === 'end' || (this.#part === 'prefix' && this.#bytes.length === 0)
    if (!isWhole) throw broken('it ends inside a message')
  }

  #take(length: number): Buffer {
    const whole = this.#bytes.take()
    this.#bytes.add(whole.subarray(length))
    return whole.subarray(0, length)
  }

  #readPrefix(prefix: Buffer): void {
    if (prefix.subarray(0, FILE_MAGIC.length).equals(FILE_MAGIC)) {
      throw broken('this is an Arrow file; expected a stream')
    }
    if (prefix.readUInt32LE(0) !== CONTINUATION) throw broken('expected a message')
    this.#need = prefix.readUInt32LE(4)
    this.#part = this.#need === 0 ? 'end' : 'metadata'
    this.#checkSize(this.#need)
  }

  #readMetadata(metadata: Buffer): void {
    const message = FlatTable.root(metadata)
    const header = message.table(2)
    if (header === null) throw broken('a message without content')
    this.#message = { type: message.int8(1), header }
    this.#need = message.count(3)
    this.#part = 'body'
    this.#checkSize(metadata.length + this.#need)
  }

  #endMessage(body: Buffer): ArrowMessage {
    this.#part = 'prefix'
    this.#need = PREFIX_BYTES
    return { ...(this.#message as Omit<ArrowMessage, 'body'>), body }
  }

  #checkSize(bytes: number): void {
    if (bytes <= this.#mostBytes) return
    const message = `Arrow stream: expected record batches of at most ${this.#mostBytes} bytes, got ${bytes}`
    throw new VicinalError('TOO_LARGE', message, { details: { field: 'body', bound: this.#mostBytes, seen: bytes } })
  }
}
