import { describe, expect, it } from 'vitest'
import type { VicinalError } from '../../../../src/core/errors.js'
import { LIMITS } from '../../../../src/core/limits.js'
import {
  PAYLOAD_INDEX_KINDS,
  PAYLOAD_INDEX_PARAMS,
  PayloadFieldSchema,
  PayloadIndexRequest,
  SNOWBALL_LANGUAGES,
} from '../../../../src/core/payload-index.js'
import { tell } from '../../../../src/core/vocabulary/teller.js'
import { checkPayloadIndex } from '../../../../src/engine/config/payload-index.js'
import { encodeTextOptions } from '../../../../src/filter/text-options.js'
import { Shard } from '../../../../src/native/shard.js'
import { bodyOf } from '../../../../src/wire/read-bodies.js'

const text = (params: object) => ({ type: 'text', ...params })
const many = (count: number) => Array.from({ length: count }, (_, at) => `w${at}`)

const REFUSED: [field: unknown, schema: unknown, expected: string][] = [
  ['', 'keyword', 'fieldName: expected a payload path of 1 to 255 characters'],
  [7, 'keyword', 'fieldName: expected a payload path'],
  ['a.', 'keyword', 'fieldName: expected a payload key'],
  ['a'.repeat(256), 'keyword', 'fieldName: expected a payload path of 1 to 255 characters'],
  ['a', 'vector', 'schema: expected one of keyword, integer'],
  ['a', null, 'schema: expected one of keyword, integer'],
  ['a', {}, 'schema: expected one of keyword, integer'],
  ['a', { type: 'geo', lookup: true }, 'schema.lookup: expected a known option: one of type, onDisk'],
  [
    'a',
    { type: 'integer', lookup: false, range: false },
    "schema: expected 'lookup' or 'range': the 'lookup' and 'range' capabilities",
  ],
  ['a', { type: 'keyword', isTenant: 1 }, 'schema.isTenant: expected true or false, got 1'],
  ['a', { type: 'float', memory: 'ram' }, 'schema.memory: expected one of'],
  ['a', text({ tokenizer: 'regex' }), 'schema.tokenizer: expected one of word, whitespace, prefix, multilingual'],
  ['a', text({ minTokenLen: -1 }), 'schema.minTokenLen: expected an integer from 0 to 65536, got -1'],
  ['a', text({ maxTokenLen: 65_537 }), 'schema.maxTokenLen: expected an integer from 0 to 65536, got 65537'],
  ['a', text({ minTokenLen: 3, maxTokenLen: 2 }), 'schema: expected minTokenLen of at most maxTokenLen'],
  ['a', text({ stopwords: 'klingon' }), 'schema.stopwords: expected one of arabic'],
  ['a', text({ stopwords: 'kazakh' }), 'schema.stopwords: there is no list of kazakh stop words here'],
  [
    'a',
    text({ stopwords: { words: [] } }),
    'schema.stopwords.words: expected a known option: one of languages, custom',
  ],
  ['a', text({ stopwords: { languages: ['english', 1] } }), 'schema.stopwords.languages[1]: expected one of'],
  ['a', text({ stopwords: { custom: many(10_001) } }), 'schema.stopwords.custom: expected at most 10000 items'],
  ['a', text({ stopwords: { custom: ['x'.repeat(256)] } }), 'schema.stopwords.custom[0]: expected a word of at most'],
  ['a', text({ stopwords: { custom: ['\ud800'] } }), 'schema.stopwords.custom[0]: expected a word of at most 255'],
  ['a', text({ stemmer: 'english' }), 'schema.stemmer: expected an object'],
  ['a', text({ stemmer: { type: 'porter' } }), 'schema.stemmer: expected a stemmer with a type of snowball, none'],
  ['a', text({ stemmer: { type: 'snowball' } }), 'schema.stemmer.language: expected a value'],
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
    const given: Record<string, unknown> = {
      memory: 'cold',
      tokenizer: 'prefix',
      minTokenLen: 2,
      maxTokenLen: 3,
      stopwords: { languages: ['english'], custom: ['oslo'] },
      stemmer: { type: 'snowball', language: 'danish' },
    }
    const names = Object.keys(PAYLOAD_INDEX_PARAMS[kind])
    const params = Object.fromEntries(names.map((name) => [name, given[name] ?? true]))
    const wire = tell(PayloadFieldSchema, { type: kind, ...params }) as Record<string, unknown>
    expect(Object.keys(wire)).toHaveLength(names.length + 1)
    expect(Object.keys(wire).every((name) => /^[a-z_]+$/.test(name))).toBe(true)
    const body = { field_name: 'a', field_schema: { ...wire, nonsense: 1 } }
    expect(bodyOf(PayloadIndexRequest, body)).toEqual({ fieldName: 'a', fieldSchema: { type: kind, ...params } })
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
