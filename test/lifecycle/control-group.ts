import type { ChildProcess } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const ROOT = '/sys/fs/cgroup'

/**
 * A control group with a bound of memory, in which the system ends what takes more, or of threads, in which it refuses
 * them: the real thing that a container is. To make one takes root, and a system that hands memory or threads out to groups.
 */
export class ControlGroup {
  readonly #folder: string
  readonly #isSecond: boolean

  private constructor(folder: string, isSecond: boolean) {
    this.#folder = folder
    this.#isSecond = isSecond
  }

  /** null where none can be made here. */
  static make(name: string, bytes: number): ControlGroup | null {
    return ControlGroup.#made(name, 'memory', ['memory.limit_in_bytes', 'memory.max'], String(bytes))
  }

  /** The same, with any number of threads at first. */
  static ofThreads(name: string): ControlGroup | null {
    return ControlGroup.#made(name, 'pids', ['pids.max', 'pids.max'], 'max')
  }

  /** `files` has the name of the bound in the first version of groups, and in the second. */
  static #made(name: string, controller: string, files: [string, string], value: string): ControlGroup | null {
    const isSecond = existsSync(join(ROOT, 'cgroup.controllers'))
    const folder = join(ROOT, isSecond ? '' : controller, `${name}-${process.pid}`)
    const group = new ControlGroup(folder, isSecond)
    try {
      mkdirSync(folder)
    } catch {
      return null
    }
    try {
      writeFileSync(join(folder, files[isSecond ? 1 : 0]), value)
      return group
    } catch {
      group.remove()
      return null
    }
  }

  /** A process that has just begun: what it takes from now on counts. */
  take({ pid }: ChildProcess): void {
    writeFileSync(join(this.#folder, 'cgroup.procs'), String(pid))
  }

  /** Of a group of threads: how many there are, and how many there may be from now on. */
  get threads(): number {
    return Number(readFileSync(join(this.#folder, 'pids.current'), 'utf8'))
  }
  boundThreads(most: number | 'max'): void {
    writeFileSync(join(this.#folder, 'pids.max'), String(most))
  }

  /** How many processes the system has ended in it. */
  get killed(): number {
    const file = join(this.#folder, this.#isSecond ? 'memory.events' : 'memory.oom_control')
    return Number(/^oom_kill (\d+)$/m.exec(readFileSync(file, 'utf8'))?.[1])
  }

  /** Once nothing runs in it. One that stays is empty, and in nobody's way. */
  remove(): void {
    try {
      rmdirSync(this.#folder)
    } catch {
      process.stderr.write(`${this.#folder} stays\n`)
    }
  }
}
