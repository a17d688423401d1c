import { readFileSync } from 'node:fs'

/** CPU of the whole process so far. Other processes of the machine have no part in it. */
export function processCpuMs(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1000
}

const SCHEDULED = '/proc/thread-self/schedstat'
const NS_PER_MS = 1e6

function threadCpuMs(): number {
  return Number.parseInt(readFileSync(SCHEDULED, 'latin1'), 10) / NS_PER_MS
}

function hasThreadTimes(): boolean {
  try {
    return threadCpuMs() > 0
  } catch {
    return false
  }
}

/**
 * CPU of this thread so far, in ms. While a busy machine holds this thread up, the pool's threads use CPU too, so the
 * process's CPU serves only where the system does not tell a thread's.
 */
export const mainThreadCpuMs = hasThreadTimes() ? threadCpuMs : processCpuMs

/** The most CPU, in ms, that this thread used between two turns. */
export async function longestSlice(read: () => Promise<unknown>): Promise<number> {
  let [last, longest, isOver] = [mainThreadCpuMs(), 0, false]
  const turn = () => {
    const now = mainThreadCpuMs()
    longest = Math.max(longest, now - last)
    last = now
    if (!isOver) setImmediate(turn)
  }
  turn()
  await read()
  isOver = true
  turn()
  return longest
}
