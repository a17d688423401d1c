import { LIMITS } from '../core/limits.js'

/** Where the operands of an operation are: itself, a list of them, or by name. All else is no operation, or has none. */
const OPERANDS: Readonly<Record<string, 'one' | 'list' | readonly string[]>> = {
  neg: 'one',
  abs: 'one',
  sqrt: 'one',
  exp: 'one',
  log10: 'one',
  ln: 'one',
  mult: 'list',
  sum: 'list',
  div: ['left', 'right'],
  pow: ['base', 'exponent'],
  lin_decay: ['x', 'target'],
  exp_decay: ['x', 'target'],
  gauss_decay: ['x', 'target'],
  datetime: [],
  datetime_key: [],
  geo_distance: [],
}

interface Placed {
  value: unknown
  field: string
}

export interface PlacedCondition {
  condition: object
  field: string
}

/** The conditions in an unchecked expression, in no order; no further than in as many expressions as there may be. */
export function conditionsIn(formula: unknown, field: string): PlacedCondition[] {
  const found: PlacedCondition[] = []
  const left: Placed[] = [{ value: formula, field }]
  for (let seen = 0; seen < LIMITS.formulaExpressions; seen++) {
    const next = left.pop()
    if (!next) break
    if (!isFields(next.value)) continue
    const keys = Object.keys(next.value)
    const operator = keys.length === 1 ? (keys[0] as string) : ''
    if (Object.hasOwn(OPERANDS, operator)) left.push(...operandsOf(operator, next.value[operator], next.field))
    else found.push({ condition: next.value, field: next.field })
  }
  return found
}

function operandsOf(operator: string, operand: unknown, at: string): Placed[] {
  const places = OPERANDS[operator]
  const field = `${at}.${operator}`
  if (places === 'one') return [{ value: operand, field }]
  if (places === 'list') {
    const list = Array.isArray(operand) ? operand.slice(0, LIMITS.formulaExpressions) : []
    return list.map((value, i) => ({ value, field: `${field}[${i}]` }))
  }
  if (!isFields(operand) || !places) return []
  return places.map((name) => ({ value: operand[name], field: `${field}.${name}` }))
}

function isFields(value: unknown): value is Readonly<Record<string, unknown>> {
  return value !== null && typeof value === 'object' && !Array.isArray(value)
}
