import { expect, test } from 'vitest'
import { Progress } from '../../../src/terminal/progress.js'

function recorder(isTTY: boolean) {
  const written: string[] = []
  let nowMs = 0
  const out = { isTTY, columns: 100, write: (text: string) => written.push(text) }
  return { written, options: { out, now: () => nowMs }, pass: (ms: number) => (nowMs += ms) }
}

test('a terminal gets one line, redrawn, with rate and time left', () => {
  const { written, options, pass } = recorder(true)
  const progress = new Progress('importing', options)
  pass(1000)
  progress.update(0.25, 5000)
  expect(written).toEqual(['\r\x1b[2Kimporting ██████░░░░░░░░░░░░░░░░░░  25 %  5,000 points  5,000/s  3 s left'])
  pass(10)
  progress.update(0.26, 5100)
  expect(written).toHaveLength(1)
  pass(3000)
  progress.finish(20_000)
  expect(written.at(-1)).toBe('\r\x1b[2Kimporting: 20,000 points in 4.0 s (4,988/s)\n')
})

test('without a terminal there are plain lines, far apart, without control characters', () => {
  const { written, options, pass } = recorder(false)
  const progress = new Progress('importing', options)
  for (let i = 1; i <= 250; i++) {
    pass(100)
    progress.update(i / 250, i)
  }
  expect(written).toEqual([
    'importing  40 %  100 points  10/s  15 s left\n',
    'importing  80 %  200 points  10/s  5 s left\n',
  ])
})

test('rows of an earlier run count as done, but not in the rate', () => {
  const { written, options, pass } = recorder(true)
  const progress = new Progress('importing', { ...options, before: { share: 0.5, count: 1000 } })
  pass(2000)
  progress.update(0.75, 1500)
  expect(written[0]).toContain(' 75 %  1,500 points  250/s  2 s left')
})
