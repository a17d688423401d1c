import { expect, test } from 'vitest'
import { VicinalError } from '../../../../src/core/errors.js'
import { Issues } from '../../../../src/engine/collection/issues.js'

const full = (file: string) => new VicinalError('DISK_FULL', `${file}: no space is left`)

test('a repeated equal failure is reported once; its end is reported, and so are later failures', () => {
  const issues = new Issues()
  const told: string[] = []
  issues.set('early', full('a'))
  issues.watch(({ about, code, reason, isOver }) =>
    told.push(`${isOver ? 'over' : 'begins'} ${about} ${code} ${reason}`),
  )
  issues.set('work', null)
  issues.set('work', full('b'))
  issues.set('work', full('c'))
  expect(issues.messages).toEqual(['a: no space is left', 'c: no space is left'])
  issues.set('work', new VicinalError('IO_FAILED', 'd'))
  issues.set('work', null)
  issues.set('work', null)
  issues.set('work', full('e'))
  expect(told).toEqual([
    'begins early DISK_FULL a: no space is left',
    'begins work DISK_FULL b: no space is left',
    'begins work IO_FAILED d',
    'over work IO_FAILED d',
    'begins work DISK_FULL e: no space is left',
  ])
})
