import { setImmediate as nextTurn } from 'node:timers/promises'
import { VicinalError } from '../core/errors.js'
import { type Settled, settled } from '../log/group.js'
import type { S3Access, StoreAddress } from './address.js'
import { behind, OWNER, WATERMARK } from './keys.js'
import { decodeOwner, encodeOwner, type GroupOwner } from './owner.js'
import type { Entry, OpenTask } from './slate-messages.js'
import { SlateThread } from './slate-thread.js'
import { decodePosition, encodePosition, isOfCatalogue, type Position } from './watermark.js'

/** Folder of the database below the store's address. */
const DATABASE = 'log'
const HOUR_MS = 3_600_000
/** Age from which objects of SlateDB's log are removed; a batch counts within half of it (see `CountedBatches`). */
export const DEFAULT_MIN_AGE_MS = HOUR_MS
/** How long a batch waits for others: a file store has nothing to pay for, an object store is paid by the request. */
export const COMMIT_WINDOW_MS = { file: 10, s3: 100 } as const
const DEFAULT_MEMORY_BYTES = 64 * 1024 * 1024
/** Bytes of values in one batch, about. */
const BATCH_BYTES = 8 * 1024 * 1024
const SCAN_BYTES = 4 * 1024 * 1024
/** An opening that took too long to count is done again so often. */
const OPENINGS = 3

export interface GroupOptions {
  commitWindowMs?: number
  minAgeMs?: number
  memoryBytes?: number
  /** The node that opens it, and where other nodes reach it. */
  owner?: Omit<GroupOwner, 'epoch'>
  /** Called once, when the group takes nothing more. */
  onEnd?: (error: VicinalError) => void
}

/** Puts and removals that are durable together or not at all. */
export interface Change {
  puts: Entry[]
  deletes?: Uint8Array[]
}

interface Waiting {
  change: Change
  bytes: number
  done: Settled
}

/**
 * One database on the store: the logs, manifests and catalogue of its collections. It has one owner, the node that opened
 * it last; an opening fences the owner before. Whatever waits goes into one atomic batch, one batch at a time.
 *
 * A failed batch has an unknown outcome. The group then takes nothing more: its next opening reads which records are there.
 */
export class Group {
  readonly #thread: SlateThread
  #queue: Waiting[] = []
  #writing: Promise<void> | null = null
  #failure: VicinalError | null = null
  #position: Position
  readonly #onEnd: (error: VicinalError) => void

  private constructor(
    thread: SlateThread,
    /** Number of this opening. A higher one is a later owner's. */
    readonly epoch: number,
    onEnd: (error: VicinalError) => void,
  ) {
    this.#thread = thread
    // The catalogue may have changed in any batch of the owner before.
    this.#position = { epoch, batch: 0, catalogueBatch: 0 }
    this.#onEnd = onEnd
  }

  /**
   * Opens the database for writing, and makes it if there is none. Rejects with UNAVAILABLE if the store cannot be
   * reached, and with NATIVE_UNAVAILABLE without the packages of a store.
   */
  static async open(address: StoreAddress, options: GroupOptions = {}): Promise<Group> {
    const thread = await opened(taskOf(address, 'writer', options))
    try {
      const epoch = 1 + (decodeOwner(await thread.get(OWNER))?.epoch ?? 0)
      const { owner = { node: null, url: null }, onEnd = () => {} } = options
      const group = new Group(thread, epoch, onEnd)
      const first: Entry[] = [
        [OWNER, encodeOwner({ epoch, ...owner })],
        [WATERMARK, encodePosition(group.#position)],
      ]
      await thread.write(first, [])
      return group
    } catch (error) {
      await thread.close()
      throw error
    }
  }

  /** The reason why nothing more is taken, with the `Ending` in its details; null while the group works. */
  get failure(): VicinalError | null {
    return this.#failure
  }

  /** The position of the last batch that is durable and counts. */
  get position(): Position {
    return this.#position
  }

  /**
   * Resolves once the change is durable and counts. The arrays of values must not change until then. Rejects with
   * UNAVAILABLE if the outcome is unknown.
   */
  async write(change: Change): Promise<void> {
    if (this.#failure) throw this.#failure
    const bytes = change.puts.reduce((sum, [, value]) => sum + value.byteLength, 0)
    const done = settled()
    this.#queue.push({ change, bytes, done })
    this.#writing ??= this.#writeAll().finally(() => {
      this.#writing = null
    })
    await done.promise
  }

  async get(key: Uint8Array): Promise<Uint8Array | null> {
    return await this.#watched(this.#thread.get(key))
  }

  /** The entries whose keys begin with `prefix`, from the key `from` on. */
  async *scan(prefix: Uint8Array, from = prefix): AsyncGenerator<Entry> {
    yield* scanned(this.#thread, prefix, from)
  }

  async close(): Promise<void> {
    while (this.#writing) await this.#writing
    this.#failure ??= new VicinalError('CLOSED', 'the store is closed')
    await this.#thread.close()
  }

  async #writeAll(): Promise<void> {
    // Callers that the last batch answered may have more to write in this turn.
    for (await nextTurn(); this.#queue.length > 0; await nextTurn()) {
      const batch = this.#take()
      const puts = batch.flatMap(({ change }) => change.puts)
      const deletes = batch.flatMap(({ change }) => change.deletes ?? [])
      const next = this.#next(puts, deletes)
      try {
        await this.#watched(this.#thread.write([...puts, [WATERMARK, encodePosition(next)]], deletes))
        this.#position = next
        for (const { done } of batch) done.resolve()
      } catch (error) {
        this.#fail(error as VicinalError)
        for (const { done } of [...batch, ...this.#queue.splice(0)]) done.reject(error as VicinalError)
      }
    }
  }

  #next(puts: readonly Entry[], deletes: readonly Uint8Array[]): Position {
    const { epoch, batch, catalogueBatch } = this.#position
    const isListed = puts.some(([key]) => isOfCatalogue(key)) || deletes.some(isOfCatalogue)
    return { epoch, batch: batch + 1, catalogueBatch: isListed ? batch + 1 : catalogueBatch }
  }

  #take(): Waiting[] {
    let bytes = 0
    let count = 0
    while (count < this.#queue.length && bytes < BATCH_BYTES) bytes += (this.#queue[count++] as Waiting).bytes
    return this.#queue.splice(0, count)
  }

  async #watched<T>(work: Promise<T>): Promise<T> {
    try {
      return await work
    } catch (error) {
      if (error instanceof VicinalError && error.details.ending) this.#fail(error)
      throw error
    }
  }

  #fail(error: VicinalError): void {
    if (this.#failure) return
    this.#failure = error
    this.#onEnd(error)
  }
}

/** A group as another node reads it: whatever is durable, as of some milliseconds ago. */
export class GroupReader {
  private constructor(private readonly thread: SlateThread) {}

  static async open(address: StoreAddress, pollMs: number): Promise<GroupReader> {
    return new GroupReader(await opened(taskOf(address, 'reader', { commitWindowMs: pollMs })))
  }

  /** The node that opened the group last, as far as this reader sees. */
  async owner(): Promise<GroupOwner | null> {
    return decodeOwner(await this.get(OWNER))
  }

  /** How far this reader sees. Whatever is read afterwards is not older. */
  async position(): Promise<Position> {
    return decodePosition(await this.get(WATERMARK))
  }

  async get(key: Uint8Array): Promise<Uint8Array | null> {
    return await this.thread.get(key)
  }

  async *scan(prefix: Uint8Array, from = prefix): AsyncGenerator<Entry> {
    yield* scanned(this.thread, prefix, from)
  }

  async close(): Promise<void> {
    await this.thread.close()
  }
}

async function* scanned(thread: SlateThread, prefix: Uint8Array, from: Uint8Array): AsyncGenerator<Entry> {
  const to = behind(prefix)
  for (let next = from; ; ) {
    const { entries, isWhole } = await thread.scan(next, to, SCAN_BYTES)
    yield* entries
    const last = entries.at(-1)
    if (isWhole || !last) return
    // The first key after the last one.
    next = Buffer.concat([last[0], Buffer.alloc(1)])
  }
}

async function opened(task: OpenTask): Promise<SlateThread> {
  for (let opening = 1; ; opening++) {
    try {
      return await SlateThread.open(task)
    } catch (error) {
      const isLate = error instanceof VicinalError && error.details.ending === 'late'
      if (!isLate || opening === OPENINGS) throw error
    }
  }
}

function taskOf(address: StoreAddress, role: OpenTask['role'], options: GroupOptions): OpenTask {
  const { commitWindowMs, minAgeMs = DEFAULT_MIN_AGE_MS, memoryBytes = DEFAULT_MEMORY_BYTES } = options
  const intervalMs = commitWindowMs ?? COMMIT_WINDOW_MS[address.kind]
  const common = { kind: 'open', role, intervalMs, minAgeMs, memoryBytes } as const
  if (address.kind === 'file') return { ...common, url: address.url, path: DATABASE, environment: {} }
  const { bucket, prefix, access } = address
  return { ...common, url: `s3://${bucket}`, path: `${prefix}/${DATABASE}`, environment: variablesOf(access) }
}

function variablesOf({
  endpoint,
  region,
  accessKeyId,
  secretAccessKey,
  sessionToken,
}: S3Access): Record<string, string> {
  const variables = {
    AWS_REGION: region,
    AWS_ENDPOINT: endpoint,
    AWS_ACCESS_KEY_ID: accessKeyId,
    AWS_SECRET_ACCESS_KEY: secretAccessKey,
    AWS_SESSION_TOKEN: sessionToken,
    AWS_ALLOW_HTTP: endpoint?.startsWith('http:') ? 'true' : null,
  }
  return Object.fromEntries(Object.entries(variables).filter((entry): entry is [string, string] => entry[1] !== null))
}
