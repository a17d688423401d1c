/**
 * JSON as the wire has it: integers beyond 2^53 are exact (they become bigints), nesting and the number of values are bounded.
 *
 * One scan over the bytes measures the depth, counts values and finds long integers; JSON.parse does the rest. The few
 * long integers are put into quotes behind a prefix that no sender can know, and taken out again after the parse. So
 * the native parser serves every body.
 */
import { isUtf8 } from 'node:buffer'
import { randomBytes } from 'node:crypto'
import { invalid, VicinalError } from '../core/errors.js'
import { LIMITS } from '../core/limits.js'
import { BODY_BOUNDS, type Measured, VALUE_BYTES, type ValueBounds, ValueTally } from './body-bounds.js'

/** Every integer with fewer digits is exact as a number. */
const LONG_DIGITS = 16
/** An integer with more is beyond 64 bits. */
const MAX_DIGITS = 20
const MAX_U64 = 0xffff_ffff_ffff_ffffn
const MIN_I64 = -0x8000_0000_0000_0000n
const PREFIX = randomBytes(12).toString('base64')
const OPENING = Buffer.from(`"${PREFIX}`)

/** Are as quickly copied one by one. */
const FEW_BYTES = 64

const QUOTE = 0x22
const BACKSLASH = 0x5c
const MINUS = 0x2d
const ZERO = 0x30
const NINE = 0x39
const COMMA = 0x2c
const COLON = 0x3a
const OPEN_ARRAY = 0x5b
const CLOSE_ARRAY = 0x5d
const OPEN_OBJECT = 0x7b
const CLOSE_OBJECT = 0x7d

export function parseJson(bytes: Buffer, field = 'body', bounds: ValueBounds = BODY_BOUNDS): unknown {
  return measureJson(bytes, field, bounds).make()
}

/** Throws if the body is nested too deep, is no UTF-8, or is beyond the bounds. */
export function measureJson(bytes: Buffer, field = 'body', bounds: ValueBounds = BODY_BOUNDS): Measured {
  if (!isUtf8(bytes)) throw invalid(field, 'expected UTF-8')
  const tally = new ValueTally(bytes, field, bounds)
  const longIntegers = new Scanner(bytes, tally, field).run()
  // The text that the values are parsed from is one more.
  return { valueBytes: tally.valueBytes + bytes.length, make: () => valuesOf(bytes, longIntegers, field) }
}

/** Counts the values of bytes that may be JSON. */
export function tallyJson(bytes: Buffer, tally: ValueTally): void {
  new Scanner(bytes, tally, null).run()
}

function valuesOf(bytes: Buffer, longIntegers: readonly number[], field: string): unknown {
  if (longIntegers.length === 0) return parse(bytes.toString('utf8'), field)
  return revive(parse(quoteLongIntegers(bytes, longIntegers), field), field)
}

function parse(text: string, field: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    // V8's message may quote the body, which belongs into no answer and no log.
    const at = /position (\d+)/.exec((cause as Error).message)?.[1]
    throw formatError(field, at ? ` at position ${at}` : '')
  }
}

export function formatError(field: string, where = ''): VicinalError {
  return new VicinalError('INVALID_ARGUMENT', `Format error in JSON ${field}${where}`, { details: { field } })
}

/** One look at the bytes. JSON.parse refuses malformed bytes, and deep nesting where there is no field to name. */
class Scanner {
  /** Starts and ends of integers too long to be sure of, in pairs. */
  readonly #longIntegers: number[] = []
  readonly #bytes: Buffer
  readonly #tally: ValueTally
  readonly #field: string | null

  constructor(bytes: Buffer, tally: ValueTally, field: string | null) {
    this.#bytes = bytes
    this.#tally = tally
    this.#field = field
  }

  run(): number[] {
    const bytes = this.#bytes
    const { length } = bytes
    let depth = 0
    let at = 0
    while (at < length) {
      const byte = bytes[at] as number
      if (byte === QUOTE) {
        at = this.#string(at)
      } else if (byte >= ZERO && byte <= NINE) {
        at = this.#number(at)
      } else {
        if (byte === COMMA) this.#value()
        else if (byte === OPEN_ARRAY || byte === OPEN_OBJECT) {
          if (++depth > LIMITS.jsonDepth && this.#field !== null) throw tooDeep(this.#field)
          this.#value()
          this.#tally.object(byte === OPEN_ARRAY ? VALUE_BYTES.array : VALUE_BYTES.map)
        } else if (byte === CLOSE_ARRAY || byte === CLOSE_OBJECT) depth--
        at++
      }
    }
    return this.#longIntegers
  }

  /** There is one value for each comma, and one that an array or object begins with. */
  #value(): void {
    this.#tally.values(1)
    this.#tally.valueBytes += VALUE_BYTES.small
  }

  #string(start: number): number {
    const bytes = this.#bytes
    const end = endOfString(bytes, start + 1)
    let at = end
    while (isSpace(bytes[at])) at++
    if (bytes[at] === COLON) this.#tally.key(bytes, start + 1, end - 1)
    else this.#tally.object(VALUE_BYTES.text + end - start)
    return end
  }

  #number(start: number): number {
    const bytes = this.#bytes
    let at = start
    do at++
    while (isDigit(bytes[at]))
    if (continuesNumber(bytes[at])) {
      this.#tally.valueBytes += VALUE_BYTES.number - VALUE_BYTES.small
      return endOfNumber(bytes, at)
    }
    // A leading zero stays, so that JSON.parse refuses the number.
    if (at - start >= LONG_DIGITS && at - start <= MAX_DIGITS && bytes[start] !== ZERO) {
      // JSON.parse gets the integer as a text.
      this.#tally.object(VALUE_BYTES.bigint + VALUE_BYTES.text + PREFIX.length + at - start)
      this.#longIntegers.push(start, at)
    }
    return at
  }
}

function tooDeep(field: string): VicinalError {
  return invalid(field, `expected at most ${LIMITS.jsonDepth} nested levels`)
}

function isSpace(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09
}

function endOfString(bytes: Buffer, from: number): number {
  let at = from
  while (at < bytes.length && bytes[at] !== QUOTE) at += bytes[at] === BACKSLASH ? 2 : 1
  return at + 1
}

function isDigit(byte: number | undefined): boolean {
  return byte !== undefined && byte >= ZERO && byte <= NINE
}

/** `.`, `e` or `E`: the number is no integer. */
function continuesNumber(byte: number | undefined): boolean {
  return byte === 0x2e || byte === 0x65 || byte === 0x45
}

function endOfNumber(bytes: Buffer, from: number): number {
  let at = from
  while (isDigit(bytes[at]) || continuesNumber(bytes[at]) || bytes[at] === 0x2b || bytes[at] === MINUS) at++
  return at
}

function quoteLongIntegers(bytes: Buffer, spans: readonly number[]): string {
  const out = Buffer.allocUnsafeSlow(bytes.length + (spans.length / 2) * (OPENING.length + 1))
  let written = 0
  let copied = 0
  const copy = (from: Buffer, start: number, end: number) => {
    for (let at = start; at < end; at++) out[written++] = from[at] as number
  }
  for (let i = 0; i < spans.length; i += 2) {
    const start = spans[i] as number
    const end = spans[i + 1] as number
    const from = start > 0 && bytes[start - 1] === MINUS ? start - 1 : start
    if (from - copied < FEW_BYTES) copy(bytes, copied, from)
    else written += bytes.copy(out, written, copied, from)
    copy(OPENING, 0, OPENING.length)
    copy(bytes, from, end)
    out[written++] = QUOTE
    copied = end
  }
  written += bytes.copy(out, written, copied)
  return out.toString('utf8', 0, written)
}

/** Puts the integers back, in place. The scan has bounded the depth of this recursion. */
function revive(value: unknown, field: string): unknown {
  if (typeof value === 'string') return value.startsWith(PREFIX) ? integerOf(value.slice(PREFIX.length)) : value
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i++) if (typeof value[i] !== 'number') value[i] = revive(value[i], field)
  } else if (value !== null && typeof value === 'object') {
    // JSON.parse made `__proto__` an own property, so this assignment reaches no prototype.
    const record = value as Record<string, unknown>
    for (const key of Object.keys(record)) {
      // A bare integer as key is malformed; the quotes have hidden that from the parse.
      if (key.startsWith(PREFIX)) throw formatError(field)
      record[key] = revive(record[key], field)
    }
  }
  return value
}

/** A number where that is exact, a bigint within 64 bits, and the nearest number beyond, as Qdrant does. */
function integerOf(text: string): number | bigint {
  const number = Number(text)
  if (Number.isSafeInteger(number)) return number
  const exact = BigInt(text)
  return exact <= MAX_U64 && exact >= MIN_I64 ? exact : number
}
