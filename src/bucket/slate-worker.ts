import { type MessagePort, parentPort, workerData } from 'node:worker_threads'
import type { Db, DbReader } from '@slatedb/uniffi'
import { moment } from './counted-batches.js'
import { WATERMARK } from './keys.js'
import { storePackage } from './packages.js'
import { Ended, endedBy, failureOf, messageOf } from './slate-endings.js'
import { callBegins, callEnds } from './slate-exit.js'
import type {
  GetTask,
  OpenTask,
  PollTask,
  ScanTask,
  SlateAnswer,
  SlateRequest,
  SlateResults,
  SlateShared,
  SlateTask,
  WriteTask,
} from './slate-messages.js'
import { SlateWriter } from './slate-writer.js'
import { decodePosition, hasReached } from './watermark.js'

/**
 * The thread that has a group's database. Each call of the binding copies its bytes and takes some tenths of a
 * millisecond, which the thread of the requests cannot spare.
 */
const port = parentPort as MessagePort
/** Not the id of a request: the thread tells its own end. */
const CRASHED = 0
type Slate = typeof import('@slatedb/uniffi')

/** A reader that is replaced may read on meanwhile. */
const POLL_ATTEMPTS = 5
/** Above all that can be in the log without being flushed, so that a replay makes one table: see `SlateWriter`. */
const ONE_TABLE_BYTES = 1024 * 1024 * 1024
/** Tables that wait for SlateDB's compactor, which looks every IDLE_POLL_MS; a batch must not wait for that. */
const WAITING_TABLES = 192
/** How long the state that a reader reads is kept for it in the database. */
const READER_CHECKPOINT_MS = 600_000
/** Once half of that time is over, SlateDB's reader writes its manifest at each look. A new one takes its place before. */
const READER_RENEWAL_MS = READER_CHECKPOINT_MS * 0.4
/** SlateDB's own work of an owner looks this often. Each look is paid. */
const IDLE_POLL_MS = 30_000
/** Bytes that an entry takes beside its key and value, about. */
const ENTRY_BYTES = 64

const { resolving, calls } = workerData as SlateShared
let slate: Slate
let database: Db | null = null
let writer: SlateWriter | null = null
let reader: DbReader | null = null
/** Opens the reader anew, with another interval. */
let openReader: (intervalMs: number) => Promise<DbReader>
let replacing: Promise<unknown> = Promise.resolve()
let renewal: NodeJS.Timeout | null = null
/** Nothing is opened any more. The thread ends once all is over that SlateDB does for it. */
let isEnding = false
/** Reads under way. */
const reads = new Set<Promise<unknown>>()

port.on('message', ({ id, task }: SlateRequest) => void serve(id, task).finally(() => callEnds(calls)))
// Ended at once, it would end the process with it: see `SlateThread.close`.
process.on('uncaughtException', (error) => {
  answer({ id: CRASHED, ok: false, failure: failureOf(error) })
  void serve(CRASHED, { kind: 'close' })
})

/** An exit of the process waits for it. */
async function counted<T>(work: Promise<T>): Promise<T> {
  callBegins(calls)
  try {
    return await work
  } finally {
    callEnds(calls)
  }
}

async function serve(id: number, task: SlateTask): Promise<void> {
  try {
    answer({ id, ok: true, result: await run(task) })
  } catch (error) {
    answer({ id, ok: false, failure: failureOf(error) })
  }
  if (task.kind === 'close') port.close()
}

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
      return await reading((from) => get(task, from))
    case 'scan':
      return await reading((from) => scan(task, from))
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
        // Above a bound, one batch would be in two tables, and its second half would end the reader.
        max_memtable_bytes: ONE_TABLE_BYTES,
        skip_wal_replay: false,
      })
      return await builder.build()
    }
    reader = await openReader(task.intervalMs)
    if (isEnding) await shutdown()
    else awaitRenewal(task.intervalMs)
    return
  }
  const builder = new slate.DbBuilder(task.path, store)
  builder.with_settings(settingsOf(slate, task))
  // The owner reads a log once, when it opens a collection: blocks that are kept would only take memory.
  builder.with_db_cache_disabled()
  const began = moment()
  database = await builder.build()
  try {
    if (!isEnding) writer = new SlateWriter(database, slate.FlushType.MemTable, began, task)
  } finally {
    // Otherwise its work in the background would go on, and slow down the next opening.
    if (!writer) await shutdown()
  }
}

/** The variables are the process's, and are there for the moment of the call alone. */
function withVariables<T>(variables: Record<string, string>, work: () => T): T {
  while (Atomics.compareExchange(resolving, 0, 0, 1) !== 0) Atomics.wait(resolving, 0, 1)
  const before = Object.keys(variables).map((name) => [name, process.env[name]] as const)
  Object.assign(process.env, variables)
  try {
    return work()
  } finally {
    for (const [name, value] of before) {
      if (value === undefined) delete process.env[name]
      else process.env[name] = value
    }
    Atomics.store(resolving, 0, 0)
    Atomics.notify(resolving, 0, 1)
  }
}

function settingsOf({ Settings }: Slate, { intervalMs, minAgeMs, memoryBytes }: OpenTask) {
  const settings = Settings.default()
  const set = (key: string, value: unknown) => settings.set(key, JSON.stringify(value))
  set('flush_interval', `${intervalMs}ms`)
  set('l0_sst_size_bytes', ONE_TABLE_BYTES)
  set('l0_max_ssts', WAITING_TABLES)
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
  if (!writer) throw new Ended('the database is not open for writing', 'lost')
  const batch = new slate.WriteBatch()
  let bytes = ENTRY_BYTES * (puts.length + deletes.length)
  for (const [key, value] of puts) {
    batch.put(asBuffer(key), asBuffer(value))
    bytes += key.byteLength + value.byteLength
  }
  for (const key of deletes) {
    batch.delete(asBuffer(key))
    bytes += key.byteLength
  }
  await writer.write(batch, bytes)
}

function source(): Db | DbReader {
  const from = writer?.db ?? reader
  if (!from) throw new Ended('the database is not open', 'lost')
  return from
}

async function reading<T>(work: (from: Db | DbReader) => Promise<T>): Promise<T> {
  const from = source()
  const read = work(from)
  const settled: Promise<unknown> = read.then(
    () => reads.delete(settled),
    () => reads.delete(settled),
  )
  reads.add(settled)
  try {
    return await read
  } catch (error) {
    // A reader that has ended repeats the error of its last look, which does not say so.
    const { close_reason: reason } = from.status()
    if (reason === undefined) throw error
    throw endedBy(error) ?? new Ended(messageOf(error), reason === 'Fenced' ? 'fenced' : 'lost')
  }
}

/** Reads, and tells the watermark of the state that was read: the same before and after. */
async function exactly<T>(
  from: Db | DbReader,
  isExact: boolean,
  read: () => Promise<T>,
): Promise<[T, Uint8Array | null]> {
  if (!isExact) return [await read(), null]
  const watermark = async () => (await from.get(asBuffer(WATERMARK))) ?? new Uint8Array()
  for (let before = await watermark(); ; ) {
    const found = await read()
    const now = await watermark()
    if (Buffer.compare(before, now) === 0) return [found, now]
    before = now
  }
}

async function get({ key, isExact }: GetTask, from: Db | DbReader): Promise<SlateResults['get']> {
  const [value, watermark] = await exactly(from, isExact, () => from.get(asBuffer(key)))
  return { value, watermark }
}

/** Another reader takes the place of the present one, once it sees as much. */
async function setPoll({ intervalMs }: PollTask): Promise<undefined> {
  const replaced = replacing.then(() => counted(replace(intervalMs)))
  replacing = replaced.catch(() => undefined)
  await replaced
}

async function replace(intervalMs: number): Promise<void> {
  for (let attempt = 1; attempt <= POLL_ATTEMPTS; attempt++) {
    const before = reader
    if (!before) throw new Ended('the database is not open for reading', 'lost')
    const next = await openReader(intervalMs)
    let isTaken = false
    try {
      const [seen, had] = await Promise.all([next, before].map((from) => from.get(asBuffer(WATERMARK))))
      isTaken = hasReached(decodePosition(seen ?? null), decodePosition(had ?? null)) && reader === before
    } finally {
      if (!isTaken) await next.shutdown().catch(() => undefined)
    }
    if (!isTaken) continue
    reader = next
    // Reads under way end with the reader that they began with.
    void Promise.all([...reads]).then(() => counted(before.shutdown()).catch(() => undefined))
    awaitRenewal(intervalMs)
    return
  }
  throw new Error('the present reader is always ahead')
}

/** One that fails is made up for by the next. */
function awaitRenewal(intervalMs: number): void {
  if (renewal) clearTimeout(renewal)
  renewal = setTimeout(() => {
    setPoll({ kind: 'poll', intervalMs }).catch(() => {
      if (reader) awaitRenewal(intervalMs)
    })
  }, READER_RENEWAL_MS).unref()
}

async function scan({ from: first, to, bytes, isExact }: ScanTask, from: Db | DbReader): Promise<SlateResults['scan']> {
  const range = { start: asBuffer(first), start_inclusive: true, end: asBuffer(to), end_inclusive: false }
  const [iterator, watermark] = await exactly(from, isExact, () => from.scan(range))
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
  isEnding = true
  await shutdown()
}

async function shutdown(): Promise<void> {
  writer?.stop()
  if (renewal) clearTimeout(renewal)
  const open = database ?? reader
  writer = null
  database = null
  reader = null
  await open?.shutdown()
}

function asBuffer({ buffer, byteOffset, byteLength }: Uint8Array): Buffer {
  return Buffer.from(buffer as ArrayBuffer, byteOffset, byteLength)
}
