import { invalid } from '../core/errors.js'
import { LIMITS } from '../core/limits.js'
import type { Decay, FormulaQuery } from '../core/query.js'
import { parseDateTime } from '../filter/date-time.js'
import { type FilterContext, parseCondition, standing } from '../filter/parse.js'
import { parsePath } from '../filter/path.js'
import type { DecayKind, Formula, FormulaNode, UnaryOperator } from './formula.js'
import { finite } from './search-settings.js'

const MICROS_PER_SECOND = 1_000_000
const UNARY: readonly UnaryOperator[] = ['neg', 'abs', 'sqrt', 'exp', 'log10', 'ln']
const DECAYS: Readonly<Record<string, DecayKind>> = { lin_decay: 'lin', exp_decay: 'exp', gauss_decay: 'gauss' }
const DEFAULT_MIDPOINT = 0.5

type Fields = Readonly<Record<string, unknown>>

/** Checks an untrusted formula. The recursion is as deep as the formula, and refuses nesting beyond its bound. */
export function parseFormula(query: FormulaQuery, context: FilterContext, field: string): Formula {
  const parser = new FormulaParser(context)
  const root = parser.expression(query.formula, `${field}.formula`, 0)
  parser.defaults(query.defaults, `${field}.defaults`)
  return { ...parser.formula, root }
}

class FormulaParser {
  readonly formula: Omit<Formula, 'root'> = {
    conditions: [],
    variables: new Map(),
    scoreDefaults: new Map(),
    payloadDefaults: new Map(),
  }
  readonly #context: FilterContext
  #expressions = 0

  constructor(context: FilterContext) {
    this.#context = context
  }

  expression(value: unknown, field: string, depth: number): FormulaNode {
    if (depth > LIMITS.formulaDepth) {
      throw invalid('formula', `expected at most ${LIMITS.formulaDepth} nested levels`)
    }
    if (++this.#expressions > LIMITS.formulaExpressions) {
      throw invalid('formula', `expected at most ${LIMITS.formulaExpressions} expressions`)
    }
    if (typeof value === 'number') return { op: 'constant', value: constant(value, field) }
    if (typeof value === 'string') return this.#variable(value, field)
    const fields = objectAt(value, field)
    const keys = Object.keys(fields)
    const operator = keys.length === 1 ? (keys[0] as string) : ''
    return (
      this.#operation(operator, fields[operator], `${field}.${operator}`, depth + 1) ?? this.#condition(fields, field)
    )
  }

  #operation(operator: string, operand: unknown, field: string, depth: number): FormulaNode | null {
    if (UNARY.includes(operator as UnaryOperator)) {
      return { op: operator as UnaryOperator, operand: this.expression(operand, field, depth) }
    }
    const decay = Object.hasOwn(DECAYS, operator) ? DECAYS[operator] : undefined
    if (decay) return this.#decay(decay, operand as Decay, field, depth)
    switch (operator) {
      case 'mult':
      case 'sum':
        return { op: operator, operands: this.#list(operand, field, depth) }
      case 'div':
        return this.#division(objectAt(operand, field), field, depth)
      case 'pow': {
        const { base, exponent } = objectAt(operand, field)
        return {
          op: 'pow',
          base: this.expression(base, `${field}.base`, depth),
          exponent: this.expression(exponent, `${field}.exponent`, depth),
        }
      }
      case 'datetime':
        return { op: 'constant', value: seconds(operand, field) }
      case 'datetime_key':
        return { op: 'datetimeKey', key: this.#payloadKey(operand, field) }
      case 'geo_distance':
        return this.#geoDistance(objectAt(operand, field), field)
      default:
        return null
    }
  }

  #list(value: unknown, field: string, depth: number): FormulaNode[] {
    if (!Array.isArray(value)) throw invalid(field, 'expected an array of expressions', value)
    return value.map((operand, i) => this.expression(operand, `${field}[${i}]`, depth))
  }

  #division({ left, right, by_zero_default: byZero }: Fields, field: string, depth: number): FormulaNode {
    return {
      op: 'div',
      left: this.expression(left, `${field}.left`, depth),
      right: this.expression(right, `${field}.right`, depth),
      byZeroDefault: isSet(byZero) ? constant(byZero, `${field}.by_zero_default`) : null,
    }
  }

  #decay(kind: DecayKind, params: Decay, field: string, depth: number): FormulaNode {
    const { x, target, scale, midpoint } = objectAt(params, field)
    return {
      op: 'decay',
      kind,
      x: this.expression(x, `${field}.x`, depth),
      target: isSet(target) ? this.expression(target, `${field}.target`, depth) : null,
      lambda: lambdaOf(kind, scale, midpoint, field),
    }
  }

  #geoDistance({ origin, to }: Fields, field: string): FormulaNode {
    const { lat, lon } = objectAt(origin, `${field}.origin`)
    return {
      op: 'geoDistance',
      lat: degrees(lat, 90, `${field}.origin.lat`),
      lon: degrees(lon, 180, `${field}.origin.lon`),
      key: this.#payloadKey(to, `${field}.to`),
    }
  }

  #variable(text: string, field: string): FormulaNode {
    const prefetch = scoreOf(text, field)
    return prefetch === null ? { op: 'payload', key: this.#payloadKey(text, field) } : { op: 'score', prefetch }
  }

  #payloadKey(text: unknown, field: string): string {
    const path = parsePath(text, field)
    const key = text as string
    this.formula.variables.set(key, path)
    return key
  }

  #condition(fields: Fields, field: string): FormulaNode {
    if (Object.keys(fields).length === 0)
      throw invalid(field, 'expected a number, a variable, a condition or an operation')
    const node = parseCondition(fields, this.#context, standing(null, field))
    if (node === null) return { op: 'constant', value: 1 }
    this.formula.conditions.push(node)
    return { op: 'condition', condition: this.formula.conditions.length - 1 }
  }

  defaults(defaults: unknown, field: string): void {
    if (!isSet(defaults)) return
    for (const [name, value] of Object.entries(objectAt(defaults, field))) {
      const prefetch = scoreOf(name, field)
      if (prefetch === null) {
        parsePath(name, field)
        this.formula.payloadDefaults.set(name, value)
      } else if (typeof value === 'number') {
        this.formula.scoreDefaults.set(prefetch, value)
      }
    }
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
function lambdaOf(kind: DecayKind, scale: unknown, midpoint: unknown, field: string): number {
  const middle = isSet(midpoint) ? constant(midpoint, `${field}.midpoint`) : DEFAULT_MIDPOINT
  const width = isSet(scale) ? constant(scale, `${field}.scale`) : 1
  const isWithin = kind === 'lin' ? middle >= 0 && middle <= 1 : middle > 0 && middle < 1
  if (!isWithin) {
    const range = kind === 'lin' ? '[0.0, 1.0]' : '(0.0, 1.0)'
    throw invalid(`${field}.midpoint`, `Decay midpoint should be in the range ${range}`, middle)
  }
  if (!(width > 0)) throw invalid(`${field}.scale`, 'Decay scale should be non-zero positive', width)
  if (kind === 'lin') return (1 - middle) / width
  return Math.log(middle) / (kind === 'exp' ? width : width * width)
}

/** Numbers of formulas are rounded to 32-bit floats, as in Qdrant. */
function constant(value: unknown, field: string): number {
  const rounded = Math.fround(finite(value, field))
  if (!Number.isFinite(rounded)) throw invalid(field, 'expected a finite 32-bit float', value)
  return rounded
}

function degrees(value: unknown, most: number, field: string): number {
  const number = finite(value, field)
  if (Math.abs(number) > most) throw invalid(field, `expected a number from ${-most} to ${most}`, value)
  return number
}

function seconds(value: unknown, field: string): number {
  const micros = typeof value === 'string' ? parseDateTime(value) : null
  if (micros === null) throw invalid(field, 'expected an RFC 3339 date-time', value)
  return Number(micros) / MICROS_PER_SECOND
}

function isSet(value: unknown): boolean {
  return value !== undefined && value !== null
}

function objectAt(value: unknown, field: string): Fields {
  if (value === null || typeof value !== 'object' || Array.isArray(value))
    throw invalid(field, 'expected an object', value)
  return value as Fields
}
