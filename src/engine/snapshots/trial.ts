import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { ERROR_CATALOGUE, type ErrorCode, VicinalError } from '../../core/errors.js'
import { LIMITS } from '../../core/limits.js'
import type { Disk } from '../../disk/disk.js'
import { anonymousBytesOf } from '../../disk/process-bounds.js'
import type { TriedCollection } from './staged-collection.js'

/**
 * Opens a snapshot from outside in a process of its own, before this process opens any of it. The trial's environment
 * holds no secret, only the few variables that programs need to start. The trial is ended if it takes more memory or
 * time than an undamaged snapshot of its size would.
 */

/** The compiled process, as from src/engine/snapshots in a checkout so from dist. A bundle has no place for it. */
const entryOf = () => new URL('../../../dist/engine/snapshots/trial-process.js', import.meta.url)
const WATCH_EVERY_MS = 25
/** Share of the memory bound that the trial limits itself to; the rest covers growth between two measurements. */
const OWN_SHARE = 0.75
const STDERR_CHARS = 2_000
/**
 * Environment variables passed on: no credentials, no proxies, no Node options, and none of our own with KEY in its
 * name.
 */
const KEPT_VARIABLES =
  /^(?:PATH|LD_LIBRARY_PATH|LD_PRELOAD|DYLD_LIBRARY_PATH|TMPDIR|TZ|LANG|LC_ALL|MALLOC_ARENA_MAX|UV_[A-Z_]+|(?:A|UB)SAN_OPTIONS|VICINAL_(?!.*KEY).*)$/
/** Signals of a program fault. Other signals say nothing about the snapshot. */
const FAULTS: readonly (string | null)[] = ['SIGABRT', 'SIGSEGV', 'SIGBUS', 'SIGILL', 'SIGFPE', 'SIGTRAP']

export interface TrialBounds {
  /** Anonymous memory, which no file backs. */
  memoryBytes: number
  timeMs: number
}

/** Bounds from the bytes of the archive and the memory limit, if there is one. */
export function trialBounds(archiveBytes: number, limitBytes: number | null): TrialBounds {
  const wanted = LIMITS.trialBytes + LIMITS.trialBytesPerByte * archiveBytes
  const most = limitBytes === null ? Number.POSITIVE_INFINITY : Math.max(LIMITS.trialLeastBytes, limitBytes / 2)
  return {
    memoryBytes: Math.floor(Math.min(wanted, most)),
    timeMs: Math.ceil(LIMITS.trialMs + archiveBytes / LIMITS.trialBytesPerMs),
  }
}

/**
 * Resolves once the process has opened and read everything and has ended. Rejects with CORRUPT if it found damage or
 * crashed, and with TOO_LARGE past a bound.
 */
export async function runTrial(
  disk: Disk,
  collections: readonly TriedCollection[],
  bounds: TrialBounds,
  entry: URL = entryOf(),
): Promise<void> {
  const child = started(entry)
  const trial = new Trial(child, bounds)
  const memoryBytes = Math.floor(bounds.memoryBytes * OWN_SHARE)
  const told = collections.map(({ folder, name, seq }) => ({ folder, name, seq }))
  const task: TrialTask = { root: disk.root, collections: told, memoryBytes }
  child.send(task, (error) => {
    if (error) trial.end(unavailable(`it cannot be sent its task: ${error.message}`, error))
  })
  await trial.outcome
}

function started(entry: URL): ChildProcess {
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => KEPT_VARIABLES.test(name)))
  const stdio = ['ignore', 'ignore', 'pipe', 'ipc'] as ['ignore', 'ignore', 'pipe', 'ipc']
  return fork(fileURLToPath(entry), [], { env, execArgv: [], stdio })
}

/** One trial process, from its start to its end. */
class Trial {
  readonly outcome: Promise<void>
  readonly #child: ChildProcess
  readonly #bounds: TrialBounds
  readonly #timer: NodeJS.Timeout
  #watch: NodeJS.Timeout | undefined
  #stderr = ''
  #reportedBytes = 0
  /** The outcome; null while there is none. */
  #verdict: { error: unknown } | null = null

  constructor(child: ChildProcess, bounds: TrialBounds) {
    this.#child = child
    this.#bounds = bounds
    this.#timer = setTimeout(() => this.end(tooLong(bounds.timeMs)), bounds.timeMs)
    this.#lookSoon()
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr = (this.#stderr + text).slice(-STDERR_CHARS)
    })
    child.on('message', (report) => this.#hear(report))
    // `#ended` handles the first error. This listener keeps a later one from being thrown.
    child.on('error', () => undefined)
    this.outcome = this.#ended()
  }

  /** Kills the process. A null error means that the snapshot passed. The first verdict counts. */
  end(error: unknown): void {
    this.#verdict ??= { error }
    this.#child.kill('SIGKILL')
  }

  async #ended(): Promise<void> {
    try {
      // A process that failed to start emits no exit event.
      const [code, signal] = (await once(this.#child, 'exit')) as [number | null, NodeJS.Signals | null]
      this.#verdict ??= { error: this.#endedBy(code, signal) }
    } catch (cause) {
      this.#verdict = { error: unavailable(`it cannot be started: ${(cause as Error).message}`, cause) }
    } finally {
      clearTimeout(this.#timer)
      clearTimeout(this.#watch)
    }
    const { error } = this.#verdict
    if (error !== null) throw error
  }

  #endedBy(code: number | null, signal: NodeJS.Signals | null): VicinalError {
    const cause = new Error(`the process that opened the snapshot wrote: ${this.#stderr}`)
    if (signal !== null && !FAULTS.includes(signal)) return unavailable(`it was ended by ${signal}`, cause)
    const how = signal === null ? `with exit code ${code}` : `by ${signal}`
    return new VicinalError('CORRUPT', `the process that opened it ended ${how}`, { cause })
  }

  /** Damaged files may have taken over the process, so only the expected texts and numbers of its report are used. */
  #hear(report: unknown): void {
    const { residentBytes, failure } = (report ?? {}) as {
      residentBytes?: unknown
      failure?: Partial<TrialFailure> | null
    }
    if (failure !== undefined) this.end(failure && errorOf(failure))
    else if (typeof residentBytes === 'number') this.#reportedBytes = residentBytes
  }

  #lookSoon(): void {
    this.#watch = setTimeout(() => void this.#look(), WATCH_EVERY_MS)
  }

  async #look(): Promise<void> {
    const bytes = (await anonymousBytesOf(this.#child.pid ?? 0)) ?? this.#reportedBytes
    if (bytes > this.#bounds.memoryBytes) this.end(tooMuch(this.#bounds.memoryBytes))
    else if (this.#verdict === null) this.#lookSoon()
  }
}

function errorOf({ code, message, details }: Partial<TrialFailure>): VicinalError {
  const known = typeof code === 'string' && Object.hasOwn(ERROR_CATALOGUE, code) ? code : 'CORRUPT'
  return new VicinalError(known, typeof message === 'string' ? message : '', { details: { ...details } })
}

function tooLong(bound: number): VicinalError {
  return past(`opening it took longer than ${bound} ms`, bound)
}

function tooMuch(bound: number): VicinalError {
  return past(`opening it took more than ${bound} bytes of memory`, bound)
}

function past(what: string, bound: number): VicinalError {
  return new VicinalError('TOO_LARGE', `snapshot: ${what}`, {
    details: { field: 'snapshot', bound },
    isAfterWork: true,
  })
}

function unavailable(what: string, cause: unknown): VicinalError {
  return new VicinalError('UNAVAILABLE', `the process that opens the snapshot: ${what}`, { cause })
}

/** The one message that the trial of a snapshot gets, as JSON. */
export interface TrialTask {
  /** Root folder of the disk. */
  root: string
  collections: readonly TriedCollection[]
  /** The memory limit that the trial applies to itself. */
  memoryBytes: number
}

/** The messages of the trial: its memory at intervals, and its outcome at the end. */
export type TrialReport = { residentBytes: number } | { failure: TrialFailure | null }

export interface TrialFailure {
  code: ErrorCode
  message: string
  details: Record<string, unknown>
}
