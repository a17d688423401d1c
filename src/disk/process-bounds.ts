import { readFile, writeFile } from 'node:fs/promises'

const ANONYMOUS = /^Rss(?:Anon|Shmem):\s+(\d+) kB$/gm
const KILOBYTE = 1024
const NEWLINE = 0x0a

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

let most: Promise<number> | null = null

/** File descriptors that this process may have at a time; infinite where the system does not say. */
export function mostDescriptors(): Promise<number> {
  most ??= readFile('/proc/self/limits', 'utf8').then(
    (limits) => Number(/^Max open files +(\d+)/m.exec(limits)?.[1] ?? Number.POSITIVE_INFINITY),
    () => Number.POSITIVE_INFINITY,
  )
  return most
}

/** Memory maps of this process, and the system's bound on them. */
interface MemoryMaps {
  used: number
  /** vm.max_map_count. */
  most: number
}

/**
 * Counts on libuv's pool, since tens of thousands of maps take some tens of milliseconds. null if the system has no
 * bound.
 */
export async function memoryMaps(): Promise<MemoryMaps | null> {
  try {
    const [maps, most] = await Promise.all([
      readFile('/proc/self/maps'),
      readFile('/proc/sys/vm/max_map_count', 'latin1'),
    ])
    let used = 0
    for (let at = maps.indexOf(NEWLINE); at >= 0; at = maps.indexOf(NEWLINE, at + 1)) used++
    return { used, most: Number(most) }
  } catch {
    return null
  }
}
