import { type MessagePort, parentPort } from 'node:worker_threads'
import type { Db, DbReader } from '@slatedb/uniffi'
import { CountedBatches, type Moment, moment } from './counted-batches.js'
import { WATERMARK } from './keys.js'
import { storePackage } from './packages.js'
import type {
  Ending,
  GetTask,
  OpenTask,
  PollTask,
  ScanTask,
  SlateAnswer,
  SlateFailure,
  SlateRequest,
  SlateResults,
  SlateTask,
  WriteTask,
} from './slate-messages.js'
import { decodePosition, hasReached } from './watermark.js'

/**
 * The thread that has a group's database. Each call of the binding copies its bytes and takes some tenths of a
 * millisecond, which the thread of the requests cannot spare.
 */
const port = parentPort as MessagePort
type Slate = typeof import('@slatedb/uniffi')

/** An owner without writes proves so often, in parts of the bound, that it still has the database. */
const BEATS = 2
/** Key of the proof. */
const BEAT = Buffer.from('b')
/** An opening reads each object of the log since the last flush of SlateDB's table in memory: so many batches at most. */
const FLUSHED_BATCHES = 1_000
/** A reader that is replaced may read on meanwhile. */
const POLL_ATTEMPTS = 5
const SST_BYTES = 16 * 1024 * 1024
const READER_CHECKPOINT_MS = 600_000
/** While nothing is written or removed, SlateDB's own work looks this often. */
const IDLE_POLL_MS = 10_000

class Ended extends Error {
  constructor(
    message: string,
    readonly ending: Ending,
  ) {
    super(message)
  }
}

let slate: Slate
let writer: Db | null = null
let reader: DbReader | null = null
/** Opens the reader anew, with another interval. */
let openReader: (intervalMs: number) => Promise<DbReader>
/** Reads under way. */
const reads = new Set<Promise<unknown>>()
let counted: CountedBatches
let beatMs = 0
/** Batches since the last flush. */
let unflushed = 0
let beat: NodeJS.Timeout | null = null
let ended: Ended | null = null

port.on('message', ({ id, task }: SlateRequest) => {
  run(task).then(
    (result) => answer({ id, ok: true, result }),
    (error: unknown) => answer({ id, ok: false, failure: failureOf(error) }),
  )
})

function answer(message: SlateAnswer): void {
  port.postMessage(message)
}

async function run(task: SlateTask): Promise<SlateResults[SlateTask['kind']]> {
  switch (task.kind) {
    case 'open':
      return await open(task)
    case 'write':
      return await write(task)
    case 'get':
      return await reading(() => get(task))
    case 'scan':
      return await reading(() => scan(task))
    case 'poll':
      return await setPoll(task)
    case 'close':
      return await close()
  }
}

async function open(task: OpenTask): Promise<undefined> {
  slate = await storePackage('@slatedb/uniffi', () => import('@slatedb/uniffi'))
  const store = withVariables(task.environment, () => slate.ObjectStore.resolve(task.url))
  if (task.role === 'reader') {
    openReader = async (intervalMs) => {
      const builder = new slate.DbReaderBuilder(task.path, store)
      builder.with_options({
        manifest_poll_interval_ms: intervalMs,
        checkpoint_lifetime_ms: READER_CHECKPOINT_MS,
        max_memtable_bytes: task.memoryBytes,
        skip_wal_replay: false,
      })
      return await builder.build()
    }
    reader = await openReader(task.intervalMs)
    return
  }
  const builder = new slate.DbBuilder(task.path, store)
  builder.with_settings(settingsOf(slate, task))
  // The owner reads a log once, when it opens a collection: blocks that are kept would only take memory.
  builder.with_db_cache_disabled()
  const began = moment()
  writer = await builder.build()
  counted = new CountedBatches(task.minAgeMs, began)
  if (!counted.counts(began)) {
    // Otherwise its work in the background would go on, and slow down the next opening.
    await close()
    throw new Ended('the database took too long to open', 'late')
  }
  beatMs = task.minAgeMs / 2 / BEATS
  awaitBeat()
}

/** The variables are the process's, and are there for the moment of the call alone. */
function withVariables<T>(variables: Record<string, string>, work: () => T): T {
  const before = Object.keys(variables).map((name) => [name, process.env[name]] as const)
  Object.assign(process.env, variables)
  try {
    return work()
  } finally {
    for (const [name, value] of before) {
      if (value === undefined) delete process.env[name]
      else process.env[name] = value
    }
  }
}

function settingsOf({ Settings }: Slate, { intervalMs, minAgeMs, memoryBytes }: OpenTask) {
  const settings = Settings.default()
  const set = (key: string, value: unknown) => settings.set(key, JSON.stringify(value))
  set('flush_interval', `${intervalMs}ms`)
  set('l0_sst_size_bytes', Math.min(SST_BYTES, Math.floor(memoryBytes / 4)))
  set('max_unflushed_bytes', memoryBytes)
  set('manifest_poll_interval', `${IDLE_POLL_MS}ms`)
  set('compactor_options.poll_interval', `${IDLE_POLL_MS}ms`)
  const age = { interval: `${Math.max(1_000, Math.floor(minAgeMs / 4))}ms`, min_age: `${minAgeMs}ms` }
  for (const part of ['manifest', 'wal', 'compacted', 'compactions']) {
    set(`garbage_collector_options.${part}_options`, age)
  }
  return settings
}

async function write({ puts, deletes }: WriteTask): Promise<undefined> {
  const db = writable()
  const batch = new slate.WriteBatch()
  for (const [key, value] of puts) batch.put(asBuffer(key), asBuffer(value))
  for (const key of deletes) batch.delete(asBuffer(key))
  await commit(moment(), () => db.write(batch))
  flushIfDue(db)
  awaitBeat()
}

/** In the background. One that fails is made up for by the next. */
function flushIfDue(db: Db): void {
  if (++unflushed < FLUSHED_BATCHES) return
  unflushed = 0
  db.flush_with_options({ flush_type: slate.FlushType.MemTable }).catch(() => undefined)
}

async function commit(began: Moment, work: () => Promise<unknown>): Promise<void> {
  try {
    await work()
  } catch (cause) {
    throw end(cause)
  }
  if (!counted.counts(began))
    throw end(new Ended('the store answered later than half of min_age; the write does not count', 'late'))
}

function awaitBeat(): void {
  if (beat) clearTimeout(beat)
  beat = setTimeout(() => {
    if (!writer || ended) return
    commit(moment(), () => (writer as Db).put(BEAT, Buffer.alloc(0))).then(awaitBeat, () => undefined)
  }, beatMs).unref()
}

/** After any failed batch its outcome is unknown, so nothing more is taken. */
function end(cause: unknown): Ended {
  ended ??= endedBy(cause) ?? new Ended(messageOf(cause), 'lost')
  return ended
}

/** An end of the database by its reason, in our words; null for other errors. */
function endedBy(cause: unknown): Ended | null {
  if (cause instanceof Ended) return cause
  return isFenced(cause) ? new Ended('another node has opened it', 'fenced') : null
}

function isFenced(cause: unknown): boolean {
  return cause instanceof slate.ErrorClosed && cause.reason === slate.CloseReason.Fenced
}

function writable(): Db {
  if (ended) throw ended
  if (!writer) throw new Ended('the database is not open for writing', 'lost')
  return writer
}

function source(): Db | DbReader {
  const from = writer ?? reader
  if (ended || !from) throw ended ?? new Ended('the database is not open', 'lost')
  return from
}

async function reading<T>(work: () => Promise<T>): Promise<T> {
  const read = work()
  const settled: Promise<unknown> = read.then(
    () => reads.delete(settled),
    () => reads.delete(settled),
  )
  reads.add(settled)
  return await read
}

/** Reads, and tells the watermark of the state that was read: the same before and after. */
async function exactly<T>(
  isExact: boolean,
  read: (from: Db | DbReader) => Promise<T>,
): Promise<[T, Uint8Array | null]> {
  const from = source()
  if (!isExact) return [await read(from), null]
  const watermark = async () => (await from.get(asBuffer(WATERMARK))) ?? new Uint8Array()
  for (let before = await watermark(); ; ) {
    const found = await read(from)
    const now = await watermark()
    if (Buffer.compare(before, now) === 0) return [found, now]
    before = now
  }
}

async function get({ key, isExact }: GetTask): Promise<SlateResults['get']> {
  const [value, watermark] = await exactly(isExact, (from) => from.get(asBuffer(key)))
  return { value, watermark }
}

/** Another reader takes the place of the present one, once it sees as much. */
async function setPoll({ intervalMs }: PollTask): Promise<undefined> {
  for (let attempt = 1; attempt <= POLL_ATTEMPTS; attempt++) {
    const before = reader
    if (!before) throw new Ended('the database is not open for reading', 'lost')
    const next = await openReader(intervalMs)
    const [seen, had] = await Promise.all([next, before].map((from) => from.get(asBuffer(WATERMARK))))
    if (hasReached(decodePosition(seen ?? null), decodePosition(had ?? null)) && reader === before) {
      reader = next
      // Reads under way end with the reader that they began with.
      void Promise.all([...reads]).then(() => before.shutdown().catch(() => undefined))
      return
    }
    await next.shutdown()
  }
  throw new Error('the present reader is always ahead')
}

async function scan({ from, to, bytes, isExact }: ScanTask): Promise<SlateResults['scan']> {
  const range = { start: asBuffer(from), start_inclusive: true, end: asBuffer(to), end_inclusive: false }
  const [iterator, watermark] = await exactly(isExact, (database) => database.scan(range))
  const entries: SlateResults['scan']['entries'] = []
  let read = 0
  while (read < bytes) {
    const entry = await iterator.next()
    if (!entry) return { entries, isWhole: true, watermark }
    entries.push([entry.key, entry.value])
    read += entry.key.length + entry.value.length
  }
  return { entries, isWhole: false, watermark }
}

async function close(): Promise<undefined> {
  if (beat) clearTimeout(beat)
  await (writer ?? reader)?.shutdown()
  writer = null
  reader = null
}

function asBuffer({ buffer, byteOffset, byteLength }: Uint8Array): Buffer {
  return Buffer.from(buffer as ArrayBuffer, byteOffset, byteLength)
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

function failureOf(error: unknown): SlateFailure {
  const isMissing = (error as { code?: unknown }).code === 'NATIVE_UNAVAILABLE'
  const ending = isMissing ? null : endedBy(error)
  return { message: messageOf(ending ?? error), ending: ending?.ending ?? null, isMissing }
}
