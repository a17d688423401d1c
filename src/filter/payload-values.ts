import type { Payload } from '../core/point.js'
import type { PathStep } from './path.js'

/**
 * The values at a path of a payload. An array at its end counts as its elements, as in payload indexes. Empty if the
 * path leads nowhere.
 */
export function valuesAt(payload: Payload, path: readonly PathStep[]): unknown[] {
  let found: unknown[] = [payload]
  for (const step of path) found = found.flatMap((value) => [...into(value, step)])
  return path.at(-1)?.kind === 'all' ? found : found.flat(1)
}

function into(value: unknown, step: PathStep): readonly unknown[] {
  if (step.kind === 'key') {
    const isObject = value !== null && typeof value === 'object' && !Array.isArray(value)
    return isObject && Object.hasOwn(value, step.key) ? [(value as Payload)[step.key]] : []
  }
  if (!Array.isArray(value)) return []
  if (step.kind === 'all') return value
  return step.index < value.length ? [value[step.index]] : []
}
