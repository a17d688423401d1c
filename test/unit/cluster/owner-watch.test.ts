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
  opening: null,
  beat,
  watermark: { epoch: 7, batch: 1 },
  lagSeconds: 0,
})

function watched(id = 'one', jitter = 0) {
  const clock = { ms: 0 }
  const watch = new OwnerWatch(
    id,
    TIMEOUT_MS,
    () => clock.ms,
    () => jitter,
  )
  /** One look, a quarter of the timeout after the one before. */
  const look = (beat: Heartbeat | null, laterMs = TIMEOUT_MS / 4) => {
    clock.ms += laterMs
    watch.note(OWNER, beat)
    return watch.isDue(OWNER)
  }
  return { watch, look, clock }
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
      if (watch.isWaiting) watch.noteOthers(others(at), OWNER)
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

test('a node that says that it opens the store is waited for as an owner is, and no longer than openings take', () => {
  const { watch, look } = watched()
  const silent = beatOf('owner', 1, 7)
  const opening = (beat: number) => ({ ...beatOf('two', beat), opening: 7 })
  const looksUntilDue = (others: (at: number) => Heartbeat[]) => {
    for (let at = 1; at < 100; at++) {
      if (look(silent)) return at
      if (watch.isWaiting) watch.noteOthers(others(at), OWNER)
    }
    throw new Error('never due')
  }
  // It dies while it opens: its heartbeat changes no more after the tenth look.
  expect(looksUntilDue((at) => [opening(Math.min(at, 10))])).toBeGreaterThan(12)
  watch.standBack()
  // Another one goes on for ever.
  const looks = looksUntilDue((at) => [{ ...opening(100 + at), id: 'three' }])
  expect(looks).toBeGreaterThan(8)
  // A claim to the place of an owner before counts for nothing.
  expect(watch.openers([{ ...opening(200), opening: 6 }], 7)).toEqual([])
})

test('a node that was fenced stands back for a time-out, also where the store still names it', () => {
  const { watch, clock } = watched()
  const own = { ...OWNER, node: 'one' }
  watch.note(own, beatOf('one', 1, null))
  expect(watch.isDue(own)).toBe(true)
  watch.standBack()
  expect(watch.isDue(own)).toBe(false)
  clock.ms += TIMEOUT_MS
  expect(watch.isDue(own)).toBe(true)
})

test('nodes behind the first wait longer where openings take longer, each by another jitter', () => {
  const silent = beatOf('owner', 1, 7)
  const ids = ['one', 'two']
  const last = ranked(ids, OWNER.epoch)[1] as string
  const looksOf = (openingMs: number, jitter: number) => {
    const { watch, look } = watched(last, jitter)
    watch.noteOpening(openingMs)
    for (let at = 0; at < 100; at++) {
      if (look(silent)) return at
      if (watch.isWaiting)
        watch.noteOthers(
          ids.map((id) => beatOf(id, at)),
          OWNER,
        )
    }
    throw new Error('never due')
  }
  expect([looksOf(0, 0), looksOf(0, 0.5), looksOf(TIMEOUT_MS, 0), looksOf(100 * TIMEOUT_MS, 0)]).toEqual([6, 7, 8, 12])
})
