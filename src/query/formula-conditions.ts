import type { TSchema } from 'typebox'
import { Expression, OPERATIONS, operationIn } from '../core/formula.js'
import { LIMITS } from '../core/limits.js'
import { resolved } from '../core/vocabulary/declare.js'
import { isPlain } from '../core/vocabulary/plain.js'
import { Fields } from '../filter/fields.js'
import type { Start } from '../filter/parse.js'

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
