/** Metadata of Arrow messages from a stranger. */
import { expect, it } from 'vitest'
import { FlatTable } from '../../../src/readers/arrow/flatbuffer.js'

/** A table whose field 1 is a vector of pairs of zeros. */
function tableOfPairs(count: number): FlatTable {
  const bytes = Buffer.alloc(24 + 16 * count)
  bytes.writeUInt32LE(12, 0)
  for (const [at, value] of [8, 8, 0, 4].entries()) bytes.writeUInt16LE(value, 4 + 2 * at)
  bytes.writeInt32LE(8, 12)
  bytes.writeUInt32LE(4, 16)
  bytes.writeUInt32LE(count, 20)
  return FlatTable.root(bytes)
}

it('has at most as many nodes and buffers as a schema can need', () => {
  expect(tableOfPairs(10).pairs(1, 10)).toHaveLength(10)
  expect(() => tableOfPairs(11).pairs(1, 10)).toThrow('expected at most 10 nodes or buffers, got 11')
  expect(() => tableOfPairs(4_000_000).pairs(1, 12_288)).toThrow('got 4000000')
})
