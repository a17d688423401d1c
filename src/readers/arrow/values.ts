/** Values of Arrow columns as a point has them: ids, vectors, and JSON. */
import { invalid, VicinalError } from '../../core/errors.js'
import { LIMITS } from '../../core/limits.js'
import type { MultiVector, NamedVector, Vector } from '../../core/point.js'
import { halfToFloat } from '../half-float.js'
import { type ArrowColumn, isThere, rangeOf, wrong } from './columns.js'

const DATE_CHARS = 10
const DAY_MS = 86_400_000
const LONG_BITS = 64
/** Least bytes of a value as JSON text. */
const VALUE_BYTES = 4

/** A vector of a column, in each of its forms; undefined: the row has none. Its numbers are views of the batch. */
export function vectorAt(column: ArrowColumn, row: number): NamedVector | undefined {
  if (!isThere(column, row)) return undefined
  const { kind, name } = column.field
  if (kind === 'struct') return sparseAt(column, row)
  const items = column.children[0]
  if (!items || kind === 'utf8' || column.dictionary) throw noVector(column)
  const [start, end] = rangeOf(column, row)
  if (items.field.kind === 'float' || items.field.kind === 'int') return numbersAt(items, start, end, name)
  if (end - start > LIMITS.multivectorFloats) {
    throw invalid(name, `expected at most ${LIMITS.multivectorFloats} vectors`, end - start)
  }
  const vectors: Vector[] = []
  for (let at = start; at < end; at++) {
    const floats = items.children[0]
    if (!floats || items.dictionary || floats.field.kind === 'utf8') throw noVector(column)
    if (!isThere(items, at)) throw invalid(`${name}[${at - start}]`, 'expected a vector', null)
    const [from, to] = rangeOf(items, at)
    // Items without bytes would be as many as a stream likes to say.
    if (from === to) throw invalid(`${name}[${at - start}]`, 'expected a vector that is not empty')
    vectors.push(numbersAt(floats, from, to, name))
  }
  return vectors as MultiVector
}

function sparseAt(column: ArrowColumn, row: number): NamedVector {
  const { name } = column.field
  const part = (of: 'indices' | 'values') => {
    const list = column.children.find(({ field }) => field.name === of)
    const items = list?.children[0]
    if (!list || !items || list.dictionary || !isThere(list, row)) {
      throw invalid(name, 'expected a struct { indices, values } of two lists of numbers')
    }
    const [start, end] = rangeOf(list, row)
    return numbersAt(items, start, end, `${name}.${of}`)
  }
  return { indices: part('indices') as readonly number[], values: part('values') }
}

function noVector({ field }: ArrowColumn): VicinalError {
  return invalid(
    field.name,
    'expected a column of number lists, of lists of number lists (multivector), or of structs { indices, values }',
  )
}

/** Floats without a copy where they are 32 or 64 bits. */
function numbersAt(items: ArrowColumn, start: number, end: number, field: string): Vector {
  const { kind, bits } = items.field
  if ((kind !== 'float' && kind !== 'int') || items.dictionary) {
    throw invalid(field, 'expected a list of numbers')
  }
  if (end - start > LIMITS.multivectorFloats) {
    throw invalid(field, `expected at most ${LIMITS.multivectorFloats} numbers`, end - start)
  }
  if (items.validity) {
    for (let at = start; at < end; at++) {
      if (!isThere(items, at)) throw invalid(`${field}[${at - start}]`, 'expected a finite number', null)
    }
  }
  const numbers = items.values.subarray(start, end)
  if (numbers instanceof Float32Array || numbers instanceof Float64Array) return numbers
  if (kind === 'float' && bits === 16) return Float32Array.from(numbers as Uint16Array, halfToFloat)
  return Array.from(numbers as Int32Array, Number)
}

/** JSON values of one row, of which the whole is bounded: many rows may share one long text of a dictionary. */
export class JsonValues {
  #left: number = LIMITS.payloadBytes

  /** null where the row has no value. */
  at(column: ArrowColumn, row: number): unknown {
    if (!isThere(column, row)) return null
    if (column.dictionary) return this.at(column.dictionary, indexAt(column, row))
    this.#spend(VALUE_BYTES, column)
    const { field, values } = column
    switch (field.kind) {
      case 'utf8':
      case 'large_utf8':
        return this.#textAt(column, row)
      case 'list':
      case 'large_list':
      case 'fixed_size_list': {
        const [start, end] = rangeOf(column, row)
        this.#spend((end - start) * VALUE_BYTES, column)
        const items = column.children[0] as ArrowColumn
        const list: unknown[] = []
        for (let at = start; at < end; at++) list.push(this.at(items, at))
        return list
      }
      case 'map':
        return this.#mapAt(column, row)
      case 'struct':
        this.#spend(column.children.length * VALUE_BYTES, column)
        // Unlike assignment, this makes a plain key of a field called __proto__.
        return Object.fromEntries(column.children.map((child) => [child.field.name, this.at(child, row)]))
      case 'bool':
        return ((values[row >> 3] as number) & (1 << (row & 7))) !== 0
      case 'float':
        return finite(field.bits === 16 ? halfToFloat(values[row] as number) : (values[row] as number))
      case 'decimal':
        return decimalAt(column, row)
      case 'date': {
        const ms = field.bits === 32 ? (values[row] as number) * DAY_MS : Number(values[row])
        return dateOf(ms, column).slice(0, DATE_CHARS)
      }
      case 'timestamp':
        return dateOf(Number(values[row]) / 1000 ** (field.scale - 1), column)
      default:
        return integerOf(values[row] as number | bigint)
    }
  }

  /** A list of structs of two fields, as an object. */
  #mapAt(column: ArrowColumn, row: number): Record<string, unknown> {
    const entries = column.children[0] as ArrowColumn
    const [keys, values] = entries.children
    if (!keys || !values) throw wrong(entries.field, 'expected structs of key and value')
    const [start, end] = rangeOf(column, row)
    const found: [string, unknown][] = []
    for (let at = start; at < end; at++) found.push([String(this.at(keys, at)), this.at(values, at)])
    return Object.fromEntries(found)
  }

  #textAt(column: ArrowColumn, row: number): string {
    const [start, end] = rangeOf(column, row)
    this.#spend(end - start, column)
    return column.bytes.toString('utf8', start, end)
  }

  #spend(bytes: number, { field }: ArrowColumn): void {
    this.#left -= bytes
    if (this.#left >= 0) return
    const message = `${field.name}: expected at most ${LIMITS.payloadBytes} bytes of payload`
    throw new VicinalError('TOO_LARGE', message, { details: { field: field.name, bound: LIMITS.payloadBytes } })
  }
}

/** An index of a dictionary that the dictionary has. */
function indexAt({ values, dictionary, field }: ArrowColumn, row: number): number {
  const index = Number(values[row])
  const { length } = dictionary as ArrowColumn
  if (index < 0 || index >= length) throw wrong(field, `index ${index} of a dictionary of ${length} values`)
  return index
}

function integerOf(value: number | bigint): number | bigint {
  return typeof value === 'bigint' && Number.isSafeInteger(Number(value)) ? Number(value) : value
}

function finite(value: number): number | null {
  return Number.isFinite(value) ? value : null
}

function dateOf(ms: number, { field }: ArrowColumn): string {
  const date = new Date(ms)
  if (Number.isNaN(date.getTime())) throw invalid(field.name, 'expected a date of the years -271821 to 275760')
  return date.toISOString()
}

/** The two's complement integer, divided by 10 to the power of `scale`. */
function decimalAt({ values, field }: ArrowColumn, row: number): number {
  const words = field.bits / LONG_BITS
  let value = 0n
  for (let at = (row + 1) * words - 1; at >= row * words; at--) value = (value << 64n) | (values[at] as bigint)
  return Number(BigInt.asIntN(field.bits, value)) / 10 ** field.scale
}
