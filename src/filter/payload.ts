import type { Payload } from '../core/point.js'
import { type PathStep, parsePath } from './path.js'

/*
 * Changes of payloads as Qdrant makes them. They are made in place, so callers pass a payload of their own. Keys come
 * from users, so every write defines an own property: `__proto__` is a key like any other.
 */

/**
 * Merges the patch's keys into the payload: at the top, or into every object at `key`. A null in the patch removes its
 * key.
 */
export function applyPatch(payload: Payload, patch: Payload, key?: string): Payload {
  if (key === undefined) return merge(payload, patch)
  const steps = parsePath(key, 'key')
  return setAt(payload, steps, 0, patch) as Payload
}

function merge(into: unknown, patch: Payload): Payload {
  const merged: Payload = isObject(into) ? into : {}
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete merged[key]
    else setOwn(merged, key, value)
  }
  return merged
}

/** Creates missing objects on the way. Array elements are changed if they exist, and never added. */
function setAt(value: unknown, steps: readonly PathStep[], at: number, patch: Payload): unknown {
  const step = steps[at]
  if (!step) return merge(value, patch)
  if (step.kind === 'key') {
    const object: Payload = isObject(value) ? value : {}
    setOwn(object, step.key, setAt(getOwn(object, step.key), steps, at + 1, patch))
    return object
  }
  const array: unknown[] = Array.isArray(value) ? value : []
  for (const index of indexes(step, array)) array[index] = setAt(array[index], steps, at + 1, patch)
  return array
}

/** The payload without the values at the paths. */
export function deleteKeys(payload: Payload, paths: readonly string[], field = 'keys'): Payload {
  for (const path of paths) deleteAt(payload, parsePath(path, field), 0)
  return payload
}

function deleteAt(value: unknown, steps: readonly PathStep[], at: number): void {
  const step = steps[at] as PathStep
  const isLast = at === steps.length - 1
  if (step.kind === 'key') {
    if (!isObject(value) || !Object.hasOwn(value, step.key)) return
    if (isLast) delete value[step.key]
    else deleteAt(value[step.key], steps, at + 1)
  } else if (Array.isArray(value)) {
    const chosen = indexes(step, value)
    if (!isLast) for (const index of chosen) deleteAt(value[index], steps, at + 1)
    else if (step.kind === 'all') value.length = 0
    // Array elements are never removed: a replay may run twice and would then remove two.
  }
}

/** The parts of a payload that a reader asked for, with the objects and arrays around them. */
export function selectPayload(
  payload: Payload,
  selection: { include: readonly string[] } | { exclude: readonly string[] },
): Payload {
  if ('exclude' in selection) return deleteKeys(payload, selection.exclude, 'withPayload')
  const paths = selection.include.map((path) => parsePath(path, 'withPayload'))
  return (selectAt(payload, paths, 0) ?? {}) as Payload
}

/** The values at the paths, of which `at` steps are done; undefined if there are none. */
function selectAt(value: unknown, paths: readonly PathStep[][], at: number): unknown {
  if (paths.some((path) => path.length === at)) return value
  if (Array.isArray(value)) {
    const selected: unknown[] = []
    for (const [i, element] of value.entries()) {
      const through = paths.filter((path) => leadsInto(path[at] as PathStep, i))
      const part = through.length > 0 ? selectAt(element, through, at + 1) : undefined
      if (part !== undefined) selected.push(part)
    }
    return selected.length > 0 ? selected : undefined
  }
  if (!isObject(value)) return undefined
  const selected: Payload = {}
  for (const [key, through] of byKey(paths, at)) {
    const part = Object.hasOwn(value, key) ? selectAt(value[key], through, at + 1) : undefined
    if (part !== undefined) setOwn(selected, key, part)
  }
  return Object.keys(selected).length > 0 ? selected : undefined
}

function leadsInto(step: PathStep, index: number): boolean {
  return step.kind === 'all' || (step.kind === 'index' && step.index === index)
}

function byKey(paths: readonly PathStep[][], at: number): Map<string, PathStep[][]> {
  const groups = new Map<string, PathStep[][]>()
  for (const path of paths) {
    const step = path[at] as PathStep
    if (step.kind !== 'key') continue
    const group = groups.get(step.key)
    if (group) group.push(path)
    else groups.set(step.key, [path])
  }
  return groups
}

function indexes(step: PathStep, array: readonly unknown[]): number[] {
  if (step.kind === 'all') return Array.from(array.keys())
  return step.kind === 'index' && step.index < array.length ? [step.index] : []
}

function isObject(value: unknown): value is Payload {
  return value !== null && typeof value === 'object' && !Array.isArray(value)
}

function getOwn(object: Payload, key: string): unknown {
  return Object.hasOwn(object, key) ? object[key] : undefined
}

function setOwn(object: Payload, key: string, value: unknown): void {
  Object.defineProperty(object, key, { value, enumerable: true, configurable: true, writable: true })
}
