import { expect, it } from 'vitest'
import { parseBytes } from '../../../src/terminal/bytes.js'
import { UsageError } from '../../../src/terminal/usage-error.js'

it.each([
  ['2GiB', 2 * 1024 ** 3],
  ['500 MB', 500_000_000],
  ['1.5g', 1_500_000_000],
  ['64KiB', 65_536],
  ['1048576', 1_048_576],
])('%s is %d bytes', (text, bytes) => {
  expect(parseBytes(text, '--memory')).toBe(bytes)
})

it.each(['', 'much', '-1GB', '2 XB', '1e9'])('%j is refused, naming the flag', (text) => {
  expect(() => parseBytes(text, '--memory')).toThrow(UsageError)
  expect(() => parseBytes(text, '--memory')).toThrow(/--memory/)
})
