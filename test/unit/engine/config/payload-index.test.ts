import { describe, expect, it } from 'vitest'
import type { VicinalError } from '../../../../src/core/errors.js'
import { LIMITS } from '../../../../src/core/limits.js'
import { PAYLOAD_INDEX_KINDS, PAYLOAD_INDEX_PARAMS, SNOWBALL_LANGUAGES } from '../../../../src/core/payload-index.js'
import { checkPayloadIndex } from '../../../../src/engine/config/payload-index.js'
import { encodeTextOptions } from '../../../../src/filter/text-options.js'
import { Shard } from '../../../../src/native/shard.js'
import { payloadIndexOf, wireIndexSchema } from '../../../../src/wire/payload-index.js'

const text = (params: object) => ({ type: 'text', ...params })
const many = (count: number) => Array.from({ length: count }, (_, at) => `w${at}`)

const REFUSED: [field: unknown, schema: unknown, expected: string][] = [
  ['', 'keyword', 'field_name: expected a payload path of 1 to 255 characters'],
  [7, 'keyword', 'field_name: expected a payload path'],
  ['a.', 'keyword', 'field_name: expected a payload key'],
  ['a'.repeat(256), 'keyword', 'field_name: expected a payload path of 1 to 255 characters'],
  ['a', 'vector', 'field_schema: expected one of keyword, integer'],
  ['a', null, 'field_schema: expected an object, got null'],
  ['a', {}, 'field_schema: expected one of keyword, integer'],
  ['a', { type: 'geo', lookup: true }, 'field_schema.lookup: unknown key'],
  ['a', { type: 'integer', lookup: false, range: false }, "field_schema: the 'lookup' and 'range' capabilities"],
  ['a', { type: 'keyword', isTenant: 1 }, 'field_schema.is_tenant: expected a boolean, got 1'],
  ['a', { type: 'float', memory: 'ram' }, 'field_schema.memory: expected one of'],
  ['a', text({ tokenizer: 'regex' }), 'field_schema.tokenizer: expected one of word, whitespace, prefix, multilingual'],
  ['a', text({ minTokenLen: -1 }), 'field_schema.min_token_len: expected an integer from 0 to 65536, got -1'],
  ['a', text({ maxTokenLen: 65_537 }), 'field_schema.max_token_len: expected an integer from 0 to 65536, got 65537'],
  [
    'a',
    text({ minTokenLen: 3, maxTokenLen: 2 }),
    'field_schema.min_token_len: expected at most max_token_len (2), got 3',
  ],
  ['a', text({ stopwords: 'klingon' }), 'field_schema.stopwords: expected one of arabic'],
  ['a', text({ stopwords: 'kazakh' }), 'field_schema.stopwords: there is no list of kazakh stop words here'],
  ['a', text({ stopwords: { words: [] } }), 'field_schema.stopwords.words: unknown key'],
  ['a', text({ stopwords: { languages: ['english', 1] } }), 'field_schema.stopwords.languages[1]: expected one of'],
  ['a', text({ stopwords: { custom: many(10_001) } }), 'field_schema.stopwords.custom: expected at most 10000 values'],
  [
    'a',
    text({ stopwords: { custom: ['x'.repeat(256)] } }),
    'field_schema.stopwords.custom[0]: expected a word of at most',
  ],
  [
    'a',
    text({ stopwords: { custom: ['\ud800'] } }),
    'field_schema.stopwords.custom[0]: expected a word of at most 255',
  ],
  ['a', text({ stemmer: 'english' }), 'field_schema.stemmer: expected an object'],
  ['a', text({ stemmer: { type: 'porter' } }), 'field_schema.stemmer.type: expected one of snowball, none'],
  ['a', text({ stemmer: { type: 'snowball' } }), 'field_schema.stemmer.language: expected one of arabic, armenian'],
]

describe('payload indexes as requested', () => {
  it.each(REFUSED.map(([field, schema, expected]) => [expected, field, schema]))(
    'refuse: %s',
    (expected, field, schema) => {
      let message = 'accepted'
      try {
        checkPayloadIndex(field, schema)
      } catch (error) {
        message = (error as VicinalError).message
      }
      expect(message.slice(0, String(expected).length)).toBe(expected)
    },
  )

  it('accept everything within the limits', () => {
    const stopwords = { custom: many(LIMITS.stopwords), languages: ['english', 'japanese'] }
    expect(checkPayloadIndex('a', text({ stopwords, maxTokenLen: LIMITS.tokenLength })).kind).toBe('text')
  })

  it('keep exactly the given options', () => {
    expect(checkPayloadIndex('a', 'geo')).toEqual({ field: 'a', kind: 'geo' })
    expect(checkPayloadIndex('a', { type: 'keyword', isTenant: true, onDisk: null })).toEqual({
      field: 'a',
      kind: 'keyword',
      params: { isTenant: true },
    })
  })

  it.each(PAYLOAD_INDEX_KINDS)('of kind %s cross the wire both ways', (kind) => {
    const params = Object.fromEntries(PAYLOAD_INDEX_PARAMS[kind].map((param) => [param, `any ${param}`]))
    const wire = wireIndexSchema({ type: kind, ...params }) as Record<string, unknown>
    expect(Object.keys(wire).every((name) => /^[a-z_]+$/.test(name))).toBe(true)
    const body = { field_name: 'a', field_schema: { ...wire, nonsense: 1 } }
    expect(payloadIndexOf(body)).toEqual({ field: 'a', schema: { type: kind, ...params } })
  })

  it.each(SNOWBALL_LANGUAGES)('stem %s in the kernel', async (language) => {
    const shard = new Shard({
      vectors: [{ name: '', dim: 2, metric: 'l2', m: 4, efConstruct: 8 }],
      segmentBytes: 2 ** 30,
      trackChanges: false,
    })
    await shard.createPayloadIndex('a', 'text', encodeTextOptions({ stemmer: { type: 'snowball', language } }))
    await expect(shard.createPayloadIndex('a', 'text', Uint8Array.of(9))).rejects.toThrow('text')
    await shard.close()
  })
})
