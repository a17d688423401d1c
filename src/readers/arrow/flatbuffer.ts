/** Tables of a flatbuffer that comes from a stranger. Every position is checked before it is read. */
import { VicinalError } from '../../core/errors.js'

const OFFSET_BYTES = 4
const LONG_BYTES = 8

/** An Arrow stream that contradicts itself or the format. */
export function broken(what: string): VicinalError {
  return new VicinalError('INVALID_ARGUMENT', `Arrow stream: ${what}`, { details: { field: 'body' } })
}

export class FlatTable {
  readonly #view: DataView
  readonly #at: number
  readonly #vtable: number
  readonly #vtableBytes: number

  constructor(view: DataView, at: number) {
    this.#view = view
    this.#at = at
    this.#check(at, OFFSET_BYTES)
    this.#vtable = at - view.getInt32(at, true)
    this.#check(this.#vtable, OFFSET_BYTES)
    this.#vtableBytes = view.getUint16(this.#vtable, true)
    this.#check(this.#vtable, this.#vtableBytes)
  }

  /** The table that the bytes begin with. */
  static root(bytes: Uint8Array): FlatTable {
    if (bytes.byteLength < OFFSET_BYTES) throw broken('a message without content')
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    return new FlatTable(view, view.getUint32(0, true))
  }

  int8(field: number, otherwise = 0): number {
    const at = this.#place(field, 1)
    return at === 0 ? otherwise : this.#view.getUint8(at)
  }

  int16(field: number, otherwise = 0): number {
    const at = this.#place(field, 2)
    return at === 0 ? otherwise : this.#view.getInt16(at, true)
  }

  int32(field: number, otherwise = 0): number {
    const at = this.#place(field, OFFSET_BYTES)
    return at === 0 ? otherwise : this.#view.getInt32(at, true)
  }

  /** From 0 to 2^53. */
  count(field: number): number {
    const at = this.#place(field, LONG_BYTES)
    return at === 0 ? 0 : this.#count(at)
  }

  text(field: number): string {
    const { start, count } = this.#vector(field, 1)
    const { buffer, byteOffset } = this.#view
    return Buffer.from(buffer as ArrayBuffer, byteOffset + start, count).toString('utf8')
  }

  table(field: number): FlatTable | null {
    const at = this.#place(field, OFFSET_BYTES)
    return at === 0 ? null : new FlatTable(this.#view, at + this.#view.getUint32(at, true))
  }

  /** At most `most` of them. */
  tables(field: number, most: number): FlatTable[] {
    const { start, count } = this.#vector(field, OFFSET_BYTES)
    if (count > most) throw broken(`expected at most ${most} fields, got ${count}`)
    return Array.from({ length: count }, (_, i) => {
      const at = start + i * OFFSET_BYTES
      return new FlatTable(this.#view, at + this.#view.getUint32(at, true))
    })
  }

  /** Structs of two counts each, at most `most` of them. */
  pairs(field: number, most: number): [number, number][] {
    const { start, count } = this.#vector(field, 2 * LONG_BYTES)
    if (count > most) throw broken(`expected at most ${most} nodes or buffers, got ${count}`)
    return Array.from({ length: count }, (_, i) => {
      const at = start + i * 2 * LONG_BYTES
      return [this.#count(at), this.#count(at + LONG_BYTES)]
    })
  }

  has(field: number): boolean {
    return this.#place(field, 1) !== 0
  }

  #vector(field: number, elementBytes: number): { start: number; count: number } {
    const at = this.#place(field, OFFSET_BYTES)
    if (at === 0) return { start: 0, count: 0 }
    const vector = at + this.#view.getUint32(at, true)
    this.#check(vector, OFFSET_BYTES)
    const count = this.#view.getUint32(vector, true)
    const start = vector + OFFSET_BYTES
    this.#check(start, count * elementBytes)
    return { start, count }
  }

  #count(at: number): number {
    const count = this.#view.getBigInt64(at, true)
    if (count < 0n || count > BigInt(Number.MAX_SAFE_INTEGER)) throw broken(`expected a length, got ${count}`)
    return Number(count)
  }

  /** Where the field is; 0 if it is absent. */
  #place(field: number, bytes: number): number {
    const slot = OFFSET_BYTES + 2 * field
    if (slot + 2 > this.#vtableBytes) return 0
    const offset = this.#view.getUint16(this.#vtable + slot, true)
    if (offset === 0) return 0
    this.#check(this.#at + offset, bytes)
    return this.#at + offset
  }

  #check(at: number, bytes: number): void {
    if (at < 0 || at + bytes > this.#view.byteLength) throw broken('a message whose parts lie outside of it')
  }
}
