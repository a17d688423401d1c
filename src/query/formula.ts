/**
 * A formula, and its value for one point in double precision. The parser bounds the depth by LIMITS.formulaDepth, so
 * recursion is safe.
 */
import { VicinalError } from '../core/errors.js'
import type { PayloadIndexKind } from '../core/payload-index.js'
import { parseDateTime } from '../filter/date-time.js'
import type { DecayKind, Formula, FormulaNode, UnaryOperator } from '../filter/formula-node.js'

export type { DecayKind, Formula, FormulaNode, UnaryOperator }

/** A point's values for a formula. */
export interface FormulaPoint {
  /** Score by prefetch; undefined if the prefetch did not find the point. */
  score(prefetch: number): number | undefined
  /** The values of a variable; arrays count as their elements. */
  values(key: string): readonly unknown[]
  passes(condition: number): boolean
}

const MICROS_PER_SECOND = 1_000_000
/** Mean radius of the earth, as in Rust's geo crates. */
const EARTH_METRES = 6_371_008.8

export function evaluate(formula: Formula, point: FormulaPoint): number {
  const value = valueIn(formula.root, formula, remembering(point))
  return finite(Math.fround(value), () => `${value} as float32`)
}

/** Caches variables: a formula may name a key thousands of times, but reads it once from the payload. */
function remembering(point: FormulaPoint): FormulaPoint {
  const known = new Map<string, readonly unknown[]>()
  return {
    score: (prefetch) => point.score(prefetch),
    passes: (condition) => point.passes(condition),
    values(key) {
      const values = known.get(key) ?? point.values(key)
      known.set(key, values)
      return values
    },
  }
}

function valueIn(node: FormulaNode, formula: Formula, point: FormulaPoint): number {
  const value = (operand: FormulaNode) => valueIn(operand, formula, point)
  switch (node.op) {
    case 'constant':
      return node.value
    case 'score':
      return point.score(node.prefetch) ?? formula.scoreDefaults.get(node.prefetch) ?? 0
    case 'condition':
      return point.passes(node.condition) ? 1 : 0
    case 'payload':
      return numberOf(payloadValue(node.key, 'number', formula, point), node.key)
    case 'datetimeKey':
      return secondsOf(payloadValue(node.key, 'datetime', formula, point), node.key)
    case 'geoDistance':
      return metresTo(node, payloadValue(node.key, 'geo point', formula, point))
    case 'sum':
      return finite(
        node.operands.reduce((sum, operand) => sum + value(operand), 0),
        () => 'sum',
      )
    case 'mult':
      return product(node.operands, value)
    case 'div':
      return quotient(node, value)
    case 'pow': {
      const [base, exponent] = [value(node.base), value(node.exponent)]
      return finite(base ** exponent, () => `${base}^${exponent}`)
    }
    case 'decay':
      return decayOf(node, value(node.x), node.target ? value(node.target) : 0)
    default:
      return unary(node.op, value(node.operand))
  }
}

/** Operands after a zero are not evaluated. */
function product(operands: readonly FormulaNode[], value: (node: FormulaNode) => number): number {
  let product = 1
  for (const operand of operands) {
    const factor = value(operand)
    if (factor === 0) return 0
    product *= factor
  }
  return finite(product, () => 'mult')
}

function quotient(
  { left, right, byZeroDefault }: Extract<FormulaNode, { op: 'div' }>,
  value: (node: FormulaNode) => number,
): number {
  const dividend = value(left)
  if (dividend === 0) return 0
  const divisor = value(right)
  if (divisor === 0 && byZeroDefault !== null) return byZeroDefault
  return finite(dividend / divisor, () => `${dividend}/${divisor}`)
}

function unary(op: UnaryOperator, value: number): number {
  switch (op) {
    case 'neg':
      return -value
    case 'abs':
      return Math.abs(value)
    case 'sqrt':
      return finite(Math.sqrt(value), () => `√${value}`)
    case 'exp':
      return finite(Math.exp(value), () => `exp(${value})`)
    case 'log10':
      return finite(Math.log10(value), () => `log10(${value})`)
    case 'ln':
      return finite(Math.log(value), () => `ln(${value})`)
  }
}

function decayOf({ kind, lambda }: Extract<FormulaNode, { op: 'decay' }>, x: number, target: number): number {
  const difference = x - target
  const decayed =
    kind === 'lin'
      ? Math.max(0, 1 - lambda * Math.abs(difference))
      : Math.exp(lambda * (kind === 'exp' ? Math.abs(difference) : difference * difference))
  return finite(decayed, () => `${kind}_decay(${x}, ${target})`)
}

function finite(value: number, expression: () => string): number {
  if (Number.isFinite(value)) return value
  throw refused(`The expression ${expression()} = ${value} produced a non-finite number`)
}

const IS_OF_KIND: Readonly<Record<string, (value: unknown) => boolean>> = {
  number: isNumber,
  datetime: (value) => microsOf(value) !== null,
  'geo point': isPosition,
}

/** Of texts an index has more than their values, so any value counts. */
const IN_INDEX: Partial<Record<PayloadIndexKind, (value: unknown) => boolean>> = {
  integer: (value) => typeof value === 'bigint' || Number.isInteger(value),
  float: isNumber,
  datetime: (value) => microsOf(value) !== null,
  geo: isPosition,
  keyword: (value) => typeof value === 'string',
  uuid: (value) => typeof value === 'string',
  bool: (value) => typeof value === 'boolean',
}

/** Whether a value is one of those that a payload index has: of an indexed variable others count as absent, as in Qdrant. */
export function isOfIndex(kind: PayloadIndexKind | undefined): (value: unknown) => boolean {
  return (kind && IN_INDEX[kind]) ?? (() => true)
}

/**
 * The variable's value or its default, as in Qdrant: values of other kinds count as absent, and so does null. If there
 * are several values, returns them all.
 */
function payloadValue(key: string, expected: string, formula: Formula, point: FormulaPoint): unknown {
  const values = point.values(key).filter(IS_OF_KIND[expected] as (value: unknown) => boolean)
  if (values.length === 1) return values[0]
  if (values.length > 1) return values
  if (formula.payloadDefaults.has(key)) return formula.payloadDefaults.get(key)
  throw wrongValue(key, expected, 'No value found in a payload nor defaults')
}

function isNumber(value: unknown): value is number | bigint {
  return typeof value === 'number' || typeof value === 'bigint'
}

function numberOf(value: unknown, key: string): number {
  if (isNumber(value)) return Number(value)
  throw wrongValue(key, 'number', 'Value is not a number')
}

function microsOf(value: unknown): bigint | null {
  return typeof value === 'string' ? parseDateTime(value) : null
}

function secondsOf(value: unknown, key: string): number {
  const micros = microsOf(value)
  if (micros === null) throw wrongValue(key, 'datetime', 'Value is not a date-time')
  return Number(micros) / MICROS_PER_SECOND
}

function isPosition(value: unknown): value is { lat: number; lon: number } {
  const { lat, lon } = (value ?? {}) as { lat?: unknown; lon?: unknown }
  return typeof lat === 'number' && typeof lon === 'number'
}

/** The distance on the sphere, by the haversine formula. */
function metresTo({ lat, lon, key }: Extract<FormulaNode, { op: 'geoDistance' }>, value: unknown): number {
  if (!isPosition(value)) throw wrongValue(key, 'geo point', 'Value is not an object with lat and lon')
  const radians = Math.PI / 180
  const sinLat = Math.sin(((value.lat - lat) * radians) / 2)
  const sinLon = Math.sin(((value.lon - lon) * radians) / 2)
  const a = sinLat * sinLat + Math.cos(lat * radians) * Math.cos(value.lat * radians) * sinLon * sinLon
  return 2 * EARTH_METRES * Math.asin(Math.sqrt(Math.min(1, a)))
}

function wrongValue(key: string, expected: string, description: string): VicinalError {
  const name = JSON.stringify(key)
  return refused(
    `Expected ${expected} value for ${name} in the payload and/or in the formula defaults. Error: ${description}`,
  )
}

function refused(message: string): VicinalError {
  return new VicinalError('INVALID_ARGUMENT', message, { details: { field: 'query.formula' }, isAfterWork: true })
}
