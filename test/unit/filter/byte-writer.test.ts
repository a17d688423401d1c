import { expect, test } from 'vitest'
import { ByteWriter } from '../../../src/filter/byte-writer.js'
import fc from '../../oracle/properties.js'

const textOf = (bytes: Uint8Array) => {
  const length = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true)
  expect(bytes.length).toBe(4 + length)
  return Buffer.from(bytes.subarray(4)).toString('utf8')
}

test('texts of any length and alphabet are written unchanged', () => {
  const writes = (text: string) => {
    const writer = new ByteWriter()
    writer.text(text)
    expect(textOf(writer.finish())).toBe(text)
  }
  fc.assert(fc.property(fc.string({ unit: 'grapheme', maxLength: 80 }), writes))
  for (const text of ['', 'a'.repeat(32), 'a'.repeat(33), `${'a'.repeat(31)}é`, '漢'.repeat(200_000)]) writes(text)
})

test('concurrent writers share nothing, and later writers do not see earlier contents', () => {
  const [first, second] = [new ByteWriter(), new ByteWriter()]
  first.text('one')
  second.text('two')
  const one = first.finish()
  const third = new ByteWriter()
  third.text('six')
  expect([one, second.finish(), third.finish()].map(textOf)).toEqual(['one', 'two', 'six'])
  expect(textOf(one)).toBe('one')
})

test('written bytes stay unchanged, however much is written afterwards', () => {
  const texts = Array.from({ length: 400 }, (_, at) => `${at} ${'x'.repeat((at * 97) % 3000)}`)
  const written = texts.map((text) => {
    const writer = new ByteWriter()
    writer.text(text)
    return writer.finish()
  })
  expect(written.map(textOf)).toEqual(texts)
})
