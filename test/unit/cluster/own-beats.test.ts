/** When a node writes its heartbeat. */
import { expect, onTestFinished, test } from 'vitest'
import type { Heartbeat } from '../../../src/cluster/heartbeats.js'
import { IDLE_LOOKS, OwnBeats } from '../../../src/cluster/own-beats.js'

const LOOK_MS = 20
const PATIENCE = { timeout: 30_000, interval: 5 }

function beating(epoch: number | null) {
  const report = {
    id: 'one',
    url: 'http://127.0.0.1:1',
    roles: ['write', 'query'] as const,
    epoch,
    opening: null,
    watermark: { epoch: 1, batch: 1 },
    lagSeconds: 0,
  }
  const seen = { report, written: [] as Heartbeat[], asked: '', looks: 0, reached: 0, isCut: false, isAwaited: false }
  const store = {
    async write(beat: Heartbeat) {
      if (seen.isCut) throw new Error('cut off')
      seen.written.push(beat)
    },
    async asked() {
      seen.looks++
      if (seen.isCut) throw new Error('cut off')
      return seen.asked
    },
  }
  const beats = new OwnBeats(store, {
    lookMs: LOOK_MS,
    report: () => seen.report,
    isAwaited: () => seen.isAwaited,
    onReached: () => seen.reached++,
  })
  beats.start()
  onTestFinished(() => beats.stop())
  return seen
}

test('an idle owner writes few heartbeats, and one at each look once it was asked', async () => {
  const seen = beating(1)
  await expect.poll(() => seen.looks, PATIENCE).toBeGreaterThan(3 * IDLE_LOOKS)
  expect(seen.written.length).toBeLessThanOrEqual(1 + Math.ceil(seen.looks / IDLE_LOOKS))
  const [looks, before] = [seen.looks, seen.written.length]
  seen.asked = 'again'
  await expect.poll(() => seen.looks, PATIENCE).toBeGreaterThan(looks + IDLE_LOOKS)
  expect(seen.written.length - before).toBeGreaterThan(IDLE_LOOKS - 2)
})

test('an owner that is cut off from the store does not tell that it was reached', async () => {
  const seen = beating(1)
  await expect.poll(() => seen.reached, PATIENCE).toBeGreaterThan(2)
  seen.isCut = true
  // The look that was under way is over once another one has begun.
  const before = seen.looks
  await expect.poll(() => seen.looks, PATIENCE).toBeGreaterThan(before)
  const [looks, reached] = [seen.looks, seen.reached]
  await expect.poll(() => seen.looks, PATIENCE).toBeGreaterThan(looks + 5)
  expect(seen.reached).toBe(reached)
})

test('a reader beats at once when its role changes, and at each look while others wait for it', async () => {
  const seen = beating(null)
  await expect.poll(() => seen.written.length, PATIENCE).toBe(1)
  seen.report = { ...seen.report, epoch: 2 }
  await expect.poll(() => seen.written.at(-1)?.epoch, PATIENCE).toBe(2)
  seen.isAwaited = true
  const before = seen.written.length
  await expect.poll(() => seen.written.length, PATIENCE).toBeGreaterThan(before + 5)
})
