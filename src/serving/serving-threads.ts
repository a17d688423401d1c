import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { catalogChanges } from '../engine/catalogue/catalog-changes.js'
import type { SharingDatabase } from '../engine/database/sharing.js'
import { memoryTables } from '../engine/memory/memory-table.js'
import { duplicateDescriptor } from '../native/process.js'
import type { ThreadsBeside } from '../server/app.js'
import type { Keys } from '../server/auth.js'
import { forgetRow, sharedBudgets } from '../server/budgets.js'
import type { Call } from '../server/call.js'
import type { ServiceState } from '../server/metrics.js'
import type { ServerSettings } from '../server/server-settings.js'
import type { Service } from '../server/service.js'
import { ForwardedRequests } from './forwarded-requests.js'
import type { FromReader, ServingThreadData, ToReader } from './messages.js'

const FOLDER_PREFIX = 'vicinal-threads-'
const ENTRY = new URL('../../dist/serving/serving-thread.js', import.meta.url)
/** A thread that ended on its own is replaced after this delay, because the cause may persist. */
const RESTART_MS = 1_000
/** Bytes of a socket's path that every system accepts. */
const LONGEST_SOCKET_PATH = 100
/** Time for a thread to end after its connections have ended. */
const END_MS = 2_000

export interface ServingThreadsOptions {
  count: number
  settings: Omit<ServerSettings, 'logStream'>
  concurrentSearches: number
  isLimited: boolean
  keepsSearches: boolean
  database: Promise<SharingDatabase>
  /** As in ServingThreadData. */
  isTraced?: boolean
  auditLog?: string | null
  onTrouble(error: Error): void
}

/**
 * Serving threads beside the main thread. Each has its own event loop, so that many requests are answered at a time. A
 * new connection goes to the thread with the fewest. These threads forward writes, and reads that need the main thread.
 */
export class ServingThreads implements ThreadsBeside {
  readonly budgets: Int32Array
  readonly #options: ServingThreadsOptions
  readonly #folder: string
  /** Path of the socket on which the main thread takes forwarded requests. */
  readonly #forwardedOn: string
  #forwarded: ForwardedRequests | null = null
  readonly #threads = new Set<ServingThread>()
  /** Rows of `budgets` that no thread has. The first row is the main thread's. */
  readonly #freeRows: number[]
  readonly #unwatch: () => void
  /** Last states of ended threads, since counters must never go back. */
  readonly #past: ServiceState[] = []
  /** The keys for threads that start later. */
  #keys: Keys
  #started = 0
  /** Connections of the main thread. */
  #own = 0
  #isClosing = false

  private constructor(options: ServingThreadsOptions) {
    this.#options = options
    this.#keys = options.settings
    this.budgets = sharedBudgets(options.count + 1)
    this.#freeRows = Array.from({ length: options.count }, (_, at) => at + 1)
    // Made with mode 0700: only this process can use the sockets in it.
    this.#folder = mkdtempSync(join(tmpdir(), FOLDER_PREFIX))
    this.#forwardedOn = join(this.#folder, 'main')
    if (Buffer.byteLength(this.#forwardedOn) > LONGEST_SOCKET_PATH) {
      throw new Error(`the folder for temporary files has too long a name for a socket: ${tmpdir()}`)
    }
    this.#unwatch = catalogChanges.onChange(() => {
      for (const thread of this.#threads) thread.tell({ kind: 'changed' })
    })
  }

  static start(options: ServingThreadsOptions): ServingThreads {
    sweep()
    const threads = new ServingThreads(options)
    for (let i = 0; i < options.count; i++) threads.#start()
    return threads
  }

  /** Resolves once all threads take connections. */
  async ready(): Promise<void> {
    await Promise.all([...this.#threads].map(({ ready }) => ready))
  }

  async forwardTo(service: Service<Call>): Promise<void> {
    this.#forwarded = new ForwardedRequests(service, this.#options.settings)
    await this.#forwarded.listen(this.#forwardedOn)
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

  /** Opens the audit log anew. */
  reopen(): void {
    for (const thread of this.#threads) thread.tell({ kind: 'reopen' })
  }

  async close(deadlineMs: number): Promise<void> {
    const late = performance.now() + deadlineMs
    this.#isClosing = true
    this.#unwatch()
    await Promise.all([...this.#threads].map((thread) => thread.close(deadlineMs)))
    await this.#forwarded?.close(Math.max(0, late - performance.now()))
    rmSync(this.#folder, { recursive: true, force: true })
  }

  #start(): void {
    const { settings, concurrentSearches, isLimited, keepsSearches, database, onTrouble } = this.#options
    const { isTraced = false, auditLog = null } = this.#options
    const heapBytes = new Float64Array(new SharedArrayBuffer(Float64Array.BYTES_PER_ELEMENT))
    const forgetHeap = memoryTables.addHeap(() => heapBytes[0] as number)
    const row = this.#freeRows.pop() as number
    const thread = new ServingThread(
      {
        settings: { ...settings, ...this.#keys },
        concurrentSearches,
        isLimited,
        keepsSearches,
        changes: catalogChanges.shared,
        heapBytes,
        budgets: { cells: this.budgets, row },
        forwardTo: this.#forwardedOn,
        listenOn: join(this.#folder, String(++this.#started)),
        isTraced,
        auditLog,
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

/** One serving thread, as the main thread sees it. */
class ServingThread {
  readonly ready: Promise<void>
  isReady = false
  connections = 0
  /** The state that it reported last. */
  told: ServiceState | null = null
  readonly #worker: Worker
  readonly #ended: Promise<void>
  readonly #waiting: ((state: ServiceState | null) => void)[] = []

  constructor(data: ServingThreadData, database: Promise<SharingDatabase>, onEnd: (error: Error) => void) {
    // The worker must not inherit the process's flags: it would not start with `--input-type`.
    this.#worker = new Worker(ENTRY, { name: 'vicinal-read', execArgv: [], workerData: data })
    let trouble = new Error('a serving thread has ended')
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

  /** null if the thread ended before it could answer. */
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

  /** Until the database is open, there is nothing to share. */
  async #share(name: string, database: Promise<SharingDatabase>): Promise<void> {
    const shared = await database.then((opened) => opened.share(name)).catch(() => null)
    this.tell({ kind: 'shared', name, shared })
  }
}

/** null if the system has no descriptor, or none left. The main thread then keeps the connection. */
function duplicateOf(connection: Socket): number | null {
  const { _handle: handle } = connection as Socket & { _handle?: { fd?: number } | null }
  if (handle?.fd === undefined || handle.fd < 0) return null
  try {
    return duplicateDescriptor(handle.fd)
  } catch {
    return null
  }
}

/** Removes folders of killed processes. Their sockets have no listener any more. */
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
