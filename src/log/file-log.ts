import { basename } from 'node:path'
import { VicinalError } from '../core/errors.js'
import { workTimes } from '../core/work-times.js'
import type { AppendFile } from '../disk/append-file.js'
import { FILE_HEADER_BYTES, RECORD_HEADER_BYTES } from './format.js'
import { frameRecords, type QueuedRecord, type Settled, settled } from './group.js'
import type { Appended, Log, LogPosition } from './log.js'
import { encodeBounded, type LogEntry, type LogRecord } from './record.js'
import {
  checkCleanEnd,
  createLogFile,
  findEnd,
  type LogFile,
  type LogFolder,
  listLogFiles,
  removeLogFile,
  removeUnfinishedFiles,
} from './recovery.js'
import { replayFiles } from './replay.js'

/** A file of this size gets no more records. */
const FILE_BYTES = 64 * 1024 * 1024
/** A trim that covers this many bytes of the active file starts a new one, so that the old one can be removed. */
const TRIMMED_BYTES = 64 * 1024
/** Bytes passed to the disk in one write. */
const WRITE_BYTES = 8 * 1024 * 1024

export interface FileLogOptions extends LogFolder {
  /** The position of the last clean close, from the manifest. */
  cleanEnd: LogPosition | null
  /** The table already holds every record up to this one. */
  flushedSeq: number
  /** Creates the first file. Without it a log without files counts as damage. */
  create?: boolean
  fileBytes?: number
}

/**
 * The log as append-only files.
 *
 * Two loops run while there is work. The writing loop takes all waiting records and passes them to the operating system
 * in one call. The syncing loop runs fdatasync; everything written meanwhile shares the next one. A record therefore
 * waits for at most two of them, with any number of writers.
 *
 * Failures: A write without space is undone by truncating the file. The log goes on, and the callers of lost records
 * get the error. A failed sync is final, because the disk's content is then unknown: a second fdatasync may succeed
 * with the data lost. Nothing is acknowledged until the log is opened and read again.
 */
export class FileLog implements Log {
  readonly #log: LogFolder
  readonly #fileBytes: number
  #files: LogFile[]
  #active: AppendFile
  #lastSeq: number
  #writtenSeq: number
  #durableSeq: number
  #queue: QueuedRecord[] = []
  #queuedBytes = 0
  #unsynced: QueuedRecord[] = []
  /** Set while a trim waits for a new file. */
  #rotation: Settled | null = null
  #writing: Promise<void> | null = null
  #syncing: Promise<void> | null = null
  #failure: VicinalError | null = null
  #closed = false

  private constructor(options: FileLogOptions, files: LogFile[], active: AppendFile, lastSeq: number) {
    this.#log = { disk: options.disk, folder: options.folder, uuid: options.uuid }
    this.#fileBytes = options.fileBytes ?? FILE_BYTES
    this.#files = files
    this.#active = active
    this.#lastSeq = lastSeq
    this.#writtenSeq = lastSeq
    this.#durableSeq = lastSeq
  }

  static async open(options: FileLogOptions): Promise<FileLog> {
    await removeUnfinishedFiles(options)
    let files = await listLogFiles(options)
    checkCleanEnd(options, files, options.cleanEnd)
    if (files.length === 0) {
      if (!options.create) throw new VicinalError('CORRUPT', `${options.folder}: the files of the log are missing`)
      files = [await createLogFile(options, options.flushedSeq + 1)]
    }
    const last = files.at(-1) as LogFile
    const { lastSeq, end } = await findEnd(options, last, options.cleanEnd)
    if (lastSeq < options.flushedSeq) {
      // The records lost here are in the table. Numbers continue after them.
      const next = await createLogFile(options, options.flushedSeq + 1)
      for (const file of files) await options.disk.removeFile(file.path)
      return new FileLog(options, [next], await options.disk.openAppend(next.path), options.flushedSeq)
    }
    const active = await options.disk.openAppend(last.path)
    try {
      if (active.size > end) await active.truncate(end)
      // Records of a killed process may not be on stable storage yet.
      await active.sync()
    } catch (cause) {
      await active.close().catch(() => undefined)
      throw cause
    }
    last.bytes = end
    return new FileLog(options, files, active, lastSeq)
  }

  get lastSeq(): number {
    return this.#lastSeq
  }

  get durableSeq(): number {
    return this.#durableSeq
  }

  get failure(): VicinalError | null {
    return this.#failure
  }

  get bytes(): number {
    return this.#files.reduce((total, file) => total + file.bytes, this.#queuedBytes)
  }

  get bufferedBytes(): number {
    return this.#unsynced.reduce((total, { bytes }) => total + RECORD_HEADER_BYTES + bytes, this.#queuedBytes)
  }

  append(seq: number, record: LogRecord): Appended {
    if (this.#closed) throw new VicinalError('CLOSED', 'the log is closed')
    if (this.#failure) throw this.#failure
    if (seq !== this.#lastSeq + 1)
      throw new VicinalError('INTERNAL', `log: expected record ${this.#lastSeq + 1}, got ${seq}`)
    const body = encodeBounded(record)
    const queued: QueuedRecord = { seq, ...body, written: settled(), durable: settled() }
    this.#queue.push(queued)
    this.#queuedBytes += RECORD_HEADER_BYTES + body.bytes
    this.#lastSeq = seq
    this.#startWriting()
    return { written: queued.written.promise, durable: queued.durable.promise }
  }

  async durable(throughSeq: number): Promise<void> {
    if (throughSeq <= this.#durableSeq) return
    if (this.#failure) throw this.#failure
    await this.#unsynced.find(({ seq }) => seq >= throughSeq)?.durable.promise
  }

  replay(afterSeq: number): AsyncIterable<LogEntry> {
    return replayFiles(
      this.#log,
      this.#files.map((file) => ({ ...file })),
      afterSeq,
      this.#writtenSeq,
    )
  }

  bytesSince(afterSeq: number): number {
    return this.#files.reduce((total, file, i) => {
      const endSeq = this.#files[i + 1] ? (this.#files[i + 1] as LogFile).firstSeq - 1 : this.#lastSeq
      return endSeq > afterSeq ? total + file.bytes : total
    }, this.#queuedBytes)
  }

  async trim(throughSeq: number): Promise<void> {
    if (this.#closed) return
    await this.#removeCovered(throughSeq)
    const file = this.#files.at(-1) as LogFile
    if (this.#failure || file.firstSeq > throughSeq || file.bytes < TRIMMED_BYTES) return
    this.#rotation ??= settled()
    this.#startWriting()
    await this.#rotation.promise
    await this.#removeCovered(throughSeq)
  }

  async close(): Promise<LogPosition | null> {
    this.#closed = true
    while (this.#writing || this.#syncing) await (this.#writing ?? this.#syncing)
    await this.#active.close().catch(() => undefined)
    return this.#failure ? null : { file: basename(this.#active.path), offset: this.#active.size }
  }

  async #removeCovered(throughSeq: number): Promise<void> {
    while (this.#files.length > 1 && (this.#files[1] as LogFile).firstSeq <= throughSeq + 1) {
      const covered = this.#files[0] as LogFile
      await this.#log.disk.removeFile(covered.path)
      // Two trims may run at the same time.
      if (this.#files[0] === covered) this.#files.shift()
    }
  }

  #startWriting(): void {
    if (this.#writing) return
    const done = () => {
      this.#writing = null
      if (this.#failure) this.#endRotation()
      // Records may have arrived after the loop's last look.
      else if (this.#queue.length > 0 || this.#rotation) this.#startWriting()
    }
    this.#writing = Promise.resolve()
      .then(() => this.#writeAll())
      .then(done)
  }

  async #writeAll(): Promise<void> {
    while (!this.#failure && (this.#queue.length > 0 || this.#rotation)) {
      const group = this.#takeGroup()
      try {
        if (this.#rotation || (group.length > 0 && this.#active.size >= this.#fileBytes)) await this.#rotate()
        if (group.length === 0) continue
        const file = this.#files.at(-1) as LogFile
        await this.#active.append(await frameRecords(group, file.seed, this.#durableSeq))
        file.bytes = this.#active.size
      } catch (cause) {
        await this.#undo(group, cause)
        continue
      }
      this.#written(group)
    }
  }

  #takeGroup(): QueuedRecord[] {
    let bytes = 0
    let count = 0
    while (count < this.#queue.length && bytes < WRITE_BYTES) bytes += (this.#queue[count++] as QueuedRecord).bytes
    return this.#queue.splice(0, count)
  }

  #written(group: QueuedRecord[]): void {
    // A sync of earlier records failed during this write, so nothing will sync these records.
    if (this.#failure) {
      this.#fail(this.#failure, group)
      return
    }
    for (const queued of group) {
      this.#queuedBytes -= RECORD_HEADER_BYTES + queued.bytes
      queued.written.resolve()
      this.#unsynced.push(queued)
    }
    this.#writtenSeq = (group.at(-1) as QueuedRecord).seq
    this.#startSyncing()
  }

  /** Ends the active file, all of it durable, and begins the next one. */
  async #rotate(): Promise<void> {
    try {
      while (this.#syncing) await this.#syncing
      if (this.#failure) throw this.#failure
      if (this.#active.size === FILE_HEADER_BYTES) return
      // A write that was undone since the last sync must not reappear before the beginning of the next file.
      await this.#active.sync()
      const { next, active } = await this.#nextFile()
      await this.#active.close().catch(() => undefined)
      this.#active = active
      this.#files.push(next)
    } finally {
      this.#endRotation()
    }
  }

  /** Creates the next file. An unusable one must be removed for good: it would hide records added to the older file. */
  async #nextFile(): Promise<{ next: LogFile; active: AppendFile }> {
    const firstSeq = this.#writtenSeq + 1
    try {
      const next = await createLogFile(this.#log, firstSeq)
      return { next, active: await this.#log.disk.openAppend(next.path) }
    } catch (cause) {
      await removeLogFile(this.#log, firstSeq).catch((failure: unknown) => {
        // The details name no action, so that the failure does not count as passing.
        throw new VicinalError('IO_FAILED', `an unusable file of the log could not be removed: ${failure}`, { cause })
      })
      throw cause
    }
  }

  #endRotation(): void {
    this.#rotation?.resolve()
    this.#rotation = null
  }

  /** Undoes a group that could not be written, and rejects everything queued after it. */
  async #undo(group: readonly QueuedRecord[], cause: unknown): Promise<void> {
    const lost = [...group, ...this.#queue.splice(0)]
    const error =
      cause instanceof VicinalError
        ? cause
        : new VicinalError('INTERNAL', `cannot write to the log: ${cause}`, { cause })
    if (!isPassing(error)) return this.#fail(error, lost)
    this.#lastSeq = this.#writtenSeq
    this.#queuedBytes = 0
    try {
      await this.#active.truncate(this.#active.size)
      // The first records of the group may be whole on the disk. A power cut must not bring back refused records.
      while (this.#syncing) await this.#syncing
      if (this.#failure) throw this.#failure
      await this.#active.sync()
    } catch (failure) {
      return this.#fail(failure as VicinalError, lost)
    }
    reject(lost, error)
  }

  #startSyncing(): void {
    if (this.#syncing) return
    this.#syncing = this.#syncAll().then(() => {
      this.#syncing = null
      if (this.#durableSeq < this.#writtenSeq && !this.#failure) this.#startSyncing()
    })
  }

  async #syncAll(): Promise<void> {
    while (this.#durableSeq < this.#writtenSeq && !this.#failure) {
      const through = this.#writtenSeq
      const startMs = performance.now()
      try {
        await this.#active.sync()
      } catch (cause) {
        return this.#fail(cause as VicinalError, [])
      }
      workTimes.note('fsync', performance.now() - startMs)
      this.#durableSeq = through
      const synced = this.#unsynced.findIndex((queued) => queued.seq > through)
      for (const queued of this.#unsynced.splice(0, synced < 0 ? this.#unsynced.length : synced))
        queued.durable.resolve()
    }
  }

  #fail(cause: VicinalError, lost: readonly QueuedRecord[]): void {
    this.#failure ??= new VicinalError(
      'IO_FAILED',
      `the log of this collection takes no more writes until it is opened again: ${cause.message}`,
      {
        details: cause.details,
        cause,
      },
    )
    reject([...this.#unsynced.splice(0), ...lost, ...this.#queue.splice(0)], this.#failure)
    this.#queuedBytes = 0
    this.#lastSeq = this.#writtenSeq
  }
}

/** Failures that leave the file unchanged once it is truncated: no space, or no file could be opened. */
function isPassing(error: VicinalError): boolean {
  const { action } = error.details
  return action === 'open' || (error.code === 'DISK_FULL' && action !== 'sync')
}

function reject(lost: readonly QueuedRecord[], error: VicinalError): void {
  for (const queued of lost) {
    queued.written.reject(error)
    queued.durable.reject(error)
  }
}
