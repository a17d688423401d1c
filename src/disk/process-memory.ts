import { readFile, writeFile } from 'node:fs/promises'

const ANONYMOUS = /^Rss(?:Anon|Shmem):\s+(\d+) kB$/gm
const KILOBYTE = 1024

/**
 * Anonymous memory of a process in bytes; null if the system does not report it. Pages of mapped files do not count,
 * since the system reclaims them when memory is short.
 */
export async function anonymousBytesOf(pid: number): Promise<number | null> {
  const status = await readFile(`/proc/${pid}/status`, 'latin1').catch(() => '')
  const counts = [...status.matchAll(ANONYMOUS)].map(([, count]) => Number(count) * KILOBYTE)
  return counts.length === 0 ? null : counts.reduce((sum, bytes) => sum + bytes, 0)
}

/** When memory runs out, the system ends this process before all others of its container. */
export async function volunteerToEnd(): Promise<void> {
  await writeFile('/proc/self/oom_score_adj', '1000').catch(() => undefined)
}
