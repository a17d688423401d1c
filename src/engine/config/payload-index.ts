import { describeValue, invalid } from '../../core/errors.js'
import { LIMITS } from '../../core/limits.js'
import { MEMORY_PLACEMENTS } from '../../core/memory.js'
import {
  PAYLOAD_INDEX_KINDS,
  PAYLOAD_INDEX_PARAMS,
  type PayloadIndexKind,
  type PayloadIndexParams,
  SNOWBALL_LANGUAGES,
  STOPWORD_LANGUAGES,
  TOKENIZERS,
  wireName,
} from '../../core/payload-index.js'
import { isPlain } from '../../core/vocabulary/plain.js'
import { isSet } from '../../filter/fields.js'
import { parsePath } from '../../filter/path.js'
import { encodeTextOptions } from '../../filter/text-options.js'
import type { Shard } from '../../native/shard.js'
import { checkInteger } from './vector-checks.js'

/** A payload index as the manifest keeps it: `params` has only the settings that the caller gave. */
export interface IndexedField {
  field: string
  kind: PayloadIndexKind
  params?: PayloadIndexParams
}

/** Checks a payload index. `schema` is a kind, or an object with the kind as its `type`. */
export function checkPayloadIndex(field: unknown, schema: unknown): IndexedField {
  if (typeof field !== 'string' || field.length === 0 || field.length > LIMITS.nameLength) {
    throw invalid('field_name', `expected a payload path of 1 to ${LIMITS.nameLength} characters`, field)
  }
  parsePath(field, 'field_name')
  const { type, ...given } = typeof schema === 'string' ? { type: schema } : objectAt(schema, 'field_schema')
  const kind = type as PayloadIndexKind
  if (!PAYLOAD_INDEX_KINDS.includes(kind)) {
    throw invalid('field_schema', `expected one of ${PAYLOAD_INDEX_KINDS.join(', ')}`, type)
  }
  if (typeof schema === 'string') return { field, kind }
  const set = Object.entries(given).filter(([, value]) => isSet(value))
  const params = Object.fromEntries(set) as PayloadIndexParams
  checkKeys(params as Record<string, unknown>, PAYLOAD_INDEX_PARAMS[kind], 'field_schema')
  for (const [name, value] of set) checkParam(name as keyof PayloadIndexParams, value, `field_schema.${wireName(name)}`)
  checkTogether(params)
  // Refuses stop words of a language without a list here, not when the index is built.
  if (kind === 'text') encodeTextOptions(params)
  return { field, kind, params }
}

export async function buildIndexes(shard: Shard, indexes: readonly IndexedField[]): Promise<void> {
  for (const index of indexes) await buildIndex(shard, index)
}

export async function buildIndex(shard: Shard, index: IndexedField): Promise<void> {
  const hasGraphs = index.params?.enableHnsw !== false
  const placed = { onDisk: isOnDisk(index), hasGraphs }
  await shard.createPayloadIndex(index.field, index.kind, textOptionsOf(index), placed)
}

/** `memory` is the newer setting and overrides `onDisk`. */
export function isOnDisk({ params }: IndexedField): boolean {
  return params?.memory === undefined ? params?.onDisk === true : params.memory === 'cold'
}

/** How a text index splits texts into words; null for other kinds. */
function textOptionsOf({ kind, params }: IndexedField): Uint8Array | null {
  return kind === 'text' ? encodeTextOptions(params ?? {}) : null
}

function checkParam(name: keyof PayloadIndexParams, value: unknown, field: string): void {
  if (name === 'memory') checkOneOf(value, MEMORY_PLACEMENTS, field)
  else if (name === 'tokenizer') checkOneOf(value, TOKENIZERS, field)
  else if (name === 'minTokenLen' || name === 'maxTokenLen') checkInteger(value, 0, LIMITS.tokenLength, field)
  else if (name === 'stopwords') checkStopwords(value, field)
  else if (name === 'stemmer') checkStemmer(value, field)
  else if (typeof value !== 'boolean') throw invalid(field, 'expected a boolean', value)
}

function checkTogether({ lookup, range, minTokenLen, maxTokenLen }: PayloadIndexParams): void {
  if (lookup === false && range === false) {
    throw invalid('field_schema', "the 'lookup' and 'range' capabilities can't be both disabled")
  }
  if (minTokenLen !== undefined && maxTokenLen !== undefined && minTokenLen > maxTokenLen) {
    throw invalid('field_schema.min_token_len', `expected at most max_token_len (${maxTokenLen})`, minTokenLen)
  }
}

function checkStopwords(value: unknown, field: string): void {
  if (typeof value === 'string') {
    checkOneOf(value, STOPWORD_LANGUAGES, field)
    return
  }
  const { languages, custom, ...others } = objectAt(value, field)
  checkKeys(others, [], field)
  if (isSet(languages)) {
    for (const [i, language] of listAt(languages, STOPWORD_LANGUAGES.length, `${field}.languages`).entries()) {
      checkOneOf(language, STOPWORD_LANGUAGES, `${field}.languages[${i}]`)
    }
  }
  if (!isSet(custom)) return
  for (const [i, word] of listAt(custom, LIMITS.stopwords, `${field}.custom`).entries()) {
    if (typeof word !== 'string' || word.length > LIMITS.nameLength || !word.isWellFormed()) {
      throw invalid(`${field}.custom[${i}]`, `expected a word of at most ${LIMITS.nameLength} characters`, word)
    }
  }
}

function checkStemmer(value: unknown, field: string): void {
  const { type, language, ...others } = objectAt(value, field)
  checkKeys(others, ['type', 'language'], field)
  checkOneOf(type, ['snowball', 'none'], `${field}.type`)
  if (type === 'snowball') checkOneOf(language, SNOWBALL_LANGUAGES, `${field}.language`)
}

function listAt(value: unknown, most: number, field: string): unknown[] {
  if (!Array.isArray(value)) throw invalid(field, 'expected an array', value)
  if (value.length > most) throw invalid(field, `expected at most ${most} values`, value.length)
  return value
}

function checkOneOf(value: unknown, allowed: readonly string[], field: string): void {
  if (!allowed.includes(value as string)) throw invalid(field, `expected one of ${allowed.join(', ')}`, value)
}

function objectAt(value: unknown, field: string): Record<string, unknown> {
  if (isPlain(value)) return value
  throw invalid(field, 'expected an object', value)
}

function checkKeys(fields: object, allowed: readonly string[], field: string): void {
  for (const key of Object.keys(fields)) {
    if (allowed.includes(key)) continue
    throw invalid(`${field}.${describeValue(key).slice(1, -1)}`, `unknown key, expected one of ${allowed.join(', ')}`)
  }
}
