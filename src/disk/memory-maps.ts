import { readFile } from 'node:fs/promises'

/** What the system tells of the memory maps of this process; null where it has no such limit. */
export interface MemoryMaps {
  used: number
  /** vm.max_map_count. */
  most: number
}

const NEWLINE = 0x0a

/** On libuv's pool: of tens of thousands of maps, some tens of milliseconds. */
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
