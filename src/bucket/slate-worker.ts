import { type MessagePort, parentPort } from 'node:worker_threads'
import type { Db, DbReader } from '@slatedb/uniffi'
import { CountedBatches, type Moment, moment } from './counted-batches.js'
import { storePackage } from './packages.js'
import type {
  Ending,
  OpenTask,
  ScanTask,
  SlateAnswer,
  SlateFailure,
  SlateRequest,
  SlateResults,
  SlateTask,
  WriteTask,
} from './slate-messages.js'

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
let counted: CountedBatches
let beatMs = 0
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
      return await source().get(asBuffer(task.key))
    case 'scan':
      return await scan(task)
    case 'close':
      return await close()
  }
}

async function open(task: OpenTask): Promise<undefined> {
  slate = await storePackage('@slatedb/uniffi', () => import('@slatedb/uniffi'))
  const store = withVariables(task.environment, () => slate.ObjectStore.resolve(task.url))
  if (task.role === 'reader') {
    const builder = new slate.DbReaderBuilder(task.path, store)
    builder.with_options({
      manifest_poll_interval_ms: task.intervalMs,
      checkpoint_lifetime_ms: READER_CHECKPOINT_MS,
      max_memtable_bytes: task.memoryBytes,
      skip_wal_replay: false,
    })
    reader = await builder.build()
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
  awaitBeat()
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
  ended ??= cause instanceof Ended ? cause : new Ended(messageOf(cause), isFenced(cause) ? 'fenced' : 'lost')
  return ended
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

async function scan({ from, to, bytes }: ScanTask): Promise<SlateResults['scan']> {
  const iterator = await source().scan({
    start: asBuffer(from),
    start_inclusive: true,
    end: asBuffer(to),
    end_inclusive: false,
  })
  const entries: SlateResults['scan']['entries'] = []
  let read = 0
  while (read < bytes) {
    const entry = await iterator.next()
    if (!entry) return { entries, isWhole: true }
    entries.push([entry.key, entry.value])
    read += entry.key.length + entry.value.length
  }
  return { entries, isWhole: false }
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
  return { message: messageOf(error), ending: error instanceof Ended ? error.ending : null, isMissing }
}
