import { expect, it } from 'vitest'
import { MinuteCounts } from '../../../src/server/minute-counts.js'
import { networkOf } from '../../../src/server/wrong-keys.js'

const started = (mostNames: number, windowMs?: number) => {
  const over: [string, number][] = []
  const onOver = (name: string, count: number) => void over.push([name, count])
  return { over, counts: new MinuteCounts({ mostNames, onOver, ...(windowMs === undefined ? {} : { windowMs }) }) }
}

it('counts by name, and a full table drops the least recently counted one', () => {
  const { over, counts } = started(2)
  expect(['a', 'b', 'a', 'c', 'a', 'b'].map((name) => counts.add(name))).toEqual([1, 1, 2, 1, 3, 1])
  expect(over).toEqual([
    ['b', 1],
    ['c', 1],
  ])
  counts.end()
  expect(over.slice(2)).toEqual([
    ['a', 3],
    ['b', 1],
  ])
  expect(counts.add('a')).toBe(1)
  counts.end()
})

it('starts again when its time is over', async () => {
  const { over, counts } = started(10, 20)
  counts.add('a')
  counts.add('a')
  expect(counts.msLeft).toBeLessThanOrEqual(20)
  await expect.poll(() => over).toEqual([['a', 2]])
  expect(counts.add('a')).toBe(1)
  counts.end()
})

it.each([
  ['10.0.0.7', '10.0.0.7'],
  ['::ffff:10.0.0.7', '10.0.0.7'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
  ['2001:db8:1:2::9', '2001:db8:1:2::/64'],
  ['2001:db8::9', '2001:db8:0:0::/64'],
  ['fe80::1%eth0', 'fe80:0:0:0::/64'],
  ['::1', '0:0:0:0::/64'],
  ['', ''],
])('the address %j counts as %j', (address, network) => {
  expect(networkOf(address)).toBe(network)
})
