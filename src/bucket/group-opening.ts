import { randomUUID } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import { VicinalError } from '../core/errors.js'
import type { S3Access, StoreAddress } from './address.js'
import { bounded, DATABASE, OPENING_MS } from './bounded.js'
import { OWNER, WATERMARK } from './keys.js'
import { decodeOwner, encodeOwner, type GroupOwner } from './owner.js'
import type { Entry, OpenTask } from './slate-messages.js'
import { SlateThread } from './slate-thread.js'
import { decodePosition, encodePosition, type Position } from './watermark.js'

const HOUR_MS = 3_600_000
/** Age from which objects of SlateDB's log are removed; a batch counts within half of it (see `CountedBatches`). */
export const DEFAULT_MIN_AGE_MS = HOUR_MS
/** How long a batch waits for others: a file store has nothing to pay for, an object store is paid by the request. */
const COMMIT_WINDOW_MS = { file: 10, s3: 100 } as const
const DEFAULT_MEMORY_BYTES = 64 * 1024 * 1024
const LEAST_MEMORY_BYTES = 8 * 1024 * 1024
/** Share of a memory limit that SlateDB may hold. */
const LIMIT_SHARE = 1 / 16
/** An opening that took too long to count is done again so often. */
const OPENINGS = 3
/** Pauses between attempts to open the database again. */
const RETRY_FIRST_MS = 100
const RETRY_MOST_MS = 5_000
/** A node that opened the database has this long to write its name, before the one that it fenced takes it back. */
const NAMING_MS = 5_000

export interface OpeningOptions {
  commitWindowMs?: number
  minAgeMs?: number
  memoryBytes?: number
  /** The node that opens it, and where other nodes reach it. */
  owner?: Omit<GroupOwner, 'epoch' | 'opening'>
}

/** An opening of the database for writing. */
export interface Opening {
  thread: SlateThread
  epoch: number
  /** The last batch of the owner before, or of this node's opening before. */
  before: Position
}

export class GroupOpenings {
  readonly #address: StoreAddress
  readonly #options: OpeningOptions
  /** Names of this group's openings, those included of which it does not know whether their name was written. */
  readonly #own = new Set<string>()

  constructor(address: StoreAddress, options: OpeningOptions) {
    this.#address = address
    this.#options = options
  }

  /** Opens the database and fences its owner. Rejects with UNAVAILABLE if the store does not answer. */
  async open(): Promise<Opening> {
    return (await this.#open(openedInTime, () => true)) as Opening
  }

  /**
   * Opens the database again after `ending`, for as long as the store does not answer. Resolves to null if another node has
   * opened it since, and once `isOver` says so.
   */
  async reopen(ending: unknown, isOver: () => boolean): Promise<Opening | null> {
    const namedByMs = performance.now() + (ending === 'fenced' ? NAMING_MS : 0)
    let before: Position | null = null
    for (let retryMs = RETRY_FIRST_MS; !isOver(); retryMs = Math.min(RETRY_MOST_MS, 2 * retryMs)) {
      try {
        const isOwn = await this.#isOwn()
        if (!isOwn) return null
        if (performance.now() >= namedByMs) {
          const opening = await this.#open(
            (_, task) => opened(task),
            (owner) => this.#has(owner),
            (found) => (before ??= found),
          )
          // An earlier attempt's finding comes first: that attempt may have written its own name.
          return opening && { ...opening, before: before ?? opening.before }
        }
      } catch (error) {
        if (!(error instanceof VicinalError) || error.code !== 'UNAVAILABLE') throw error
      }
      await pause(retryMs, undefined, { ref: false })
    }
    return null
  }

  /** Reading fences nobody. */
  async #isOwn(): Promise<boolean> {
    const reader = await opened(taskOf(this.#address, 'reader', this.#options))
    try {
      return this.#has(decodeOwner(await reader.get(OWNER)))
    } finally {
      await reader.close()
    }
  }

  #has(owner: GroupOwner | null): boolean {
    return owner?.opening != null && this.#own.has(owner.opening)
  }

  async #open(
    open: typeof openedInTime,
    mayOpen: (owner: GroupOwner | null) => boolean,
    onFound: (before: Position) => void = () => {},
  ): Promise<Opening | null> {
    const thread = await open(this.#address, taskOf(this.#address, 'writer', this.#options))
    const inTime = <T>(work: Promise<T>) => bounded(this.#address, work)
    try {
      const present = decodeOwner(await inTime(thread.get(OWNER)))
      const before = decodePosition(await inTime(thread.get(WATERMARK)))
      if (mayOpen(present)) {
        onFound(before)
        const epoch = 1 + (present?.epoch ?? 0)
        const opening = randomUUID()
        this.#own.add(opening)
        const { owner = { node: null, url: null } } = this.#options
        // The catalogue may have changed in any batch of the owner before.
        const first = { epoch, batch: 0, catalogueBatch: 0 }
        const names = encodeOwner({ epoch, opening, ...owner })
        const puts: Entry[] = [
          [OWNER, names],
          [WATERMARK, encodePosition(first)],
        ]
        await inTime(thread.write(puts, []))
        return { thread, epoch, before }
      }
    } catch (error) {
      await thread.close()
      throw error
    }
    await thread.close()
    return null
  }
}

/** Opens the database for reading. Rejects with UNAVAILABLE if the store does not answer. */
export async function openedReader(address: StoreAddress, pollMs: number, memoryBytes?: number): Promise<SlateThread> {
  const bounds = memoryBytes === undefined ? {} : { memoryBytes }
  return await openedInTime(address, taskOf(address, 'reader', { commitWindowMs: pollMs, ...bounds }))
}

/** Bytes that SlateDB may hold below a memory limit of the process. */
export function databaseBytesOf(limitBytes: number): number {
  return Math.min(DEFAULT_MEMORY_BYTES, Math.max(LEAST_MEMORY_BYTES, Math.floor(limitBytes * LIMIT_SHARE)))
}

async function opened(task: OpenTask, leaving?: AbortSignal): Promise<SlateThread> {
  for (let opening = 1; ; opening++) {
    try {
      return await SlateThread.open(task, leaving)
    } catch (error) {
      const isLate = error instanceof VicinalError && error.details.ending === 'late'
      if (!isLate || opening === OPENINGS) throw error
    }
  }
}

/** Openings under way whose callers have given up, by their tasks. */
const givenUp = new Map<string, Promise<SlateThread>>()

/**
 * A database that is opened while the store answers. An opening that was given up goes on, and the next one takes it over:
 * otherwise each attempt would leave one.
 */
async function openedInTime(address: StoreAddress, task: OpenTask): Promise<SlateThread> {
  const key = JSON.stringify({ ...task, environment: null })
  const leaving = new AbortController()
  const opening = givenUp.get(key) ?? opened(task, leaving.signal)
  givenUp.delete(key)
  try {
    return await bounded(address, opening, OPENING_MS)
  } catch (error) {
    leaving.abort()
    const isKept = !givenUp.has(key)
    if (isKept) givenUp.set(key, opening)
    const isLeft = () => !isKept || (givenUp.get(key) === opening && givenUp.delete(key))
    opening.then(
      (thread) => (isLeft() ? thread.close() : undefined),
      () => isLeft(),
    )
    throw error
  }
}

export function commitWindowOf({ kind }: StoreAddress, givenMs: number | undefined): number {
  return givenMs ?? COMMIT_WINDOW_MS[kind]
}

function taskOf(address: StoreAddress, role: OpenTask['role'], options: OpeningOptions): OpenTask {
  const { minAgeMs = DEFAULT_MIN_AGE_MS, memoryBytes = DEFAULT_MEMORY_BYTES } = options
  const intervalMs = commitWindowOf(address, options.commitWindowMs)
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
