/** The columns of an Arrow stream, as its first message declares them. */
import { broken, type FlatTable } from './flatbuffer.js'

/** Fields of one stream, all levels together, and their nesting. */
export const MOST_FIELDS = 4_096
const MOST_DEPTH = 64

/** Numbers of Type in Arrow's Schema.fbs. */
const NAMES = [
  ...['none', 'null', 'int', 'float', 'binary', 'utf8', 'bool', 'decimal', 'date', 'time', 'timestamp', 'interval'],
  ...['list', 'struct', 'union', 'fixed_size_binary', 'fixed_size_list', 'map', 'duration', 'large_binary'],
  ...['large_utf8', 'large_list', 'run_end_encoded', 'binary_view', 'utf8_view', 'list_view', 'large_list_view'],
] as const

/** This reader knows the layout of these types. JSON or a vector can hold their values. */
export type ArrowKind =
  | 'null'
  | 'int'
  | 'float'
  | 'utf8'
  | 'bool'
  | 'decimal'
  | 'date'
  | 'timestamp'
  | 'list'
  | 'struct'
  | 'fixed_size_list'
  | 'large_utf8'
  | 'large_list'
  | 'map'
  | 'time'
  | 'duration'
  | BinaryKind
type BinaryKind = 'binary' | 'large_binary' | 'fixed_size_binary'
const KINDS: ReadonlySet<string> = new Set<ArrowKind>([
  ...(['null', 'int', 'float', 'utf8', 'bool', 'decimal', 'date', 'timestamp', 'time', 'duration'] as const),
  ...(['list', 'struct', 'map', 'fixed_size_list', 'large_utf8', 'large_list'] as const),
])
/** Bytes, mostly pictures. JSON cannot hold them, so files are read without them; streams refuse them. */
export const BINARY_KINDS: ReadonlySet<string> = new Set<BinaryKind>(['binary', 'large_binary', 'fixed_size_binary'])

export interface ArrowField {
  name: string
  kind: ArrowKind
  /** Bits of an int, a float or a decimal; of a date 32 (days) or 64 (milliseconds). */
  bits: number
  isSigned: boolean
  /** Digits of a decimal behind its point; the unit of a timestamp: 10^(-3 × unit) seconds. */
  scale: number
  /** Items of a fixed-size list, or bytes of a fixed-size binary. */
  size: number
  children: readonly ArrowField[]
  /** Its values are indices of a dictionary, and `kind` is the kind of the dictionary's values. */
  dictionary: { id: number; bits: number; isSigned: boolean } | null
}

/** `withBinary`: columns of bytes are no error. */
export function readSchema(schema: FlatTable, withBinary = false): ArrowField[] {
  if (schema.int16(0) !== 0) throw broken('numbers with the most significant byte first are not supported')
  const counter = { left: MOST_FIELDS, withBinary }
  const fields = schema.tables(1, MOST_FIELDS).map((field) => readField(field, '', 0, counter))
  const names = new Set<string>()
  for (const { name } of fields) {
    if (names.has(name)) throw broken(`two columns are named ${JSON.stringify(name.slice(0, 64))}`)
    names.add(name)
  }
  return fields
}

interface Counter {
  left: number
  withBinary: boolean
}

function readField(field: FlatTable, parent: string, depth: number, counter: Counter): ArrowField {
  if (--counter.left < 0 || depth > MOST_DEPTH) {
    throw broken(`expected at most ${MOST_FIELDS} fields, in at most ${MOST_DEPTH} levels`)
  }
  const name = field.text(0)
  const path = parent === '' ? name : `${parent}.${name}`
  const column = `column ${JSON.stringify(path.slice(0, 64))}`
  const kind = NAMES[field.int8(2)] ?? 'none'
  if (!KINDS.has(kind) && !(counter.withBinary && BINARY_KINDS.has(kind)))
    throw broken(`${column}: values of type ${kind} are not supported`)
  const children = field.tables(5, MOST_FIELDS).map((child) => readField(child, path, depth + 1, counter))
  const read: ArrowField = {
    name,
    ...typeOf(kind as ArrowKind, field.table(3), column),
    children,
    dictionary: dictionaryOf(field.table(4), column),
  }
  const isList = kind === 'list' || kind === 'large_list' || kind === 'fixed_size_list' || kind === 'map'
  if (isList ? children.length !== 1 : kind !== 'struct' && children.length > 0) {
    throw broken(`${column}: a type ${kind} has ${isList ? 'one field' : 'no fields'}, got ${children.length}`)
  }
  return read
}

type TypeFacts = Pick<ArrowField, 'kind' | 'bits' | 'isSigned' | 'scale' | 'size'>

function typeOf(kind: ArrowKind, type: FlatTable | null, column: string): TypeFacts {
  const plain = { kind, bits: 0, isSigned: false, scale: 0, size: 0 }
  const need = (value: number, allowed: readonly number[]): number => {
    if (allowed.includes(value)) return value
    throw broken(`${column}: type ${kind} of ${value}: expected ${allowed.join(', ')}`)
  }
  switch (kind) {
    case 'int':
      return { ...plain, bits: need(type?.int32(0) ?? 0, [8, 16, 32, 64]), isSigned: type?.int8(1) === 1 }
    case 'float':
      return { ...plain, bits: 16 << need(type?.int16(0) ?? 0, [0, 1, 2]) }
    case 'decimal':
      return { ...plain, bits: need(type?.int32(2, 128) ?? 128, [128, 256]), scale: type?.int32(1) ?? 0 }
    case 'date':
      return { ...plain, bits: need(type?.int16(0, 1) ?? 1, [0, 1]) === 0 ? 32 : 64, isSigned: true }
    case 'timestamp':
      return { ...plain, bits: 64, isSigned: true, scale: need(type?.int16(0) ?? 0, [0, 1, 2, 3]) }
    case 'time':
      return { ...plain, bits: need(type?.int32(1, 32) ?? 32, [32, 64]), isSigned: true }
    case 'duration':
      return { ...plain, bits: 64, isSigned: true }
    case 'fixed_size_binary':
    case 'fixed_size_list': {
      const size = type?.int32(0) ?? 0
      if (size < 0) throw broken(`${column}: type ${kind} of ${size} items`)
      return { ...plain, size }
    }
    default:
      return plain
  }
}

function dictionaryOf(encoding: FlatTable | null, column: string): ArrowField['dictionary'] {
  if (encoding === null) return null
  const index = encoding.table(1)
  const bits = index?.int32(0) ?? 32
  if (![8, 16, 32, 64].includes(bits)) throw broken(`${column}: indices of ${bits} bits`)
  return { id: encoding.count(0), bits, isSigned: index === null || index.int8(1) === 1 }
}
