import { Match } from '../core/filter.js'
import { LIMITS } from '../core/limits.js'
import { Keys } from '../core/vocabulary/keys.js'
import type { Place } from '../core/vocabulary/place.js'
import type { Reading } from '../core/vocabulary/reading.js'
import { fieldsAt } from './fields.js'
import type { FilterNode, MatchValues } from './node.js'
import type { PathStep } from './path.js'
import { inTurns, type Pause } from './pause.js'

const MATCH = new Keys(Match)
const KINDS = Object.keys(Match.properties)
const MIN_I64 = -(2n ** 63n)
const MAX_I64 = 2n ** 63n - 1n
const INTEGER = /^-?\d+$/

/** The `match` of a field condition. */
export function match(value: unknown, path: PathStep[], place: Place, reading: Reading): FilterNode {
  const fields = fieldsAt(value, MATCH, place, reading)
  const [key, ...others] = Object.keys(fields.value).filter((name) => fields.value[name] !== undefined)
  if (key === undefined || others.length > 0) throw reading.mistyped(place, `exactly one of ${KINDS.join(', ')}`)
  const at = { parent: place, key }
  const operand = fields.value[key]
  switch (MATCH.nameOf(key) as keyof typeof Match.properties) {
    case 'value':
      return { op: 'match', path, values: oneValue(operand, at, reading) }
    case 'any':
      return { op: 'match', path, values: listedValues(operand, at, reading) }
    case 'except':
      return { op: 'except', path, values: listedValues(operand, at, reading) }
    case 'prefix':
      return { op: 'startsWith', path, texts: [boundedText(operand, at, reading)] }
    case 'text':
      return { op: 'text', path, mode: 'all', text: boundedText(operand, at, reading) }
    case 'textAny':
      return { op: 'text', path, mode: 'any', text: boundedText(operand, at, reading) }
    case 'phrase':
      return { op: 'text', path, mode: 'phrase', text: boundedText(operand, at, reading) }
  }
}

function boundedText(value: unknown, place: Place, reading: Reading): string {
  if (typeof value !== 'string') throw reading.mistyped(place, 'a text', value ?? null)
  if (value.length > LIMITS.filterTextLength) {
    const most = `at most ${LIMITS.filterTextLength} characters`
    reading.violates({ place, expected: most, rule: `must be ${most}`, seen: value.length })
  }
  if (!value.isWellFormed()) throw reading.mistyped(place, 'well-formed Unicode', value)
  return value
}

function oneValue(value: unknown, place: Place, reading: Reading): MatchValues {
  const values = noValues()
  if (typeof value === 'boolean') values.booleans.push(value)
  else {
    const wrong = add(value, values)
    if (wrong !== null) throw reading.mistyped(place, wrong || 'a text, a 64-bit integer or a boolean', value ?? null)
  }
  return values
}

function listedValues(list: unknown, place: Place, reading: Reading): MatchValues {
  if (!Array.isArray(list)) throw reading.mistyped(place, 'an array of texts or of integers', list ?? null)
  const known = listsRead.get(list)
  if (known) return known
  const values = noValues()
  for (let at = 0; at < list.length; at++) addListed(list[at], values, at, place, reading)
  return ofOneKind(values, place, reading)
}

/** Values of long lists that were read in turns. */
const listsRead = new WeakMap<readonly unknown[], MatchValues>()

/** Reads the values of a long list in turns. `match` then finds them already read. */
export async function readListInTurns(
  list: readonly unknown[],
  place: Place,
  reading: Reading,
  pause: Pause,
): Promise<MatchValues> {
  const values = noValues()
  await inTurns(list, pause, (value, at) => addListed(value, values, at, place, reading))
  listsRead.set(list, ofOneKind(values, place, reading))
  return values
}

function ofOneKind(values: MatchValues, place: Place, reading: Reading): MatchValues {
  if (values.texts.length > 0 && values.integers.length > 0)
    throw reading.mistyped(place, 'only texts or only integers')
  return values
}

function noValues(): MatchValues {
  return { texts: [], integers: [], booleans: [] }
}

/** Makes a place only for an error: in a long list places take as long as everything else. */
function addListed(value: unknown, into: MatchValues, at: number, list: Place, reading: Reading): void {
  const wrong = add(value, into)
  if (wrong !== null) {
    throw reading.mistyped({ parent: list, key: at }, wrong || 'a text or a 64-bit integer', value ?? null)
  }
}

/**
 * Adds the value. Returns null, or for a wrong value the expected one as text: empty if it is neither text nor integer.
 */
function add(value: unknown, into: MatchValues): string | null {
  if (value instanceof Date && !Number.isNaN(value.getTime())) {
    into.texts.push(value.toISOString())
    return null
  }
  if (typeof value === 'string') {
    if (!value.isWellFormed()) return 'well-formed Unicode'
    into.texts.push(value)
    return null
  }
  const integer = integerOf(value)
  if (integer === null) return ''
  into.integers.push(integer)
  return null
}

/** A large number means the integer that JSON would write for it, because payloads are stored as JSON. */
function integerOf(value: unknown): bigint | null {
  if (Number.isSafeInteger(value)) return BigInt(value as number)
  if (typeof value !== 'bigint' && (typeof value !== 'number' || !INTEGER.test(String(value)))) return null
  const integer = BigInt(String(value))
  return integer >= MIN_I64 && integer <= MAX_I64 ? integer : null
}
