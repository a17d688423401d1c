import { invalid } from '../../core/errors.js'
import { LIMITS } from '../../core/limits.js'
import { MEMORY_PLACEMENTS, type MemoryPlacement } from '../../core/memory.js'

// A name may not steer a path, a log line or a terminal: no separators, wildcards or control characters.
const FORBIDDEN_IN_NAME = /[<>:"/\\|?*\p{Cc}]/u

export function checkVectorName(name: string, field = 'vectors'): void {
  if (name.length > LIMITS.nameLength || name.length === 0 || FORBIDDEN_IN_NAME.test(name) || !name.isWellFormed()) {
    throw invalid(field, `expected names of 1 to ${LIMITS.nameLength} characters without <>:"/\\|?*`, name)
  }
}

export function checkPlacement(value: unknown, field: string): asserts value is MemoryPlacement {
  if (!MEMORY_PLACEMENTS.includes(value as MemoryPlacement)) {
    throw invalid(field, `expected one of ${MEMORY_PLACEMENTS.join(', ')}`, value)
  }
}
