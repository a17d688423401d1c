/** Splits a JSON array that arrives in pieces into its items. Only the item under way is kept. */
import { VicinalError } from '../core/errors.js'
import { GrowingBytes, type Hold } from './growing-bytes.js'
import type { Line } from './lines.js'

const QUOTE = 0x22
const BACKSLASH = 0x5c
const COMMA = 0x2c
const OPEN_ARRAY = 0x5b
const CLOSE_ARRAY = 0x5d
const OPEN_OBJECT = 0x7b
const CLOSE_OBJECT = 0x7d
const SPACE = 0x20
const MARK = [0xef, 0xbb, 0xbf]

type Awaited = 'array' | 'item' | 'comma' | 'end'

export class ArraySplitter {
  readonly #mostBytes: number
  readonly #begun: GrowingBytes
  #awaited: Awaited
  #depth = 0
  #isText = false
  #isEscaped = false
  /** Whether an item is under way; its bytes so far. */
  #isItem = false
  #length = 0
  #end: number

  /** `start` is the byte of the text at which the first piece begins: behind an item, unless it is 0. */
  constructor(mostBytes: number, hold: Hold = () => {}, start = 0) {
    this.#mostBytes = mostBytes
    this.#begun = new GrowingBytes(hold)
    this.#end = start
    this.#awaited = start === 0 ? 'array' : 'comma'
  }

  /** The items that end in this piece. */
  *push(piece: Buffer): Generator<Line> {
    let start = 0
    for (let at = 0; at < piece.length; at++) {
      const byte = piece[at] as number
      if (!this.#isItem) {
        if (!this.#begins(byte, at)) continue
        this.#isItem = true
        start = at
      }
      const ended = this.#goesOn(byte)
      if (ended === null) continue
      const end = ended === 'with' ? at + 1 : at
      const bytes = this.#item(piece.subarray(start, end))
      this.#awaited = 'comma'
      if (ended === 'before') this.#begins(byte, at)
      yield { bytes, end: this.#end + end }
    }
    if (this.#isItem) this.#keep(piece.subarray(start))
    this.#end += piece.length
  }

  finish(): void {
    if (this.#awaited !== 'end') throw broken(`ends inside its array, at byte ${this.#end}`)
  }

  /** Whether an item begins with this byte, which stands between items. */
  #begins(byte: number, at: number): boolean {
    if (byte <= SPACE || (this.#awaited === 'array' && MARK.includes(byte))) return false
    const place = this.#end + at
    switch (this.#awaited) {
      case 'array':
        if (byte !== OPEN_ARRAY) throw broken('expected an array')
        this.#awaited = 'item'
        return false
      case 'comma':
        if (byte === COMMA) this.#awaited = 'item'
        else if (byte === CLOSE_ARRAY) this.#awaited = 'end'
        else throw broken(`expected a comma or the array's end at byte ${place}`)
        return false
      case 'end':
        throw broken(`bytes behind the array's end, at byte ${place}`)
      default:
        if (byte === CLOSE_ARRAY) {
          this.#awaited = 'end'
          return false
        }
        if (byte === COMMA) throw broken(`expected an item at byte ${place}`)
        return true
    }
  }

  /** Whether the item ends with or before this byte. */
  #goesOn(byte: number): 'with' | 'before' | null {
    if (this.#isText) {
      if (this.#isEscaped) this.#isEscaped = false
      else if (byte === BACKSLASH) this.#isEscaped = true
      else if (byte === QUOTE) this.#isText = false
      return null
    }
    switch (byte) {
      case QUOTE:
        this.#isText = true
        return null
      case OPEN_ARRAY:
      case OPEN_OBJECT:
        this.#depth++
        return null
      case CLOSE_ARRAY:
      case CLOSE_OBJECT:
        if (this.#depth === 0) return 'before'
        return --this.#depth === 0 ? 'with' : null
      case COMMA:
        return this.#depth === 0 ? 'before' : null
      default:
        return null
    }
  }

  #item(rest: Buffer): Buffer | null {
    const isWithin = this.#length === 0
    if (!isWithin) this.#keep(rest)
    const isTooLong = Math.max(this.#length, rest.length) > this.#mostBytes
    this.#isItem = false
    this.#length = 0
    if (isTooLong) return null
    return isWithin ? rest : this.#begun.take()
  }

  /** An item that is longer than it may be is counted and not kept. */
  #keep(piece: Buffer): void {
    this.#length += piece.length
    if (this.#length > this.#mostBytes) this.#begun.clear()
    else this.#begun.add(piece)
  }
}

function broken(what: string): VicinalError {
  return new VicinalError('INVALID_ARGUMENT', `JSON: ${what}`, { details: { field: 'body' } })
}
