import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { catalogChanges } from '../engine/catalogue/catalog-changes.js'
import type { SharingDatabase } from '../engine/database/sharing.js'
import { memoryTables } from '../engine/memory/memory-table.js'
import { duplicateDescriptor } from '../native/descriptors.js'
import type { ThreadsBeside } from '../server/app.js'
import type { Keys } from '../server/auth.js'
import { forgetRow, sharedBudgets } from '../server/budgets.js'
import type { ServiceState } from '../server/metrics.js'
import type { ServerSettings } from '../server/settings.js'
import type { FromReader, ReadingThreadData, ToReader } from './reading-messages.js'

const FOLDER_PREFIX = 'vicinal-threads-'
const ENTRY = new URL('../../dist/cli/reading-thread.js', import.meta.url)
/** A thread that ended on its own is replaced, but not at once: what ended it may go on. */
const RESTART_MS = 1_000
/** Bytes that every system takes. */
const LONGEST_SOCKET_PATH = 100
/** For a thread to end once its connections have. */
const END_MS = 2_000

export interface ReadingThreadsOptions {
  count: number
  settings: Omit<ServerSettings, 'logStream'>
  concurrentSearches: number
  isLimited: boolean
  keepsSearches: boolean
  database: Promise<SharingDatabase>
  onTrouble(error: Error): void
}

/**
 * Threads that read the database beside this one, each with an event loop of its own, so that as many requests are answered
 * at a time as there are threads. New connections go where there are fewest. What is written, and all that only this thread
 * knows, they forward.
 */
export class ReadingThreads implements ThreadsBeside {
  readonly forwardedOn: string
  readonly budgets: Int32Array
  readonly #options: ReadingThreadsOptions
  readonly #folder: string
  readonly #threads = new Set<ReadingThread>()
  /** Of `budgets`, that no thread has: the first is the main thread's. */
  readonly #freeRows: number[]
  readonly #unwatch: () => void
  /** What those that ended had told last: counters never go back. */
  readonly #past: ServiceState[] = []
  /** Threads that are started later begin with these. */
  #keys: Keys
  #started = 0
  /** Connections of this thread. */
  #own = 0
  #isClosing = false

  private constructor(options: ReadingThreadsOptions) {
    this.#options = options
    this.#keys = options.settings
    this.budgets = sharedBudgets(options.count + 1)
    this.#freeRows = Array.from({ length: options.count }, (_, at) => at + 1)
    // Of mode 0700: the sockets in it are this process's alone.
    this.#folder = mkdtempSync(join(tmpdir(), FOLDER_PREFIX))
    this.forwardedOn = join(this.#folder, 'main')
    if (Buffer.byteLength(this.forwardedOn) > LONGEST_SOCKET_PATH) {
      throw new Error(`the folder for temporary files has too long a name for a socket: ${tmpdir()}`)
    }
    this.#unwatch = catalogChanges.onChange(() => {
      for (const thread of this.#threads) thread.tell({ kind: 'changed' })
    })
  }

  static start(options: ReadingThreadsOptions): ReadingThreads {
    sweep()
    const threads = new ReadingThreads(options)
    for (let i = 0; i < options.count; i++) threads.#start()
    return threads
  }

  /** Resolves once all of them take connections. */
  async ready(): Promise<void> {
    await Promise.all([...this.#threads].map(({ ready }) => ready))
  }

  take(connection: Socket): boolean {
    const { maxConnections } = this.#options.settings
    const ready = [...this.#threads].filter(({ isReady }) => isReady)
    const all = ready.reduce((sum, thread) => sum + thread.connections, this.#own)
    const [least] = ready.sort((a, b) => a.connections - b.connections)
    if (all >= maxConnections) {
      connection.destroy()
      return true
    }
    const descriptor = least && least.connections <= this.#own && !this.#isClosing ? duplicateOf(connection) : null
    if (!least || descriptor === null) {
      this.#own++
      connection.once('close', () => {
        this.#own--
      })
      return false
    }
    least.give(descriptor)
    connection.destroy()
    return true
  }

  async states(): Promise<ServiceState[]> {
    const states = await Promise.all([...this.#threads].map((thread) => thread.state()))
    return [...states.flatMap((state) => state ?? []), ...this.#past]
  }

  replaceKeys(keys: Keys): void {
    this.#keys = keys
    for (const thread of this.#threads) thread.tell({ kind: 'keys', keys })
  }

  async close(deadlineMs: number): Promise<void> {
    this.#isClosing = true
    this.#unwatch()
    await Promise.all([...this.#threads].map((thread) => thread.close(deadlineMs)))
    rmSync(this.#folder, { recursive: true, force: true })
  }

  #start(): void {
    const { settings, concurrentSearches, isLimited, keepsSearches, database, onTrouble } = this.#options
    const heapBytes = new Float64Array(new SharedArrayBuffer(Float64Array.BYTES_PER_ELEMENT))
    const forgetHeap = memoryTables.addHeap(() => heapBytes[0] as number)
    const row = this.#freeRows.pop() as number
    const thread = new ReadingThread(
      {
        settings: { ...settings, ...this.#keys },
        concurrentSearches,
        isLimited,
        keepsSearches,
        changes: catalogChanges.shared,
        heapBytes,
        budgets: { cells: this.budgets, row },
        forwardTo: this.forwardedOn,
        listenOn: join(this.#folder, String(++this.#started)),
      },
      database,
      (error) => {
        this.#threads.delete(thread)
        if (thread.told) this.#past.push({ ...thread.told, inWork: 0, threads: 0 })
        forgetHeap()
        forgetRow(this.budgets, row)
        this.#freeRows.push(row)
        if (this.#isClosing) return
        onTrouble(error)
        setTimeout(() => this.#isClosing || this.#start(), RESTART_MS).unref()
      },
    )
    this.#threads.add(thread)
  }
}

/** One of them, as this thread sees it. */
class ReadingThread {
  readonly ready: Promise<void>
  isReady = false
  connections = 0
  /** What it said of itself last. */
  told: ServiceState | null = null
  readonly #worker: Worker
  readonly #ended: Promise<void>
  readonly #waiting: ((state: ServiceState | null) => void)[] = []

  constructor(data: ReadingThreadData, database: Promise<SharingDatabase>, onEnd: (error: Error) => void) {
    // The flags of this process are not the worker's: with `--input-type` it would not start.
    this.#worker = new Worker(ENTRY, { name: 'vicinal-read', execArgv: [], workerData: data })
    let trouble = new Error('a reading thread has ended')
    this.#worker.on('error', (error) => {
      trouble = error
    })
    this.#ended = new Promise((resolve) => {
      this.#worker.once('exit', () => {
        this.isReady = false
        for (const answer of this.#waiting.splice(0)) answer(null)
        onEnd(trouble)
        resolve()
      })
    })
    this.ready = new Promise((resolve) => {
      const onMessage = (message: FromReader) => {
        if (message.kind === 'ready') {
          this.isReady = true
          resolve()
        } else if (message.kind === 'ended') this.connections--
        else if (message.kind === 'state') {
          this.told = message.state
          this.#waiting.shift()?.(message.state)
        } else void this.#share(message.name, database)
      }
      this.#worker.on('message', onMessage)
      void this.#ended.then(resolve)
    })
  }

  tell(message: ToReader): void {
    this.#worker.postMessage(message)
  }

  give(descriptor: number): void {
    this.connections++
    this.tell({ kind: 'connection', descriptor })
  }

  /** null where it ended before it could tell. */
  state(): Promise<ServiceState | null> {
    return new Promise((resolve) => {
      this.#waiting.push(resolve)
      this.tell({ kind: 'state' })
    })
  }

  async close(deadlineMs: number): Promise<void> {
    this.isReady = false
    this.tell({ kind: 'close', deadlineMs })
    const late = setTimeout(() => void this.#worker.terminate(), deadlineMs + END_MS)
    await this.#ended
    clearTimeout(late)
  }

  /** Until the database is open, there is nothing to read. */
  async #share(name: string, database: Promise<SharingDatabase>): Promise<void> {
    const shared = await database.then((opened) => opened.share(name)).catch(() => null)
    this.tell({ kind: 'shared', name, shared })
  }
}

/** null where the system has none, or none left: this thread then keeps the connection. */
function duplicateOf(connection: Socket): number | null {
  const { _handle: handle } = connection as Socket & { _handle?: { fd?: number } | null }
  if (handle?.fd === undefined || handle.fd < 0) return null
  try {
    return duplicateDescriptor(handle.fd)
  } catch {
    return null
  }
}

/** Removes what processes have left that were killed: nobody listens there any more. */
function sweep(): void {
  for (const name of readdirSync(tmpdir())) {
    if (!name.startsWith(FOLDER_PREFIX)) continue
    const folder = join(tmpdir(), name)
    const probe = connect(join(folder, 'main'), () => probe.destroy())
    probe.on('error', ({ code }: NodeJS.ErrnoException) => {
      if (code === 'ECONNREFUSED') rmSync(folder, { recursive: true, force: true })
    })
  }
}
