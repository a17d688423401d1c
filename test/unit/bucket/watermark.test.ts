import { expect, test } from 'vitest'
import { decodeOwner, encodeOwner } from '../../../src/bucket/owner.js'
import {
  decodePosition,
  encodePosition,
  hasReached,
  isOfCatalogue,
  parseWatermark,
  watermarkText,
} from '../../../src/bucket/watermark.js'

test('watermarks are ordered by epoch, then by batch, and their text is read as it was told', () => {
  const ordered = [
    { epoch: 1, batch: 9 },
    { epoch: 2, batch: 0 },
    { epoch: 2, batch: 10 },
    { epoch: 10, batch: 1 },
  ]
  for (const [at, position] of ordered.entries()) {
    expect(parseWatermark(watermarkText(position))).toEqual(position)
    for (const [wanted, watermark] of ordered.entries()) expect(hasReached(position, watermark)).toBe(at >= wanted)
  }
})

test('what is no watermark is refused, by its field', () => {
  for (const wrong of [
    '',
    '1',
    '1.',
    '.1',
    '1.2.3',
    '-1.2',
    '1e3.2',
    ' 1.2',
    '1.2\n',
    `${'9'.repeat(16)}.1`,
    1.2,
    null,
  ])
    expect(() => parseWatermark(wrong), String(wrong)).toThrow(/^after: expected the watermark of a write/)
})

test('a position and an owner are read as they were written, and a store of an earlier time has none', () => {
  const position = { epoch: 3, batch: 2 ** 40, catalogueBatch: 17 }
  expect(decodePosition(encodePosition(position))).toEqual(position)
  expect(decodePosition(null)).toEqual({ epoch: 0, batch: 0, catalogueBatch: 0 })
  const owner = { epoch: 3, opening: 'first', node: 'one', url: 'http://127.0.0.1:1' }
  expect(decodeOwner(encodeOwner(owner))).toEqual(owner)
  expect(decodeOwner(Buffer.from('12'))).toEqual({ epoch: 12, node: null, url: null })
  expect(decodeOwner(null)).toBeNull()
  for (const damaged of ['', '{}', '{"epoch":"3"}', 'null'])
    expect(() => decodeOwner(Buffer.from(damaged)), damaged).toThrow(/the key of its owner/)
})

test('names of collections and the aliases are of the catalogue; records and manifests are not', () => {
  expect(['c/a', 'a'].map((key) => isOfCatalogue(Buffer.from(key)))).toEqual([true, true])
  expect(['m/a', 'r/a', 'q', 'w', 'e', 'b'].some((key) => isOfCatalogue(Buffer.from(key)))).toBe(false)
})
