import { join } from 'node:path'
import { VicinalError } from '../core/errors.js'
import type { Disk } from '../disk/disk.js'
import { checkFileHeader, encodeFileHeader, FILE_HEADER_BYTES, firstSeqOfName, logFileName } from './format.js'
import type { LogPosition } from './log.js'
import { isKnownSynced, type ReadResult, RecordReader } from './record-reader.js'

export interface LogFolder {
  disk: Disk
  /** Folder of the log's files, relative to the disk. */
  folder: string
  uuid: string
}

/** One file of the log; `bytes` counts whole records. */
export interface LogFile {
  path: string
  firstSeq: number
  bytes: number
  /** Seed of its checksums. */
  seed: number
}

/** The log's files in order, with checked headers. The end of the last file is not checked yet. */
export async function listLogFiles(log: LogFolder): Promise<LogFile[]> {
  const files: LogFile[] = []
  for (const { name } of await log.disk.list(log.folder)) {
    const firstSeq = firstSeqOfName(name)
    if (firstSeq === null) continue
    const path = join(log.folder, name)
    const file = await log.disk.openRead(path)
    try {
      const seed = checkFileHeader(await file.read(0, FILE_HEADER_BYTES), path, log.uuid)
      files.push({ path, firstSeq, bytes: await file.size(), seed })
    } finally {
      await file.close()
    }
  }
  return files
}

/** Creates an empty file on stable storage. It appears with its header or not at all. */
export async function createLogFile(log: LogFolder, firstSeq: number): Promise<LogFile> {
  const path = join(log.folder, logFileName(firstSeq))
  const header = encodeFileHeader(log.uuid, firstSeq)
  await log.disk.replaceFile(path, header)
  return { path, firstSeq, bytes: FILE_HEADER_BYTES, seed: checkFileHeader(header, path, log.uuid) }
}

/** Removes a log file, if it exists. The removal is on stable storage: no crash brings the file back. */
export async function removeLogFile(log: LogFolder, firstSeq: number): Promise<void> {
  if (await log.disk.removeFile(join(log.folder, logFileName(firstSeq)))) await log.disk.syncFolder(log.folder)
}

export async function removeUnfinishedFiles(log: LogFolder): Promise<void> {
  for (const { name } of await log.disk.list(log.folder)) {
    if (name.endsWith('.tmp')) await log.disk.removeFile(join(log.folder, name))
  }
}

/**
 * Finds the last whole record of the last file. The bytes after it may only be cut off if an unfinished write left
 * them. Anything else is damage, reported with the file untouched.
 */
export async function findEnd(
  log: LogFolder,
  last: LogFile,
  cleanEnd: LogPosition | null,
): Promise<{ lastSeq: number; end: number }> {
  const wholeUntil = cleanEnd !== null && last.path === join(log.folder, cleanEnd.file) ? cleanEnd.offset : 0
  const file = await log.disk.openRead(last.path)
  try {
    const reader = new RecordReader(file, last.seed, last.firstSeq, last.bytes)
    let result = await reader.next()
    while (result.kind === 'record') result = await reader.next()
    if (reader.offset < wholeUntil) {
      const reason = result.kind === 'bad' ? result.reason : 'the file is cut short'
      throw damaged(last.path, reader.offset, `${reason}, and the log was closed whole at byte ${wholeUntil}`)
    }
    if (result.kind === 'bad') {
      if (await isKnownSynced(file, last.seed, reader.nextSeq, reader.offset, last.bytes)) {
        throw damaged(last.path, reader.offset, `${result.reason}, and later records are whole`)
      }
      if (!result.torn) throw damaged(last.path, reader.offset, result.reason)
    }
    return { lastSeq: reader.nextSeq - 1, end: reader.offset }
  } finally {
    await file.close()
  }
}

/** Refuses a log that ends before the position of its last clean close. */
export function checkCleanEnd(log: LogFolder, files: readonly LogFile[], cleanEnd: LogPosition | null): void {
  if (cleanEnd === null) return
  const path = join(log.folder, cleanEnd.file)
  const named = files.find((file) => file.path === path)
  // A log trimmed since then begins after that position.
  const trimmed = files.some((file) => file.path > path)
  if (named ? named.bytes < cleanEnd.offset : !trimmed) {
    throw damaged(path, named?.bytes ?? 0, `the log was closed whole at byte ${cleanEnd.offset}`)
  }
}

export function damagedRecord(path: string, result: Extract<ReadResult, { kind: 'bad' }>): VicinalError {
  return damaged(path, result.offset, result.reason)
}

export function damaged(path: string, offset: number, reason: string, cause?: unknown): VicinalError {
  return new VicinalError('CORRUPT', `${path} is damaged at byte ${offset}: ${reason}`, {
    details: { path, offset },
    cause,
  })
}
