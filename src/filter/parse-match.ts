import { invalid } from '../core/errors.js'
import { LIMITS } from '../core/limits.js'
import { checkKeys, objectAt } from './fields.js'
import type { FilterNode, MatchValues } from './node.js'
import type { PathStep } from './path.js'
import { inTurns, type Pause } from './pause.js'

const KINDS = ['value', 'any', 'except', 'text', 'text_any', 'phrase', 'prefix'] as const
const MIN_I64 = -(2n ** 63n)
const MAX_I64 = 2n ** 63n - 1n
const INTEGER = /^-?\d+$/

/** The `match` of a field condition. */
export function match(value: unknown, path: PathStep[], field: string): FilterNode {
  const operands = objectAt(value, field)
  checkKeys(operands, KINDS, field)
  const [kind, ...others] = Object.keys(operands) as (typeof KINDS)[number][]
  if (kind === undefined || others.length > 0) throw invalid(field, `expected exactly one of ${KINDS.join(', ')}`)
  const at = `${field}.${kind}`
  const operand = operands[kind]
  switch (kind) {
    case 'value':
      return { op: 'match', path, values: oneValue(operand, at) }
    case 'any':
      return { op: 'match', path, values: listedValues(operand, at) }
    case 'except':
      return { op: 'except', path, values: listedValues(operand, at) }
    case 'prefix':
      return { op: 'startsWith', path, texts: [boundedText(operand, at)] }
    case 'text':
      return { op: 'text', path, mode: 'all', text: boundedText(operand, at) }
    case 'text_any':
      return { op: 'text', path, mode: 'any', text: boundedText(operand, at) }
    case 'phrase':
      return { op: 'text', path, mode: 'phrase', text: boundedText(operand, at) }
  }
}

function boundedText(value: unknown, field: string): string {
  if (typeof value !== 'string') throw invalid(field, 'expected a text', value)
  if (value.length > LIMITS.filterTextLength) {
    throw invalid(field, `expected at most ${LIMITS.filterTextLength} characters`, value.length)
  }
  if (!value.isWellFormed()) throw invalid(field, 'expected well-formed Unicode', value)
  return value
}

function oneValue(value: unknown, field: string): MatchValues {
  const values = noValues()
  if (typeof value === 'boolean') values.booleans.push(value)
  else addValue(value, values, field, 'a text, a 64-bit integer or a boolean')
  return values
}

function listedValues(list: unknown, field: string): MatchValues {
  if (!Array.isArray(list)) throw invalid(field, 'expected an array of texts or of integers', list)
  const known = listsRead.get(list)
  if (known) return known
  const values = noValues()
  checkLength(list, field)
  for (let i = 0; i < list.length; i++) addListed(list[i], values, field, i)
  return ofOneKind(values, field)
}

/** Values of long lists that were read in turns. */
const listsRead = new WeakMap<readonly unknown[], MatchValues>()

/** Reads the values of a long list in turns. `match` then finds them already read. */
export async function readListInTurns(list: readonly unknown[], field: string, pause: Pause): Promise<MatchValues> {
  const values = noValues()
  checkLength(list, field)
  await inTurns(list, pause, (value, i) => addListed(value, values, field, i))
  listsRead.set(list, ofOneKind(values, field))
  return values
}

function checkLength(list: readonly unknown[], field: string): void {
  if (list.length > LIMITS.filterValues) {
    throw invalid(field, `expected at most ${LIMITS.filterValues} values`, list.length)
  }
}

function ofOneKind(values: MatchValues, field: string): MatchValues {
  if (values.texts.length > 0 && values.integers.length > 0)
    throw invalid(field, 'expected only texts or only integers')
  return values
}

function noValues(): MatchValues {
  return { texts: [], integers: [], booleans: [] }
}

/** Builds the name of a place only for an error: in a long list names take as long as everything else. */
function addListed(value: unknown, into: MatchValues, list: string, at: number): void {
  const wrong = add(value, into)
  if (wrong !== null) throw invalid(`${list}[${at}]`, wrong || 'expected a text or a 64-bit integer', value)
}

function addValue(value: unknown, into: MatchValues, field: string, expected: string): void {
  const wrong = add(value, into)
  if (wrong !== null) throw invalid(field, wrong || `expected ${expected}`, value)
}

/**
 * Adds the value. Returns the error, which is empty if the value is neither text nor integer; null without an error.
 */
function add(value: unknown, into: MatchValues): string | null {
  if (typeof value === 'string') {
    if (!value.isWellFormed()) return 'expected well-formed Unicode'
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
