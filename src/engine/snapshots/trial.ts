import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { ERROR_CATALOGUE, VicinalError } from '../../core/errors.js'
import { LIMITS } from '../../core/limits.js'
import type { Disk } from '../../disk/disk.js'
import { anonymousBytesOf } from '../../disk/process-memory.js'
import type { TriedCollection } from './staged-collection.js'
import type { TrialFailure, TrialTask } from './trial-messages.js'

/**
 * Opens what comes from outside in a process of its own, before anything of it is opened here. That process knows no
 * secret: of the environment it has the few variables that programs need to start. It is ended when it takes more memory
 * or time than a whole snapshot of its size would.
 */

/** The compiled process, as from src/engine/snapshots in a checkout so from dist. A bundle has no place for it. */
const entryOf = () => new URL('../../../dist/engine/snapshots/trial-process.js', import.meta.url)
const WATCH_EVERY_MS = 25
/** What it keeps to by itself, of what it may have: beyond that are moments between two looks. */
const OWN_SHARE = 0.75
const STDERR_CHARS = 2_000
/** Neither credentials nor proxies nor options of Node are among them; of our own variables, no key. */
const KEPT_VARIABLES =
  /^(?:PATH|LD_LIBRARY_PATH|LD_PRELOAD|DYLD_LIBRARY_PATH|TMPDIR|TZ|LANG|LC_ALL|MALLOC_ARENA_MAX|UV_[A-Z_]+|(?:A|UB)SAN_OPTIONS|VICINAL_(?!.*KEY).*)$/
/** A fault of the program; what ends a process otherwise says nothing of the snapshot. */
const FAULTS: readonly (string | null)[] = ['SIGABRT', 'SIGSEGV', 'SIGBUS', 'SIGILL', 'SIGFPE', 'SIGTRAP']

export interface TrialBounds {
  /** Of memory that no file stands behind. */
  memoryBytes: number
  timeMs: number
}

/** By the bytes of the archive and the limit of memory, if there is one. */
export function trialBounds(archiveBytes: number, limitBytes: number | null): TrialBounds {
  const wanted = LIMITS.trialBytes + LIMITS.trialBytesPerByte * archiveBytes
  const most = limitBytes === null ? Number.POSITIVE_INFINITY : Math.max(LIMITS.trialLeastBytes, limitBytes / 2)
  return {
    memoryBytes: Math.floor(Math.min(wanted, most)),
    timeMs: Math.ceil(LIMITS.trialMs + archiveBytes / LIMITS.trialBytesPerMs),
  }
}

/**
 * Resolves once the process has opened and read all of it, and has ended. Rejects with CORRUPT where it found damage or was
 * ended by it, with TOO_LARGE past a bound.
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
    if (error) trial.end(unavailable(`it cannot be told what to do: ${error.message}`, error))
  })
  await trial.outcome
}

function started(entry: URL): ChildProcess {
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => KEPT_VARIABLES.test(name)))
  const stdio = ['ignore', 'ignore', 'pipe', 'ipc'] as ['ignore', 'ignore', 'pipe', 'ipc']
  return fork(fileURLToPath(entry), [], { env, execArgv: [], stdio })
}

/** One process, from its start to its end. */
class Trial {
  readonly outcome: Promise<void>
  readonly #child: ChildProcess
  readonly #bounds: TrialBounds
  readonly #timer: NodeJS.Timeout
  #watch: NodeJS.Timeout | undefined
  #stderr = ''
  #reportedBytes = 0
  /** What came of it; null: nothing yet. */
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
    // Heard below; a later one has no listener there.
    child.on('error', () => undefined)
    this.outcome = this.#ended()
  }

  /** Ends the process, with nothing to say against the snapshot where the error is null. The first verdict counts. */
  end(error: unknown): void {
    this.#verdict ??= { error }
    this.#child.kill('SIGKILL')
  }

  async #ended(): Promise<void> {
    try {
      // Without a process there is no exit.
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

  /** Files may have made another program of the process: of what it says, texts and numbers are taken as they are. */
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
  return past(`to open it took longer than ${bound} ms`, bound)
}

function tooMuch(bound: number): VicinalError {
  return past(`to open it took more than ${bound} bytes of memory`, bound)
}

function past(what: string, bound: number): VicinalError {
  return new VicinalError('TOO_LARGE', `snapshot: ${what}`, {
    details: { field: 'snapshot', bound },
    isAfterWork: true,
  })
}

function unavailable(what: string, cause: unknown): VicinalError {
  return new VicinalError('UNAVAILABLE', `the process that is to open the snapshot: ${what}`, { cause })
}
