/**
 * Columns of a record batch as views of its body. A view is made once its offset, its length and the lengths that depend
 * on it are checked. So no row reads outside of its column, and no two rows share an item.
 */
import { nextTurn } from '../../core/turn-budget.js'
import { broken, type FlatTable } from './flatbuffer.js'
import { type ArrowField, MOST_FIELDS } from './schema.js'

const BITS = 8
const LONG_BYTES = 8
/** Offsets that are checked in one go; then the event loop turns. */
const OFFSETS_AT_ONCE = 128 * 1024

export type Numbers =
  | Int8Array
  | Uint8Array
  | Int16Array
  | Uint16Array
  | Int32Array
  | Uint32Array
  | BigInt64Array
  | BigUint64Array
  | Float32Array
  | Float64Array

export interface ArrowColumn {
  field: ArrowField
  length: number
  /** A bit for each value that is there; null: all are. */
  validity: Uint8Array | null
  /** Numbers, days, bits or words of decimals; empty for other types. */
  values: Numbers
  /** Of texts and lists: one more than values. */
  offsets: Int32Array | BigInt64Array | null
  /** Of texts. */
  bytes: Buffer
  children: readonly ArrowColumn[]
  /** The values that indices stand for. */
  dictionary: ArrowColumn | null
}

export type Dictionaries = ReadonlyMap<number, ArrowColumn>

const NO_NUMBERS = new Uint8Array(0)
const NO_BYTES = Buffer.alloc(0)
/** A field has three at most: validity, offsets and data. */
const MOST_BUFFERS = 3 * MOST_FIELDS

/** The columns of a RecordBatch table, all of its rows. */
export async function readColumns(
  fields: readonly ArrowField[],
  batch: FlatTable,
  body: Buffer,
  dictionaries: Dictionaries,
): Promise<{ rows: number; columns: ArrowColumn[] }> {
  if (batch.has(3)) throw broken('compressed record batches are not supported; write them uncompressed')
  const rows = batch.count(0)
  const [nodes, buffers] = [batch.pairs(1, MOST_FIELDS), batch.pairs(2, MOST_BUFFERS)]
  const reader = new ColumnReader(nodes, buffers, body, dictionaries)
  const columns: ArrowColumn[] = []
  for (const field of fields) columns.push(await reader.column(field, rows))
  reader.end()
  return { rows, columns }
}

class ColumnReader {
  readonly #nodes: readonly [number, number][]
  readonly #buffers: readonly [number, number][]
  readonly #body: Buffer
  readonly #dictionaries: Dictionaries
  #node = 0
  #buffer = 0

  constructor(
    nodes: readonly [number, number][],
    buffers: readonly [number, number][],
    body: Buffer,
    dictionaries: Dictionaries,
  ) {
    this.#nodes = nodes
    this.#buffers = buffers
    this.#body = body
    this.#dictionaries = dictionaries
  }

  end(): void {
    if (this.#node !== this.#nodes.length || this.#buffer !== this.#buffers.length) {
      throw broken('a record batch with more parts than its columns have')
    }
  }

  /** `least`: values that the rows of the parent need. A column has as many values as rows. */
  async column(field: ArrowField, least: number, isExact = true): Promise<ArrowColumn> {
    const node = this.#nodes[this.#node++]
    if (!node) throw broken('a record batch with fewer parts than its columns have')
    const [length, nullCount] = node
    if (isExact ? length !== least : length < least) {
      throw wrong(field, `expected ${isExact ? '' : 'at least '}${least} values, got ${length}`)
    }
    const column: ArrowColumn = {
      field,
      length,
      validity: null,
      values: NO_NUMBERS,
      offsets: null,
      bytes: NO_BYTES,
      children: [],
      dictionary: null,
    }
    if (field.kind === 'null') return column
    const validity = this.#bytes(field)
    if (nullCount > 0) {
      if (validity.length * BITS < length) throw wrong(field, 'a validity bitmap that is too short')
      column.validity = validity
    }
    if (field.dictionary) return this.#indices(column, field.dictionary)
    return await this.#contents(column)
  }

  #indices(column: ArrowColumn, { id, bits, isSigned }: NonNullable<ArrowField['dictionary']>): ArrowColumn {
    const { field, length } = column
    const dictionary = this.#dictionaries.get(id)
    if (!dictionary) throw wrong(field, `no dictionary ${id} came before its indices`)
    return { ...column, values: this.#numbers(field, integersOf(bits, isSigned), length), dictionary }
  }

  async #contents(column: ArrowColumn): Promise<ArrowColumn> {
    const { field, length } = column
    switch (field.kind) {
      case 'utf8':
      case 'large_utf8':
      case 'binary':
      case 'large_binary': {
        const offsets = this.#offsets(field, length)
        const bytes = this.#bytes(field)
        await checkOffsets(field, offsets, bytes.length)
        return { ...column, offsets, bytes }
      }
      case 'list':
      case 'map':
      case 'large_list': {
        const offsets = this.#offsets(field, length)
        const items = await this.column(field.children[0] as ArrowField, 0, false)
        await checkOffsets(field, offsets, items.length)
        return { ...column, offsets, children: [items] }
      }
      case 'fixed_size_list': {
        const items = await this.column(field.children[0] as ArrowField, length * field.size, false)
        return { ...column, children: [items] }
      }
      case 'struct': {
        const children: ArrowColumn[] = []
        for (const child of field.children) children.push(await this.column(child, length, false))
        return { ...column, children }
      }
      case 'fixed_size_binary':
        return { ...column, bytes: this.#bytes(field) }
      default:
        return { ...column, values: this.#scalars(field, length) }
    }
  }

  #scalars(field: ArrowField, length: number): Numbers {
    switch (field.kind) {
      case 'bool':
        return this.#numbers(field, Uint8Array, Math.ceil(length / BITS))
      case 'float':
        return this.#numbers(field, FLOATS[field.bits] as NumbersType, length)
      case 'decimal':
        return this.#numbers(field, BigUint64Array, (length * field.bits) / (BITS * LONG_BYTES))
      default:
        return this.#numbers(field, integersOf(field.bits, field.isSigned), length)
    }
  }

  #offsets(field: ArrowField, length: number): Int32Array | BigInt64Array {
    const isLong = field.kind.startsWith('large_')
    // A column without values may have none.
    const [, bytes] = this.#buffers[this.#buffer] ?? [0, 0]
    const count = length === 0 && bytes === 0 ? 0 : length + 1
    return this.#numbers(field, isLong ? BigInt64Array : Int32Array, count) as Int32Array | BigInt64Array
  }

  #numbers(field: ArrowField, type: NumbersType, count: number): Numbers {
    const bytes = this.#bytes(field)
    const { BYTES_PER_ELEMENT: each } = type
    if (bytes.length < count * each) throw wrong(field, `expected ${count * each} bytes of values, got ${bytes.length}`)
    if (bytes.byteOffset % each !== 0) throw wrong(field, `values at an offset that is no multiple of ${each}`)
    return new type(bytes.buffer as ArrayBuffer, bytes.byteOffset, count)
  }

  #bytes(field: ArrowField): Buffer {
    const buffer = this.#buffers[this.#buffer++]
    if (!buffer) throw wrong(field, 'a record batch with fewer parts than its columns have')
    const [offset, length] = buffer
    if (offset + length > this.#body.length) throw wrong(field, 'values that lie outside of their record batch')
    return this.#body.subarray(offset, offset + length)
  }
}

type NumbersType = {
  readonly BYTES_PER_ELEMENT: number
  new (buffer: ArrayBuffer, byteOffset: number, length: number): Numbers
}
const FLOATS: Readonly<Record<number, NumbersType>> = { 16: Uint16Array, 32: Float32Array, 64: Float64Array }
const SIGNED: Readonly<Record<number, NumbersType>> = {
  8: Int8Array,
  16: Int16Array,
  32: Int32Array,
  64: BigInt64Array,
}
const UNSIGNED: Readonly<Record<number, NumbersType>> = {
  8: Uint8Array,
  16: Uint16Array,
  32: Uint32Array,
  64: BigUint64Array,
}

function integersOf(bits: number, isSigned: boolean): NumbersType {
  return (isSigned ? SIGNED : UNSIGNED)[bits] as NumbersType
}

/** Offsets never descend, not even over rows that are null: else two rows could have the same items. */
async function checkOffsets(field: ArrowField, offsets: Int32Array | BigInt64Array, end: number): Promise<void> {
  let last = 0
  for (let from = 0; from < offsets.length; from += OFFSETS_AT_ONCE) {
    const to = Math.min(offsets.length, from + OFFSETS_AT_ONCE)
    for (let at = from; at < to; at++) {
      const offset = Number(offsets[at])
      if (offset < last) throw wrong(field, `offsets that descend, at value ${at}`)
      last = offset
    }
    if (to < offsets.length) await nextTurn()
  }
  if (last > end) throw wrong(field, `its last offset is ${last}, but it has ${end} items`)
}

export function wrong({ name }: ArrowField, what: string): Error {
  return broken(`column ${JSON.stringify(name.slice(0, 64))}: ${what}`)
}

export function isThere({ validity, field }: ArrowColumn, row: number): boolean {
  if (field.kind === 'null') return false
  return validity === null || ((validity[row >> 3] as number) & (1 << (row & 7))) !== 0
}

/** Where the items of a list or the bytes of a text begin and end. */
export function rangeOf({ offsets, field }: ArrowColumn, row: number): [start: number, end: number] {
  if (offsets === null) return [row * field.size, (row + 1) * field.size]
  return [Number(offsets[row]), Number(offsets[row + 1])]
}
