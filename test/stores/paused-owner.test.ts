/** What an owner acknowledges after a pause must be there. */
import { setTimeout as pause } from 'node:timers/promises'
import { expect, onTestFinished, test } from 'vitest'
import { parseStore } from '../../src/bucket/address.js'
import { Group } from '../../src/bucket/group.js'
import { MIN_AGE_MS, pausedRound, startOwner } from './paused-owner-run.js'

test('an owner that was paused, and that nobody followed, finds out what became of its write and goes on', async () => {
  const { address, paused, next, end } = await startOwner()
  onTestFinished(end)
  const outcomes: Record<string, string> = {}
  for (const key of ['c/1', 'c/2', 'c/3', 'c/4']) {
    paused.kill('SIGSTOP')
    paused.stdin?.write(`${key}\n`)
    // Past the bound within which a batch counts, for every second one.
    if (key === 'c/1' || key === 'c/3') await pause(MIN_AGE_MS)
    paused.kill('SIGCONT')
    outcomes[key] = await next()
  }
  paused.kill('SIGKILL')
  const after = await Group.open(parseStore(address))
  for (const [key, outcome] of Object.entries(outcomes)) {
    const isThere = (await after.get(Buffer.from(key))) !== null
    expect(outcome, key).toMatch(isThere ? /^acknowledged/ : /^refused: the store does not have the write/)
  }
  expect(Object.values(outcomes)).toContain('acknowledged')
  await after.close()
})

test('a paused owner acknowledges nothing that is lost', async () => {
  const { outcome, isThere } = await pausedRound()
  expect(outcome === 'acknowledged' && !isThere, outcome).toBe(false)
  expect(outcome).toMatch(/^refused/)
})
