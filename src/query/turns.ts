/** Long work on the JavaScript thread, which others get their turns of too. */
import { setImmediate as nextTurn } from 'node:timers/promises'

const MOST_MS = 2

/** Runs `step` for each of `count`, giving way every few milliseconds; ends with the signal's reason where that fires. */
export async function inTurns(count: number, step: (at: number) => void, signal?: AbortSignal): Promise<void> {
  let started = performance.now()
  for (let at = 0; at < count; at++) {
    step(at)
    if (performance.now() - started < MOST_MS) continue
    await nextTurn()
    signal?.throwIfAborted()
    started = performance.now()
  }
}
