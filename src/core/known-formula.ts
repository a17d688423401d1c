/** The keys inside the operations of a formula. */
import { checkShape, isPlain, type KnownShape, keysOf, shapeOf } from './known-keys.js'
import { LIMITS } from './limits.js'
import type { Decay } from './query-leaves.js'

const DECAY = shapeOf(keysOf<Decay>({ x: true, target: true, scale: true, midpoint: true }))
const ORIGIN = shapeOf(new Set(['lat', 'lon']))

/** Operations that are told by name what they are of; all have the wire's words here too. */
export const KNOWN_OPERANDS: Readonly<Record<string, KnownShape>> = {
  div: shapeOf(new Set(['left', 'right', 'by_zero_default'])),
  pow: shapeOf(new Set(['base', 'exponent'])),
  lin_decay: DECAY,
  exp_decay: DECAY,
  gauss_decay: DECAY,
  geo_distance: shapeOf(new Set(['origin', 'to']), { origin: ORIGIN }),
}
/** The operands that are expressions. */
export const NAMED_EXPRESSIONS = ['left', 'right', 'base', 'exponent', 'x', 'target'] as const
/** Those that are of one expression or a list of them. */
export const PLAIN_OPERATIONS = new Set(['mult', 'sum', 'neg', 'abs', 'sqrt', 'exp', 'log10', 'ln'])

/** The operation that the expression is; null of numbers, variables and conditions. */
export function operationIn(expression: unknown): string | null {
  if (!isPlain(expression)) return null
  const [operation, ...more] = Object.keys(expression)
  return operation !== undefined && more.length === 0 ? operation : null
}

/** One that is nested too deep, or has too many expressions, is refused by whoever parses it. */
export function checkFormula(formula: unknown, field: string): void {
  new FormulaKeys().check(formula, field, 0)
}

class FormulaKeys {
  #expressions = 0

  check(expression: unknown, field: string, depth: number): void {
    const operation = operationIn(expression)
    if (operation === null || depth > LIMITS.formulaDepth) return
    if (++this.#expressions > LIMITS.formulaExpressions) return
    const operand = (expression as Readonly<Record<string, unknown>>)[operation]
    const place = `${field}.${operation}`
    if (PLAIN_OPERATIONS.has(operation)) this.#checkAll(operand, place, depth + 1)
    else if (Object.hasOwn(KNOWN_OPERANDS, operation) && isPlain(operand)) {
      checkShape(operand, KNOWN_OPERANDS[operation] as KnownShape, `${place}.`)
      for (const name of NAMED_EXPRESSIONS) this.check(operand[name], `${place}.${name}`, depth + 1)
    }
  }

  #checkAll(operand: unknown, place: string, depth: number): void {
    if (!Array.isArray(operand)) this.check(operand, place, depth)
    else for (let i = 0; i < operand.length; i++) this.check(operand[i], `${place}[${i}]`, depth)
  }
}
