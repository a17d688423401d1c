import { readFile } from 'node:fs/promises'

/** Memory maps of this process, and the system's bound on them. */
export interface MemoryMaps {
  used: number
  /** vm.max_map_count. */
  most: number
}

const NEWLINE = 0x0a

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
