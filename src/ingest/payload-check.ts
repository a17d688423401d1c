/** The check `payload`: a small schema of one value of each payload. */
import { invalid } from '../core/errors.js'
import type { Fix, IngestionRule } from '../core/ingestion-rules.js'
import type { Payload } from '../core/point.js'
import { joinTextId, splitTextId } from '../core/text-ids.js'
import { nextTurn } from '../core/turn-budget.js'
import { isPlain } from '../core/vocabulary/plain.js'
import { type PathStep, parsePath } from '../filter/path.js'
import { parsePayload, writePayload } from '../filter/payload-json.js'
import { type Breach, type CheckedBatch, rangeOf } from './checked-batch.js'

/** How long reading payloads may hold the thread before others have their turn. */
const MOST_MS = 2
const ROWS_OF_STEP = 64

const IS_OF_TYPE: Readonly<Record<NonNullable<IngestionRule['type']>, (value: unknown) => boolean>> = {
  text: (value) => typeof value === 'string',
  integer: (value) => Number.isInteger(value) || typeof value === 'bigint',
  number: (value) => typeof value === 'number' || typeof value === 'bigint',
  boolean: (value) => typeof value === 'boolean',
  array: (value) => Array.isArray(value),
  object: (value) => isPlain(value),
}

export async function* payloadBreaches(rule: IngestionRule, batch: CheckedBatch): AsyncGenerator<Breach> {
  const key = rule.key as string
  const path = parsePath(key, 'key')
  const field = `payload.${key}`
  const [step] = path
  const isKey = path.length === 1 && step?.kind === 'key'
  let started = performance.now()
  for (let row = 0; row < batch.columns.count; row++) {
    if (row % ROWS_OF_STEP === 0 && performance.now() - started > MOST_MS) {
      await nextTurn()
      started = performance.now()
    }
    if (!batch.isOpen(row)) continue
    // Most payloads are in order: a look at the plain value is enough for them.
    if (isKey && isInOrder(batch, row, step.key, rule)) continue
    const { textId, payload, places } = placesIn(batch, row, path)
    const broken = firstBroken(places, rule)
    if (broken === null) continue
    const error = invalid(field, broken.expected, broken.value)
    const mend = (fix: Fix) => {
      if (fix !== 'clamp' || !clamp(places, rule)) return false
      batch.texts.set(row, joinTextId(textId, writePayload(payload)))
      return true
    }
    yield { row, error, mend, remains: () => firstBroken(placesIn(batch, row, path).places, rule) !== null }
  }
}

/** False if a closer look is needed. */
function isInOrder({ texts, textOf }: CheckedBatch, row: number, key: string, rule: IngestionRule): boolean {
  const { payload } = splitTextId(texts.get(row) ?? textOf(row))
  const value = payload === '' ? undefined : (JSON.parse(payload) as Payload)
  const found = value && Object.hasOwn(value, key) ? value[key] : undefined
  return found === undefined || found === null ? !rule.required : expectedOf(found, rule) === null
}

/** The payload of a row as the rules before have left it, and its values at the path. */
function placesIn({ texts, textOf }: CheckedBatch, row: number, path: readonly PathStep[]) {
  const { textId, payload: text } = splitTextId(texts.get(row) ?? textOf(row))
  const payload: Payload = text === '' ? {} : parsePayload(text)
  const places = [...valuesAt(payload, path)].filter(({ value }) => value !== null && value !== undefined)
  return { textId, payload, places }
}

function firstBroken(places: readonly Place[], rule: IngestionRule): { expected: string; value: unknown } | null {
  if (places.length === 0) return rule.required ? { expected: 'expected a value', value: null } : null
  for (const { value } of places) {
    const expected = expectedOf(value, rule)
    if (expected !== null) return { expected, value }
  }
  return null
}

/** The value that the rule expects, as text for an error; null if the value is in order. */
function expectedOf(value: unknown, rule: IngestionRule): string | null {
  const { type, min, max } = rule
  if (type !== undefined && !IS_OF_TYPE[type](value)) return `expected a value of type ${type}`
  if (rule.enum && !rule.enum.includes(value as string)) return `expected one of ${JSON.stringify(rule.enum)}`
  if (min === undefined && max === undefined) return null
  if (IS_OF_TYPE.number(value) && isWithin(Number(value), rule)) return null
  return `expected a number ${rangeOf(rule)}`
}

function isWithin(value: number, { min, max }: IngestionRule): boolean {
  return value >= (min ?? value) && value <= (max ?? value)
}

/** Moves numbers to the bounds. False, and nothing is changed, where a value would break the rule all the same. */
function clamp(places: readonly Place[], rule: IngestionRule): boolean {
  const { min = Number.NEGATIVE_INFINITY, max = Number.POSITIVE_INFINITY } = rule
  const clamped = places.map(({ value }) => {
    if (!IS_OF_TYPE.number(value) || isWithin(Number(value), rule)) return value
    return Math.min(max, Math.max(min, Number(value)))
  })
  if (clamped.some((value) => expectedOf(value, rule) !== null)) return false
  for (const [at, { within, key }] of places.entries()) within[key] = clamped[at]
  return true
}

interface Place {
  within: Record<string | number, unknown>
  key: string | number
  value: unknown
}

/** The values that a path leads to, each with the object or array that has it. */
function* valuesAt(value: unknown, path: readonly PathStep[], at = 0): Generator<Place> {
  const step = path[at] as PathStep
  const keys: (string | number)[] = []
  if (step.kind === 'key') {
    if (isPlain(value) && Object.hasOwn(value, step.key)) keys.push(step.key)
  } else if (Array.isArray(value)) {
    // No spread: the arguments of a call are too few for a long array.
    if (step.kind === 'all') for (let index = 0; index < value.length; index++) keys.push(index)
    else if (step.index < value.length) keys.push(step.index)
  }
  const within = value as Place['within']
  for (const key of keys) {
    if (at === path.length - 1) yield { within, key, value: within[key] }
    else yield* valuesAt(within[key], path, at + 1)
  }
}
