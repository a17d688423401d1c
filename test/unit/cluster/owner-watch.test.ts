import { expect, test } from 'vitest'
import type { Heartbeat } from '../../../src/cluster/heartbeats.js'
import { OwnerWatch, ranked } from '../../../src/cluster/owner-watch.js'

const TIMEOUT_MS = 1_000
const OWNER = { epoch: 7, node: 'owner', url: 'http://127.0.0.1:1' }

const beatOf = (id: string, beat: number, epoch: number | null = null): Heartbeat => ({
  id,
  url: 'http://127.0.0.1:1',
  roles: ['write', 'query'],
  epoch,
  beat,
  watermark: { epoch: 7, batch: 1 },
  lagSeconds: 0,
})

function watched(id = 'one') {
  const clock = { ms: 0 }
  const watch = new OwnerWatch(id, TIMEOUT_MS, () => clock.ms)
  /** One look, a quarter of the timeout after the one before. */
  const look = (beat: Heartbeat | null, laterMs = TIMEOUT_MS / 4) => {
    clock.ms += laterMs
    watch.note(OWNER, beat)
    return watch.isDue(OWNER)
  }
  return { watch, look }
}

test('an owner that beats is left alone, one that stops is taken after four looks and the timeout', () => {
  const { look } = watched()
  for (let beat = 1; beat < 20; beat++) expect(look(beatOf('owner', beat, 7))).toBe(false)
  const silent = beatOf('owner', 19, 7)
  expect([1, 2, 3].map(() => look(silent))).toEqual([false, false, false])
  expect(look(silent)).toBe(true)
})

test('looks in quick order do not make up for the time, nor time without looks for the looks', () => {
  const silent = beatOf('owner', 1, 7)
  const hasty = watched()
  expect(Array.from({ length: 50 }, () => hasty.look(silent, 1)).includes(true)).toBe(false)
  const hastier = watched()
  expect(Array.from({ length: 50 }, () => hastier.look(null, 1)).includes(true)).toBe(false)
  const asleep = watched()
  asleep.look(silent)
  expect(asleep.look(silent, 100 * TIMEOUT_MS)).toBe(false)
})

test('an owner without a heartbeat has left, or is just starting', () => {
  const { look } = watched()
  expect([1, 2].map(() => look(null))).toEqual([false, false])
  expect(look(null)).toBe(true)
  const starting = watched()
  // Its heartbeat is still of its time as a reader.
  expect(starting.look(beatOf('owner', 5, null))).toBe(false)
  expect(starting.look(beatOf('owner', 6, 7))).toBe(false)
})

test('of several nodes the first in order goes first, and those that are dead do not count', () => {
  const ids = ['one', 'two', 'three']
  const order = ranked(ids, OWNER.epoch)
  expect(ranked([...ids].reverse(), OWNER.epoch)).toEqual(order)
  const silent = beatOf('owner', 1, 7)
  const looksUntilDue = (id: string, others: (beat: number) => Heartbeat[]) => {
    const { watch, look } = watched(id)
    for (let at = 0; at < 100; at++) {
      if (look(silent)) return at
      if (watch.isWaiting) watch.noteOthers(others(at))
    }
    throw new Error('never due')
  }
  const alive = (beat: number) => ids.map((id) => beatOf(id, beat))
  const dead = () => ids.map((id) => beatOf(id, 1))
  const looks = order.map((id) => looksUntilDue(id, alive))
  expect(looks).toEqual([4, 6, 8])
  expect(order.map((id) => looksUntilDue(id, dead))).toEqual([4, 4, 4])
})

test('an owner that was heard is silent from then on, and an old heartbeat is no sign of life', () => {
  const { watch, look } = watched()
  for (let beat = 1; beat < 5; beat++) look(beatOf('owner', beat, 7))
  watch.heard(TIMEOUT_MS)
  expect(watch.isWaiting).toBe(false)
  // It was written while the owner was heard.
  const old = beatOf('owner', 9, 7)
  expect([1, 2, 3].map(() => look(old))).toEqual([false, false, false])
  expect(look(old)).toBe(true)
  expect(look(beatOf('owner', 10, 7))).toBe(false)
})
