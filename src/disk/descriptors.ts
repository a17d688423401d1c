import { readFile } from 'node:fs/promises'

let most: Promise<number> | null = null

/** File descriptors that this process may have at a time; infinite where the system does not say. */
export function mostDescriptors(): Promise<number> {
  most ??= readFile('/proc/self/limits', 'utf8').then(
    (limits) => Number(/^Max open files +(\d+)/m.exec(limits)?.[1] ?? Number.POSITIVE_INFINITY),
    () => Number.POSITIVE_INFINITY,
  )
  return most
}
