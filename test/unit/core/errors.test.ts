import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { describeValue, ERROR_CATALOGUE, invalid, notFound } from '../../../src/core/errors.js'

const ROW = /^\| `([A-Z_]+)` \| (\d{3}) \| (yes|no) \| \S.* \|$/gm

describe('the error catalogue', () => {
  it('and docs/errors.md have the same codes, statuses and retryability', () => {
    const documented = Array.from(
      readFileSync('docs/errors.md', 'utf8').matchAll(ROW),
      ([, code, status, retryable]) => [code, { status: Number(status), retryable: retryable === 'yes' }],
    )
    expect(Object.fromEntries(documented)).toEqual(ERROR_CATALOGUE)
    expect(documented).toHaveLength(Object.keys(ERROR_CATALOGUE).length)
  })

  it('builds messages that name the field, the bound and the value', () => {
    expect(invalid('points[3].id', 'expected a UUID', 'seven').message).toBe(
      'points[3].id: expected a UUID, got "seven"',
    )
    expect(notFound('collection', 'photos').message).toBe("Not found: Collection `photos` doesn't exist!")
    expect(notFound('point with id', 7n).message).toBe("Not found: Point with id 7 doesn't exist!")
  })

  it('describes untrusted values briefly and on one line', () => {
    expect(describeValue('x'.repeat(1000)).length).toBeLessThan(80)
    expect(describeValue('line\nbreak\0')).toBe('"line\\nbreak\\u0000"')
    expect(describeValue(new Float32Array(1000))).toBe('an array of 1000')
    expect(describeValue(new Uint8Array(1000))).toBe('1000 bytes')
    expect(describeValue([1, 2, 3])).toBe('an array of 3')
    expect(describeValue(new Float64Array(3))).toBe('a Float64Array of 3')
    expect(describeValue(new Int8Array(3))).toBe('an Int8Array of 3')
    expect(describeValue(new Map([[1, 2]]))).toBe('a Map')
    expect(describeValue({ secret: 1 })).toBe('a value of type object')
  })
})
