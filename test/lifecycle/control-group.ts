import type { ChildProcess } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const ROOT = '/sys/fs/cgroup'

/**
 * A control group with a bound of memory, in which the system ends what takes more: the real thing that a container is.
 * To make one takes root, and a system that hands memory out to groups.
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
    const isSecond = existsSync(join(ROOT, 'cgroup.controllers'))
    const folder = join(ROOT, isSecond ? '' : 'memory', `${name}-${process.pid}`)
    const group = new ControlGroup(folder, isSecond)
    try {
      mkdirSync(folder)
    } catch {
      return null
    }
    try {
      writeFileSync(join(folder, isSecond ? 'memory.max' : 'memory.limit_in_bytes'), String(bytes))
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
