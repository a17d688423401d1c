import { VicinalError } from '../core/errors.js'
import { decodeRecord, type LogEntry, type LogRecord } from './record.js'
import { RecordReader } from './record-reader.js'
import { damaged, damagedRecord, type LogFile, type LogFolder } from './recovery.js'

/** The records after `afterSeq` up to `lastSeq`, one at a time. Files without any of them are not opened. */
export async function* replayFiles(
  log: LogFolder,
  files: readonly LogFile[],
  afterSeq: number,
  lastSeq: number,
): AsyncGenerator<LogEntry> {
  const [first] = files
  if (first && lastSeq > afterSeq && first.firstSeq > afterSeq + 1) {
    throw damaged(
      first.path,
      0,
      `records ${afterSeq + 1} to ${first.firstSeq - 1}, not in the table yet, are missing before it`,
    )
  }
  for (const [i, info] of files.entries()) {
    const following = files[i + 1]
    const endSeq = following ? following.firstSeq - 1 : lastSeq
    if (endSeq <= afterSeq) continue
    const file = await log.disk.openRead(info.path)
    try {
      const reader = new RecordReader(file, info.seed, info.firstSeq, info.bytes)
      while (reader.nextSeq <= endSeq) {
        const result = await reader.next()
        if (result.kind === 'end')
          throw damaged(info.path, reader.offset, `records ${reader.nextSeq} to ${endSeq} are missing`)
        if (result.kind === 'bad') throw damagedRecord(info.path, result)
        if (result.seq > afterSeq) yield { seq: result.seq, record: decodeAt(info.path, result.offset, result.body) }
      }
      // A file must begin right after the last record of the file before. Otherwise one of the two hides the other's
      // records.
      if (following && (await reader.next()).kind === 'record')
        throw damaged(
          info.path,
          reader.offset,
          `it goes on after record ${endSeq}, although ${following.path} begins there`,
        )
    } finally {
      await file.close()
    }
  }
}

export function decodeAt(path: string, offset: number, body: Uint8Array): LogRecord {
  try {
    return decodeRecord(body)
  } catch (cause) {
    const reason = cause instanceof VicinalError ? cause.message : String(cause)
    throw damaged(path, offset, reason, cause)
  }
}
