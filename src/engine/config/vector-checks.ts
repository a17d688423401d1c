import { invalid } from '../../core/errors.js'
import { LIMITS } from '../../core/limits.js'

// A name may not steer a path, a log line or a terminal: no separators, wildcards or control characters.
const FORBIDDEN_IN_NAME = /[<>:"/\\|?*\p{Cc}]/u

export function checkVectorName(name: string, field = 'vectors'): void {
  if (name.length > LIMITS.nameLength || name.length === 0 || FORBIDDEN_IN_NAME.test(name) || !name.isWellFormed()) {
    throw invalid(field, `expected names of 1 to ${LIMITS.nameLength} characters without <>:"/\\|?*`, name)
  }
}

export function checkInteger(value: unknown, least: number, most: number, field: string): asserts value is number {
  if (typeof value !== 'number' || !Number.isInteger(value) || value < least || value > most) {
    throw invalid(field, `expected an integer from ${least} to ${most}`, value)
  }
}
