import type { ChildProcess } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const ROOT = '/sys/fs/cgroup'

/**
 * A control group with a memory limit or a thread limit, like a container's. The system kills a process that exceeds
 * the memory limit, and refuses threads beyond the thread limit. Making one needs root and a system that has the
 * controllers.
 */
export class ControlGroup {
  readonly #folder: string
  readonly #isSecond: boolean

  private constructor(folder: string, isSecond: boolean) {
    this.#folder = folder
    this.#isSecond = isSecond
  }

  /** Null if none can be made here. */
  static make(name: string, bytes: number): ControlGroup | null {
    return ControlGroup.#made(name, 'memory', ['memory.limit_in_bytes', 'memory.max'], String(bytes))
  }

  /** The same for threads, without a limit at first. */
  static ofThreads(name: string): ControlGroup | null {
    return ControlGroup.#made(name, 'pids', ['pids.max', 'pids.max'], 'max')
  }

  /** `files` names the limit's file in version 1 and in version 2 of control groups. */
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

  /** Moves a process that has just started into the group: its memory counts from now on. */
  take({ pid }: ChildProcess): void {
    writeFileSync(join(this.#folder, 'cgroup.procs'), String(pid))
  }

  /** For a group of threads: their number, and the limit from now on. */
  get threads(): number {
    return Number(readFileSync(join(this.#folder, 'pids.current'), 'utf8'))
  }
  boundThreads(most: number | 'max'): void {
    writeFileSync(join(this.#folder, 'pids.max'), String(most))
  }

  /** How many processes the system has killed in the group. */
  get killed(): number {
    const file = join(this.#folder, this.#isSecond ? 'memory.events' : 'memory.oom_control')
    return Number(/^oom_kill (\d+)$/m.exec(readFileSync(file, 'utf8'))?.[1])
  }

  /** Call once no process runs in it. A group that stays is empty and harmless. */
  remove(): void {
    try {
      rmdirSync(this.#folder)
    } catch {
      process.stderr.write(`${this.#folder} stays\n`)
    }
  }
}
