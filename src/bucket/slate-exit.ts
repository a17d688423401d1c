/**
 * An answer of SlateDB to a thread that is gone ends the process without a word, and an exit takes the threads away.
 * So an exit waits for the calls under way.
 */

/** Longer calls are those of a store that does not answer, and are left. */
const MOST_MS = 1_000

/** Calls under way, by thread. Both sides count: the one that asks adds, and the thread takes away. */
const threads = new Set<Int32Array>()

export function countOfCalls(): Int32Array<SharedArrayBuffer> {
  return new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT))
}

export function callBegins(calls: Int32Array): void {
  Atomics.add(calls, 0, 1)
}

export function callEnds(calls: Int32Array): void {
  Atomics.sub(calls, 0, 1)
  Atomics.notify(calls, 0)
}

/** From now on an exit of this process waits for the thread's calls. */
export function awaitAtExit(calls: Int32Array): void {
  if (threads.size === 0) process.on('exit', awaitCalls)
  threads.add(calls)
}

/** The thread has ended. */
export function leaveAtExit(calls: Int32Array): void {
  threads.delete(calls)
  if (threads.size === 0) process.off('exit', awaitCalls)
}

function awaitCalls(): void {
  const untilMs = performance.now() + MOST_MS
  for (const calls of threads) {
    for (let count = Atomics.load(calls, 0); count > 0; count = Atomics.load(calls, 0)) {
      const leftMs = untilMs - performance.now()
      if (leftMs <= 0) return
      Atomics.wait(calls, 0, count, leftMs)
    }
  }
}
