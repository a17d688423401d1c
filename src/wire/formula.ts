import { KNOWN_OPERANDS, NAMED_EXPRESSIONS, operationIn, PLAIN_OPERATIONS } from '../core/known-formula.js'
import type { KnownShape } from '../core/known-keys.js'
import { isObject, knownShape } from './fields.js'

/** A formula as it came, without keys that nobody knows. It is no deeper than a body may be. */
export function knownFormula(expression: unknown): unknown {
  const operation = operationIn(expression)
  if (operation === null) return expression
  const operand = (expression as Readonly<Record<string, unknown>>)[operation]
  if (PLAIN_OPERATIONS.has(operation)) {
    return { [operation]: Array.isArray(operand) ? operand.map(knownFormula) : knownFormula(operand) }
  }
  if (!Object.hasOwn(KNOWN_OPERANDS, operation) || !isObject(operand)) return expression
  const known = knownShape(operand, KNOWN_OPERANDS[operation] as KnownShape) as Record<string, unknown>
  for (const name of NAMED_EXPRESSIONS) if (name in known) known[name] = knownFormula(known[name])
  return { [operation]: known }
}
