import { expect, it } from 'vitest'
import { OutdatedSegments } from '../../../../src/engine/collection/checkpointer.js'

it('are those up to a mark; taking a mark back leaves segments made under it outdated', () => {
  const outdated = new OutdatedSegments()
  const marked = () => [0, 1, 2, 3, 4, 5].filter((segment) => outdated.has(segment))
  outdated.mark(1)
  expect(marked()).toEqual([0, 1])
  const unmark = outdated.mark(3)
  expect(marked()).toEqual([0, 1, 2, 3])
  unmark(4)
  expect(marked()).toEqual([0, 1, 4])
  outdated.markOne(2)
  outdated.mark(0)
  expect(marked()).toEqual([0, 1, 2, 4])
})
