import type { TSchema } from 'typebox'
import { invalid } from '../core/errors.js'
import { GeoPoint } from '../core/filter.js'
import {
  DEFAULT_MIDPOINT,
  DEFAULT_SCALE,
  Decay,
  Division,
  Expression,
  GeoDistance,
  OPERATIONS,
  type Operation,
  operationIn,
  Power,
} from '../core/formula.js'
import { LIMITS } from '../core/limits.js'
import type { FormulaQuery } from '../core/query.js'
import { resolved } from '../core/vocabulary/declare.js'
import { Keys } from '../core/vocabulary/keys.js'
import { fieldOf, type Place } from '../core/vocabulary/place.js'
import { isPlain } from '../core/vocabulary/plain.js'
import { readerOf } from '../core/vocabulary/reader.js'
import type { Reading } from '../core/vocabulary/reading.js'
import { ruleOfShape } from '../core/vocabulary/spelling.js'
import { parseDateTime } from './date-time.js'
import { Fields, isSet } from './fields.js'
import type { DecayKind, Formula, FormulaNode } from './formula-node.js'
import { type FilterContext, FilterParser, filtersRead, parseCondition, type Start, standing } from './parse.js'
import { parsePath } from './path.js'

const MICROS_PER_SECOND = 1_000_000
const DECAYS = { linDecay: 'lin', expDecay: 'exp', gaussDecay: 'gauss' } as const
const DIVISION = new Keys(Division)
const POWER = new Keys(Power)
const DECAY = new Keys(Decay)
const GEO_DISTANCE = new Keys(GeoDistance)
const POSITION = readerOf(GeoPoint)

/** Checks an untrusted formula. The recursion is as deep as the formula, and refuses nesting beyond its bound. */
export function parseFormula(query: FormulaQuery, context: FilterContext, field: string): Formula {
  const start = standing(query.formula, `${field}.formula`)
  const parser = new FormulaParser(context, start)
  const root = parser.expression(query.formula, start.place, 0)
  const { parent } = start.place
  parser.defaults(query.defaults, { parent, key: parent === null ? `${field}.defaults` : 'defaults' })
  start.reading.end()
  return { ...parser.formula, root }
}

/** Checks the form of a formula as far as no collection is needed. Its conditions are kept for `parseFormula`. */
export function checkFormula(formula: unknown, place: Place, reading: Reading): void {
  new FormulaParser(null, { place, reading }).expression(formula, place, 0)
}

/** The same of the defaults of its variables. */
export function checkDefaults(defaults: unknown, place: Place, reading: Reading): void {
  new FormulaParser(null, { place, reading }).defaults(defaults, place)
}

class FormulaParser {
  readonly formula: Omit<Formula, 'root'> = {
    conditions: [],
    variables: new Map(),
    scoreDefaults: new Map(),
    payloadDefaults: new Map(),
  }
  /** null while no collection is known. */
  readonly #context: FilterContext | null
  readonly #start: Start
  readonly #reading: Reading
  #expressions = 0

  constructor(context: FilterContext | null, start: Start) {
    this.#context = context
    this.#start = start
    this.#reading = start.reading
  }

  expression(value: unknown, place: Place, depth: number): FormulaNode {
    if (depth > LIMITS.formulaDepth) this.#refuse(`at most ${LIMITS.formulaDepth} nested levels`)
    if (++this.#expressions > LIMITS.formulaExpressions)
      this.#refuse(`at most ${LIMITS.formulaExpressions} expressions`)
    if (typeof value === 'number') return { op: 'constant', value: this.#constant(value, place) }
    if (typeof value === 'string') return this.#variable(value, place)
    if (!isPlain(value)) throw this.#reading.mistyped(place, 'an object', value ?? null)
    const operation = operationIn(value)
    if (operation === null) return this.#condition(value, place)
    return this.#operation(operation.name, value[operation.key], { parent: place, key: operation.key }, depth + 1)
  }

  #refuse(expected: string): never {
    throw this.#reading.mistyped(this.#start.place, expected)
  }

  #operation(name: Operation, operand: unknown, place: Place, depth: number): FormulaNode {
    switch (name) {
      case 'mult':
      case 'sum':
        return { op: name, operands: this.#list(operand, place, depth) }
      case 'div': {
        const fields = this.#fields(operand, DIVISION, place)
        const byZero = fields.get('byZeroDefault')
        return {
          op: 'div',
          left: this.#part(fields, 'left', depth),
          right: this.#part(fields, 'right', depth),
          byZeroDefault: isSet(byZero) ? this.#constant(byZero, fields.at('byZeroDefault')) : null,
        }
      }
      case 'pow': {
        const fields = this.#fields(operand, POWER, place)
        return { op: 'pow', base: this.#part(fields, 'base', depth), exponent: this.#part(fields, 'exponent', depth) }
      }
      case 'linDecay':
      case 'expDecay':
      case 'gaussDecay':
        return this.#decay(DECAYS[name], this.#fields(operand, DECAY, place), depth)
      case 'datetime':
        return { op: 'constant', value: this.#seconds(operand, place) }
      case 'datetimeKey':
        return { op: 'datetimeKey', key: this.#payloadKey(operand, place) }
      case 'geoDistance':
        return this.#geoDistance(this.#fields(operand, GEO_DISTANCE, place))
      default:
        return { op: name, operand: this.expression(operand, place, depth) }
    }
  }

  /** On the wire keys that nobody knows are ignored here, as in Qdrant. */
  #fields(value: unknown, keys: Keys, place: Place): Fields {
    if (!isPlain(value)) throw this.#reading.mistyped(place, 'an object', value ?? null)
    if (this.#reading.face === 'library') keys.check(value, place, this.#reading)
    return new Fields(value, place, this.#reading)
  }

  #part(fields: Fields, name: string, depth: number): FormulaNode {
    return this.expression(fields.get(name), fields.at(name), depth)
  }

  #list(value: unknown, place: Place, depth: number): FormulaNode[] {
    if (!Array.isArray(value)) throw this.#reading.mistyped(place, 'an array of expressions', value ?? null)
    return value.map((operand, key) => this.expression(operand, { parent: place, key }, depth))
  }

  #decay(kind: DecayKind, fields: Fields, depth: number): FormulaNode {
    const number = (name: string, otherwise: number) =>
      isSet(fields.get(name)) ? this.#constant(fields.get(name), fields.at(name)) : otherwise
    const scale = number('scale', DEFAULT_SCALE)
    const midpoint = number('midpoint', DEFAULT_MIDPOINT)
    const isWithin = kind === 'lin' ? midpoint >= 0 && midpoint <= 1 : midpoint > 0 && midpoint < 1
    if (!isWithin) {
      const range = kind === 'lin' ? '[0.0, 1.0]' : '(0.0, 1.0)'
      throw invalid(fieldOf(fields.at('midpoint'), ''), `Decay midpoint should be in the range ${range}`, midpoint)
    }
    if (!(scale > 0)) throw invalid(fieldOf(fields.at('scale'), ''), 'Decay scale should be non-zero positive', scale)
    return {
      op: 'decay',
      kind,
      x: this.#part(fields, 'x', depth),
      target: isSet(fields.get('target')) ? this.#part(fields, 'target', depth) : null,
      lambda: lambdaOf(kind, scale, midpoint),
    }
  }

  #geoDistance(fields: Fields): FormulaNode {
    const { lat, lon } = POSITION(fields.get('origin'), fields.at('origin'), this.#reading) as GeoPoint
    return { op: 'geoDistance', lat, lon, key: this.#payloadKey(fields.get('to'), fields.at('to')) }
  }

  #variable(text: string, place: Place): FormulaNode {
    const prefetch = this.#reading.at(place, () => scoreOf(text, 'variable'))
    return prefetch === null ? { op: 'payload', key: this.#payloadKey(text, place) } : { op: 'score', prefetch }
  }

  #payloadKey(text: unknown, place: Place): string {
    const path = this.#reading.at(place, () => parsePath(text, 'key'))
    const key = text as string
    this.formula.variables.set(key, path)
    return key
  }

  #condition(value: object, place: Place): FormulaNode {
    if (Object.keys(value).length === 0) {
      throw this.#reading.mistyped(place, 'a number, a variable, a condition or an operation')
    }
    const start = { place, reading: this.#reading }
    if (this.#context === null) {
      const parser = new FilterParser(start)
      filtersRead.set(value, parser.result(parser.condition(value, place, 1)))
      return { op: 'constant', value: 1 }
    }
    const node = parseCondition(value, this.#context, start)
    if (node === null) return { op: 'constant', value: 1 }
    this.formula.conditions.push(node)
    return { op: 'condition', condition: this.formula.conditions.length - 1 }
  }

  /** Names of variables are the caller's own. */
  defaults(defaults: unknown, place: Place): void {
    if (!isSet(defaults)) return
    if (!isPlain(defaults)) throw this.#reading.mistyped(place, 'an object', defaults)
    for (const [name, value] of Object.entries(defaults)) {
      const prefetch = this.#reading.at(place, () => scoreOf(name, 'variable'))
      if (prefetch === null) {
        this.#reading.at(place, () => parsePath(name, 'key'))
        this.formula.payloadDefaults.set(name, value)
      } else if (typeof value === 'number') {
        this.formula.scoreDefaults.set(prefetch, value)
      } else {
        const rule = ruleOfShape('Score default must be a number')
        this.#reading.violates({ place, expected: 'a number', rule, seen: value })
      }
    }
  }

  /** Numbers of formulas are rounded to 32-bit floats, as in Qdrant. */
  #constant(value: unknown, place: Place): number {
    const rounded = typeof value === 'number' ? Math.fround(value) : Number.NaN
    if (Number.isFinite(rounded)) return rounded
    throw this.#reading.mistyped(place, 'a finite 32-bit float', value)
  }

  #seconds(value: unknown, place: Place): number {
    const text = value instanceof Date && !Number.isNaN(value.getTime()) ? value.toISOString() : value
    const micros = typeof text === 'string' ? parseDateTime(text) : null
    if (micros === null) throw this.#reading.mistyped(place, 'an RFC 3339 date-time', value ?? null)
    return Number(micros) / MICROS_PER_SECOND
  }
}

/** The index of the prefetch whose score the variable means; null if it is a payload key. */
function scoreOf(text: string, field: string): number | null {
  if (!text.startsWith('$')) return null
  const [name, index, ...more] = parsePath(text.slice(1), field)
  if (name?.kind !== 'key' || name.key !== 'score' || more.length > 0 || (index && index.kind !== 'index')) {
    throw invalid(field, 'expected $score or $score[index] as the reserved variable', text)
  }
  return index?.kind === 'index' ? index.index : 0
}

/** The constant that sets the slope of a decay. */
function lambdaOf(kind: DecayKind, scale: number, midpoint: number): number {
  if (kind === 'lin') return (1 - midpoint) / scale
  return Math.log(midpoint) / (kind === 'exp' ? scale : scale * scale)
}

interface Placed extends Start {
  readonly value: unknown
}

export interface PlacedCondition {
  readonly condition: object
  readonly start: Start
}

/** The conditions in an unchecked expression, in no order; no further than in as many expressions as there may be. */
export function conditionsIn(formula: unknown, start: Start): PlacedCondition[] {
  const found: PlacedCondition[] = []
  const left: Placed[] = [{ value: formula, ...start }]
  for (let seen = 0; seen < LIMITS.formulaExpressions; seen++) {
    const next = left.pop()
    if (!next) break
    const { value, place, reading } = next
    if (!isPlain(value)) continue
    const operation = operationIn(value)
    if (operation === null) found.push({ condition: value, start: { place, reading } })
    else {
      const operand = { value: value[operation.key], place: { parent: place, key: operation.key }, reading }
      left.push(...expressionsIn(OPERATIONS[operation.name], operand))
    }
  }
  return found
}

/** The expressions in the operand of an operation. */
function expressionsIn(declared: TSchema, operand: Placed): Placed[] {
  const { value, place, reading } = operand
  if (resolved(declared) === Expression) return [operand]
  if (Array.isArray(value)) {
    return value.slice(0, LIMITS.formulaExpressions).map((one, key) => ({
      value: one,
      place: { parent: place, key },
      reading,
    }))
  }
  const { properties = {} } = declared as { properties?: Record<string, TSchema> }
  if (!isPlain(value)) return []
  const fields = new Fields(value, place, reading)
  const names = Object.keys(properties).filter((name) => resolved(properties[name] as TSchema) === Expression)
  return names.map((name) => ({ value: fields.get(name), place: fields.at(name), reading }))
}
