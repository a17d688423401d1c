import { expect, test } from 'vitest'
import { LIMITS } from '../../../src/core/limits.js'
import { isTextId, joinTextId, splitTextId, storedId, TEXT_ID_KEY, uuidOfText } from '../../../src/core/text-ids.js'

test('the UUID of a text never changes', () => {
  expect(uuidOfText('a')).toBe('d7b10c98-69f8-5e6f-91c3-c05c040b3eb7')
  expect(storedId('a')).toBe(uuidOfText('a'))
  const uuid = '11111111-2222-4333-8444-55555555555a'
  expect([storedId(uuid), storedId(7), storedId(null)]).toEqual([uuid, 7, null])
  expect(storedId(uuid.toUpperCase())).toBe(uuidOfText(uuid.toUpperCase()))
})

test('texts of 1 to the limit of bytes are ids', () => {
  const longest = 'é'.repeat(LIMITS.textIdBytes / 2)
  for (const id of ['7', ' ', '\u0000', longest]) expect(isTextId(id)).toBe(true)
  for (const odd of ['', `${longest}x`, '\ud800', 7, 7n, null, undefined, {}]) expect(isTextId(odd)).toBe(false)
})

test.each(['a', '"', '\\', 'a\\"b', '\u0000\n\u2028', '写真 🎈', `{"${TEXT_ID_KEY}":"x"}`, '","a":1'])(
  'the text %j is stored with any payload, and told again',
  (textId) => {
    for (const payload of ['', '{"7":1,"a":"}"}', `{"a":{"${TEXT_ID_KEY}":"x"}}`]) {
      const stored = joinTextId(textId, payload)
      expect(splitTextId(stored)).toEqual({ textId, payload })
      expect(JSON.parse(stored)).toEqual({ [TEXT_ID_KEY]: textId, ...JSON.parse(payload || '{}') })
    }
    expect(joinTextId(textId, '{}')).toBe(joinTextId(textId, ''))
    expect(joinTextId('a', '{"b":1}').length - '{"b":1}'.length).toBe('a'.length + 9)
  },
)

test('a payload without a text id stays as it is', () => {
  for (const payload of ['', '{}', '{"id":"a"}']) {
    expect(splitTextId(payload)).toEqual({ textId: null, payload })
    expect(joinTextId(null, payload)).toBe(payload)
  }
})
