import { invalid } from '../core/errors.js'
import { LIMITS } from '../core/limits.js'
import { TEXT_ID_KEY } from '../core/text-ids.js'

/** One step into a payload: a key, every element of an array (`[]`), or one of them (`[3]`). */
export type PathStep = { kind: 'key'; key: string } | { kind: 'all' } | { kind: 'index'; index: number }

const BARE_KEY = /[^.[\]"]+/y
const QUOTED_KEY = /"((?:[^"\\]|\\.)*)"/sy
const ESCAPED = /\\(.)/gs
const BRACKETS = /\[(\d{0,9})\]/y

/**
 * A payload path in Qdrant's notation: `a.b`, `a[].b`, `a[0]`, `"a key.with dots".b`. The path enters an array only by
 * brackets. Within quotes a backslash escapes the next character. native/filter/json_path.cpp reads the same language.
 */
export function parsePath(path: unknown, field: string): PathStep[] {
  // Consecutive conditions often have the same field.
  if (path !== last.path) last = { path, steps: stepsOf(path, field) }
  return last.steps
}

let last: { path: unknown; steps: PathStep[] } = { path: Symbol('none'), steps: [] }

function stepsOf(path: unknown, field: string): PathStep[] {
  if (typeof path !== 'string' || path.length === 0) throw invalid(field, 'expected a payload key', path)
  if (path.length > LIMITS.nameLength)
    throw invalid(field, `expected at most ${LIMITS.nameLength} characters`, path.length)
  if (!path.isWellFormed()) throw invalid(field, 'expected well-formed Unicode', path)
  const steps: PathStep[] = []
  let at = 0
  const take = (pattern: RegExp): RegExpExecArray | null => {
    pattern.lastIndex = at
    const found = pattern.exec(path)
    if (found) at = pattern.lastIndex
    return found
  }
  do {
    const key = take(BARE_KEY)?.[0] ?? take(QUOTED_KEY)?.[1]?.replace(ESCAPED, '$1')
    if (key === undefined) throw invalid(field, 'expected a payload key such as a.b, a[].b or "a.b"', path)
    if (key === TEXT_ID_KEY) throw invalid(field, 'expected a payload key that is not reserved for ids', path)
    steps.push({ kind: 'key', key })
    if (at === path.length) return checkLength(steps, field)
    for (let found = take(BRACKETS); found; found = take(BRACKETS)) {
      steps.push(found[1] === '' ? { kind: 'all' } : { kind: 'index', index: Number(found[1]) })
    }
    if (at === path.length) return checkLength(steps, field)
  } while (path[at++] === '.')
  throw invalid(field, 'expected a payload key such as a.b, a[].b or "a.b"', path)
}

function checkLength(steps: PathStep[], field: string): PathStep[] {
  if (steps.length > LIMITS.pathSegments)
    throw invalid(field, `expected at most ${LIMITS.pathSegments} steps`, steps.length)
  return steps
}
