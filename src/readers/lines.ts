/** Splits text that arrives in pieces into its lines. Only the line under way is kept. */
import { GrowingBytes, type Hold } from './growing-bytes.js'

const NEWLINE = 0x0a
const BYTE_ORDER_MARK = Buffer.from('\ufeff')

export interface Line {
  /** Without its newline; null where it is longer than a line may be. */
  bytes: Buffer | null
  /** Byte of the text after the line and its newline. */
  end: number
}

export class LineSplitter {
  readonly #mostBytes: number
  /** The beginning of the line under way. */
  readonly #begun: GrowingBytes
  /** Bytes of the line under way, whether they are kept or not. */
  #length = 0
  #end: number

  /** `start` is the byte of the text at which the first piece begins. */
  constructor(mostBytes: number, hold: Hold = () => {}, start = 0) {
    this.#mostBytes = mostBytes
    this.#begun = new GrowingBytes(hold)
    this.#end = start
  }

  /** The lines that end in this piece, empty ones too. A line that lies within the piece is a view of it. */
  *push(piece: Buffer): Generator<Line> {
    let start = 0
    for (let at = piece.indexOf(NEWLINE); at >= 0; at = piece.indexOf(NEWLINE, start)) {
      const rest = piece.subarray(start, at)
      start = at + 1
      yield this.#line(rest, 1)
    }
    if (start < piece.length) this.#keep(piece.subarray(start))
  }

  /** The last line, where no newline ends it. */
  finish(): Line | null {
    return this.#length === 0 ? null : this.#line(Buffer.alloc(0), 0)
  }

  #line(rest: Buffer, newlineBytes: number): Line {
    const isFirst = this.#end === 0
    const isWithin = this.#length === 0
    if (!isWithin) this.#keep(rest)
    const length = isWithin ? rest.length : this.#length
    this.#end += length + newlineBytes
    this.#length = 0
    if (length > this.#mostBytes) return { bytes: null, end: this.#end }
    const bytes = isWithin ? rest : this.#begun.take()
    return { bytes: isFirst ? withoutMark(bytes) : bytes, end: this.#end }
  }

  /** A line that is longer than it may be is counted and not kept. */
  #keep(piece: Buffer): void {
    this.#length += piece.length
    if (this.#length > this.#mostBytes) this.#begun.clear()
    else this.#begun.add(piece)
  }
}

function withoutMark(line: Buffer): Buffer {
  const { length } = BYTE_ORDER_MARK
  return line.subarray(0, length).equals(BYTE_ORDER_MARK) ? line.subarray(length) : line
}
