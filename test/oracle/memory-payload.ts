/** Payload verbs of the in-memory oracle: paths, merging, selecting. */
import type { WithPayload, WriteOperation } from '../../src/core/database.js'
import { invalid } from '../../src/core/errors.js'
import { plainPayload } from './memory-checks.js'

type Json = unknown
type JsonObject = Record<string, Json>
/** A key, every element (`[]`), or one element. */
type Step = { key: string } | { every: true } | { index: number }

const STEP = /(?:^|\.)(?:"((?:[^"\\]|\\.)*)"|([^.[\]"]+))|\[(\d*)\]/y

export function parsePath(path: string): Step[] {
  const steps: Step[] = []
  STEP.lastIndex = 0
  while (STEP.lastIndex < path.length) {
    const match = STEP.exec(path)
    if (!match) throw invalid('key', 'expected a payload path', path)
    const [, quoted, plain, index] = match
    if (index !== undefined) steps.push(index === '' ? { every: true } : { index: Number(index) })
    else steps.push({ key: plain ?? (quoted as string).replace(/\\(.)/g, '$1') })
  }
  if (steps.length === 0) throw invalid('key', 'expected a payload path', path)
  return steps
}

/** Merges at the root, or into the object at `path`, which is created if it is missing. */
export function mergePayload(target: JsonObject, patch: JsonObject, path: string | undefined): JsonObject {
  const copy = structuredClone(target)
  if (path === undefined) return merged(copy, patch)
  return mergeAt(copy, parsePath(path), patch) as JsonObject
}

function mergeAt(value: Json, steps: readonly Step[], patch: JsonObject): Json {
  const [step, ...rest] = steps
  if (!step) return merged(isObject(value) ? value : {}, patch)
  if ('key' in step) {
    const object = isObject(value) ? value : {}
    return merged(object, {
      [step.key]: mergeAt(Object.hasOwn(object, step.key) ? object[step.key] : null, rest, patch),
    })
  }
  if (!Array.isArray(value)) return 'every' in step ? [] : value
  return value.map((element, i) => ('every' in step || step.index === i ? mergeAt(element, rest, patch) : element))
}

function merged(target: JsonObject, patch: JsonObject): JsonObject {
  return Object.fromEntries([...Object.entries(target), ...Object.entries(patch)])
}

export function deleteKeys(target: JsonObject, paths: readonly string[]): JsonObject {
  const copy = structuredClone(target)
  for (const path of paths) deleteAt(copy, parsePath(path))
  return copy
}

function deleteAt(value: Json, steps: readonly Step[]): void {
  const [step, ...rest] = steps
  if (!step) return
  if ('key' in step) {
    if (!isObject(value) || !Object.hasOwn(value, step.key)) return
    if (rest.length === 0) delete value[step.key]
    else if (isEvery(rest) && Array.isArray(value[step.key])) value[step.key] = []
    else deleteAt(value[step.key], rest)
  } else if (Array.isArray(value)) {
    const elements = 'every' in step ? value : value.slice(step.index, step.index + 1)
    for (const element of elements) deleteAt(element, rest)
  }
}

function isEvery(steps: readonly Step[]): boolean {
  return steps.length === 1 && 'every' in (steps[0] as Step)
}

export function selectPayload(payload: JsonObject, selector: WithPayload): JsonObject | undefined {
  if (selector === false) return undefined
  if (selector === true) return structuredClone(payload)
  if (Array.isArray(selector)) return included(payload, selector)
  if ('include' in (selector as object)) return included(payload, (selector as { include: string[] }).include)
  return deleteKeys(payload, (selector as { exclude: string[] }).exclude)
}

function included(payload: JsonObject, paths: readonly string[]): JsonObject {
  const result: JsonObject = {}
  for (const path of paths) {
    const keys = parsePath(path).map((step) => ('key' in step ? step.key : ''))
    let from: Json = payload
    for (const key of keys) from = isObject(from) && Object.hasOwn(from, key) ? from[key] : undefined
    if (from === undefined) continue
    let into = result
    for (const key of keys.slice(0, -1)) {
      if (!isObject(into[key])) into[key] = {}
      into = into[key] as JsonObject
    }
    into[keys.at(-1) as string] = structuredClone(from)
  }
  return result
}

function isObject(value: Json): value is JsonObject {
  return value !== null && typeof value === 'object' && !Array.isArray(value)
}

/** The values at a path; an array at its end counts as its elements. */
export function valuesOf(payload: JsonObject, path: string): Json[] {
  const steps = parsePath(path)
  const found = steps.reduce<Json[]>((values, step) => values.flatMap((value) => follow(value, step)), [payload])
  const last = steps.at(-1) as Step
  return 'every' in last ? found : found.flat(1)
}

function follow(value: Json, step: Step): Json[] {
  if ('key' in step) return isObject(value) && Object.hasOwn(value, step.key) ? [value[step.key]] : []
  if (!Array.isArray(value)) return []
  return 'every' in step ? value : value.slice(step.index, step.index + 1)
}

export type PayloadOperation = Exclude<WriteOperation, { op: 'upsert' | 'updateVectors' | 'deleteVectors' | 'delete' }>

export function changedPayload(payload: JsonObject, operation: PayloadOperation): JsonObject {
  if (operation.op === 'clearPayload') return {}
  if (operation.op === 'deletePayload') return deleteKeys(payload, operation.keys)
  if (operation.op === 'overwritePayload') return plainPayload(operation.payload)
  return mergePayload(payload, plainPayload(operation.payload), operation.key)
}
