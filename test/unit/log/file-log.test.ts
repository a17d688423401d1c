import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { VicinalError } from '../../../src/core/errors.js'
import type { AppendFile } from '../../../src/disk/append-file.js'
import { Disk } from '../../../src/disk/disk.js'
import { ioError } from '../../../src/disk/io-errors.js'
import { FileLog, type FileLogOptions } from '../../../src/log/file-log.js'
import type { LogEntry, LogRecord } from '../../../src/log/record.js'
import { createLogFile } from '../../../src/log/recovery.js'
import { sizedRecord } from './records.js'

const UUID = '0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9'
let root: string
let options: FileLogOptions

beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), 'vicinal-log-'))
  options = { disk: new Disk(root), folder: 'log', uuid: UUID, cleanEnd: null, flushedSeq: 0, create: true }
  await options.disk.makeFolder('log')
})

afterEach(() => rmSync(root, { recursive: true, force: true }))

const fileNames = () => readdirSync(join(root, 'log')).sort()
const lastFile = () => join(root, 'log', fileNames().at(-1) as string)

async function entries(log: FileLog, afterSeq = 0): Promise<LogEntry[]> {
  const found: LogEntry[] = []
  for await (const entry of log.replay(afterSeq)) found.push(entry)
  return found
}

async function seqs(log: FileLog, afterSeq = 0): Promise<number[]> {
  return (await entries(log, afterSeq)).map(({ seq }) => seq)
}

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from + 1 }, (_, i) => from + i)
}

async function appendAll(log: FileLog, count: number, bytes = 100): Promise<void> {
  const waiting = range(log.lastSeq + 1, log.lastSeq + count).map(
    (seq) => log.append(seq, sizedRecord(seq, bytes)).durable,
  )
  await Promise.all(waiting)
}

test('durable records are present after reopening, in order and unchanged', async () => {
  const log = await FileLog.open(options)
  await appendAll(log, 50)
  expect([log.lastSeq, log.durableSeq]).toEqual([50, 50])
  const end = await log.close()
  expect(end).toEqual({ file: fileNames()[0], offset: statSync(lastFile()).size })
  const again = await FileLog.open({ ...options, cleanEnd: end })
  expect(again.lastSeq).toBe(50)
  expect(await entries(again)).toEqual(range(1, 50).map((seq) => ({ seq, record: sizedRecord(seq, 100) })))
  expect(await seqs(again, 47)).toEqual([48, 49, 50])
  await appendAll(again, 1)
  expect(await seqs(again, 49)).toEqual([50, 51])
  await again.close()
})

test('numbers have no gaps: any other than the next is refused', async () => {
  const log = await FileLog.open({ ...options, flushedSeq: 41 })
  expect(log.lastSeq).toBe(41)
  expect(() => log.append(44, sizedRecord(44, 1))).toThrow(/expected record 42, got 44/)
  await appendAll(log, 1)
  await log.close()
  expect(() => log.append(43, sizedRecord(43, 1))).toThrow(expect.objectContaining({ code: 'CLOSED' }))
})

test('records of many megabytes and of a few bytes share the log', async () => {
  const log = await FileLog.open(options)
  const data = Float32Array.from({ length: 3_000_000 }, (_, i) => i)
  const large: LogRecord = {
    op: 'upsert',
    columns: {
      count: 3,
      ids: Uint32Array.from({ length: 15 }, (_, i) => (i % 5 === 1 ? i : 0)),
      vectors: [{ name: '', data, rows: null }],
      payloads: null,
    },
  }
  const waiting = [
    log.append(1, large),
    log.append(2, sizedRecord(2, 1)),
    log.append(3, large),
    log.append(4, sizedRecord(4, 1)),
  ]
  await Promise.all(waiting.map(({ written }) => written))
  await Promise.all(waiting.map(({ durable }) => durable))
  const found = await entries(log)
  expect(found.map(({ seq }) => seq)).toEqual([1, 2, 3, 4])
  const column = found[2]?.record.op === 'upsert' ? found[2].record.columns.vectors[0] : undefined
  expect(Buffer.from(column?.data.buffer as ArrayBuffer).equals(Buffer.from(data.buffer))).toBe(true)
  await log.close()
})

test('a full file is followed by another, and a trim removes covered files', async () => {
  const log = await FileLog.open({ ...options, fileBytes: 10_000 })
  for (let i = 0; i < 30; i++) await appendAll(log, 1, 2_000)
  expect(fileNames().length).toBeGreaterThan(4)
  expect(await seqs(log)).toEqual(range(1, 30))
  const before = log.bytes
  expect(log.bytesSince(0)).toBe(before)
  expect(log.bytesSince(30)).toBe(0)
  expect(log.bytesSince(20)).toBeLessThan(before)
  await log.trim(20)
  expect(log.bytes).toBeLessThan(before)
  expect(await seqs(log, 20)).toEqual(range(21, 30))
  await log.close()
  const again = await FileLog.open({ ...options, flushedSeq: 20 })
  expect(await seqs(again, 20)).toEqual(range(21, 30))
  // The log must have the records that the table lacks.
  await expect(seqs(again, 3)).rejects.toMatchObject({ code: 'CORRUPT', message: expect.stringContaining('missing') })
  await again.close()
})

test('a log whose records are all in the table shrinks to an empty file, also while it is written', async () => {
  const log = await FileLog.open(options)
  for (let round = 0; round < 5; round++) {
    await appendAll(log, 20, 20_000)
    const waiting = appendAll(log, 5, 20_000)
    await log.trim(log.lastSeq - 5)
    await waiting
  }
  await log.trim(log.lastSeq)
  expect(log.bytes).toBeLessThan(100)
  expect(fileNames()).toHaveLength(1)
  const { lastSeq } = log
  await log.close()
  const again = await FileLog.open({ ...options, flushedSeq: lastSeq })
  expect(again.lastSeq).toBe(lastSeq)
  await again.close()
})

test('cut at every byte of its last two records, the log recovers a prefix and goes on', async () => {
  const log = await FileLog.open(options)
  const ends: number[] = []
  for (let record = 1; record <= 8; record++) {
    await appendAll(log, 1, 60)
    ends[record] = statSync(lastFile()).size
  }
  await log.close()
  const whole = readFileSync(lastFile())
  for (let cut = ends[6] as number; cut < whole.length; cut++) {
    writeFileSync(lastFile(), whole.subarray(0, cut))
    const recovered = await FileLog.open(options)
    const expected = cut < (ends[7] as number) ? 6 : 7
    expect([cut, recovered.lastSeq]).toEqual([cut, expected])
    await appendAll(recovered, 1, 60)
    expect(await seqs(recovered)).toEqual(range(1, expected + 1))
    await recovered.close()
  }
})

test('a tail the disk never wrote reads as zeros and is cut', async () => {
  const log = await FileLog.open(options)
  await appendAll(log, 1, 3000)
  const first = statSync(lastFile()).size
  await appendAll(log, 1, 3000)
  await log.close()
  const whole = readFileSync(lastFile())
  for (const from of [first, first + 512, first + 1000]) {
    const torn = Buffer.from(whole)
    torn.fill(0, from, from + 1500)
    writeFileSync(lastFile(), torn)
    const recovered = await FileLog.open(options)
    expect(recovered.lastSeq).toBe(1)
    await recovered.close()
    expect(statSync(lastFile()).size).toBeLessThan(whole.length)
  }
})

test('a hole before a record of the same write is a power cut, not damage', async () => {
  const log = await FileLog.open(options)
  await appendAll(log, 2, 100)
  const before = statSync(lastFile()).size
  await appendAll(log, 2, 3000)
  await log.close()
  const torn = readFileSync(lastFile())
  torn.fill(0, before, before + 1024)
  writeFileSync(lastFile(), torn)
  const recovered = await FileLog.open(options)
  expect(recovered.lastSeq).toBe(2)
  await recovered.close()
})

test('a hole before a record written after a sync is damage', async () => {
  const log = await FileLog.open(options)
  await appendAll(log, 2, 100)
  const before = statSync(lastFile()).size
  await appendAll(log, 1, 3000)
  await appendAll(log, 1, 100)
  await log.close()
  const torn = readFileSync(lastFile())
  torn.fill(0, before, before + 1024)
  writeFileSync(lastFile(), torn)
  await expect(FileLog.open(options)).rejects.toMatchObject({
    code: 'CORRUPT',
    message: expect.stringMatching(
      new RegExp(`^log/0+1\\.vlog is damaged at byte ${before}: .*later records are whole`),
    ),
  })
  expect(readFileSync(lastFile()).equals(torn)).toBe(true)
})

test('a log that was closed cleanly must be complete up to its end', async () => {
  const log = await FileLog.open(options)
  await appendAll(log, 5, 100)
  const cleanEnd = await log.close()
  const whole = readFileSync(lastFile())
  writeFileSync(lastFile(), whole.subarray(0, whole.length - 1))
  await expect(FileLog.open({ ...options, cleanEnd })).rejects.toMatchObject({ code: 'CORRUPT' })
  rmSync(lastFile())
  await expect(FileLog.open({ ...options, cleanEnd })).rejects.toMatchObject({ code: 'CORRUPT' })
  await expect(FileLog.open({ ...options, create: false })).rejects.toMatchObject({ code: 'CORRUPT' })
})

test('one flipped bit anywhere is reported, or changes nothing', async () => {
  const log = await FileLog.open({ ...options, fileBytes: 8_000 })
  for (let i = 0; i < 12; i++) await appendAll(log, 1, 1_500)
  const cleanEnd = await log.close()
  const expected = range(1, 12).map((seq) => ({ seq, record: sizedRecord(seq, 1_500) }))
  let reported = 0
  for (const [variant, end] of [cleanEnd, null].entries()) {
    for (const name of fileNames()) {
      const path = join(root, 'log', name)
      const whole = readFileSync(path)
      for (let at = variant * 3; at < whole.length; at += 61) {
        const damaged = Buffer.from(whole)
        damaged[at] = (damaged[at] as number) ^ (1 << (at % 8))
        writeFileSync(path, damaged)
        try {
          const opened = await FileLog.open({ ...options, cleanEnd: end })
          const found = await entries(opened).finally(() => opened.close())
          expect(found, `${name} byte ${at}`).toEqual(expected)
        } catch (error) {
          expect(error, `${name} byte ${at}`).toMatchObject({ code: 'CORRUPT', message: expect.stringContaining(name) })
          reported++
        }
        writeFileSync(path, whole)
      }
    }
  }
  expect(reported).toBeGreaterThan(300)
})

test("another collection's file, a renamed one and a newer format are refused unchanged", async () => {
  const log = await FileLog.open(options)
  await appendAll(log, 3)
  await log.close()
  await expect(FileLog.open({ ...options, uuid: UUID.replace('0', 'f') })).rejects.toMatchObject({ code: 'CORRUPT' })
  const whole = readFileSync(lastFile())
  writeFileSync(join(root, 'log', '00000000000000000004.vlog'), whole)
  await expect(FileLog.open(options)).rejects.toMatchObject({ code: 'CORRUPT' })
  expect(readFileSync(lastFile()).equals(whole)).toBe(true)
})

test('a torn tail that contains bytes of a record by chance is still cut', async () => {
  const log = await FileLog.open(options)
  await appendAll(log, 1, 100)
  // A payload that imitates a record of this log, as far as a client can know it.
  const first = readFileSync(lastFile()).subarray(48)
  await log.append(2, { op: 'setPayload', ids: new Uint32Array(5), patch: first.toString('latin1').repeat(40) }).durable
  await log.close()
  const whole = readFileSync(lastFile())
  writeFileSync(lastFile(), whole.subarray(0, whole.length - 10))
  const recovered = await FileLog.open(options)
  expect(recovered.lastSeq).toBe(1)
  await recovered.close()
})

test('a full disk refuses writes until there is room, without a restart', async (context) => {
  const folder = join(root, 'small')
  await options.disk.makeFolder('small')
  const mount = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=512k', 'tmpfs', folder])
  if (mount.status !== 0) context.skip('needs the right to mount a small disk')
  try {
    const small: FileLogOptions = { ...options, disk: new Disk(folder), folder: 'log', fileBytes: 100_000 }
    await small.disk.makeFolder('log')
    const log = await FileLog.open(small)
    writeFileSync(join(folder, 'ballast'), Buffer.alloc(128 * 1024))
    let refused = 0
    const kept: number[] = []
    for (let i = 0; i < 60; i++) {
      // Two at a time, so that a record that would fit fails with the one before it.
      const [a, b] = [log.lastSeq + 1, log.lastSeq + 2]
      const outcomes = await Promise.allSettled([
        log.append(a, sizedRecord(a, 20_000)).durable,
        log.append(b, sizedRecord(b, 10)).durable,
      ])
      for (const [at, outcome] of outcomes.entries()) {
        if (outcome.status === 'fulfilled') kept.push(a + at)
        else expect(outcome.reason).toMatchObject({ code: 'DISK_FULL', retryable: true })
      }
      refused += outcomes.filter(({ status }) => status === 'rejected').length
    }
    expect(refused).toBeGreaterThan(10)
    expect(log.failure).toBeNull()
    expect(await seqs(log)).toEqual(kept)
    rmSync(join(folder, 'ballast'))
    await appendAll(log, 3, 20_000)
    expect(await seqs(log)).toEqual(range(1, kept.length + 3))
    await log.trim(kept.length)
    await appendAll(log, 3, 20_000)
    const cleanEnd = await log.close()
    const again = await FileLog.open({ ...small, cleanEnd, flushedSeq: kept.length })
    expect(await seqs(again, kept.length)).toEqual(range(kept.length + 1, kept.length + 6))
    await again.close()
  } finally {
    execFileSync('umount', [folder])
  }
})

/** A disk on which a number of the next opens fail: of the log's folder for a sync, or of files. */
class DiskWithoutDescriptors extends Disk {
  failingFolders = 0
  failingFiles = 0

  override async syncFolder(path: string): Promise<void> {
    if (this.failingFolders-- > 0) throw this.#tooMany(path)
    await super.syncFolder(path)
  }

  override async openAppend(path: string, how?: { truncate?: boolean }): Promise<AppendFile> {
    if (this.failingFiles-- > 0) throw this.#tooMany(path)
    return await super.openAppend(path, how)
  }

  #tooMany(path: string): VicinalError {
    return ioError(Object.assign(new Error('too many open files'), { code: 'EMFILE' }), 'open', path)
  }
}

/** A log with one record so large that a trim begins a new file. */
async function worthTrimming(): Promise<{ disk: DiskWithoutDescriptors; log: FileLog }> {
  const disk = new DiskWithoutDescriptors(root)
  const log = await FileLog.open({ ...options, disk })
  await appendAll(log, 1, 100_000)
  return { disk, log }
}

test('a new file that could not be synced does not hide later records of the older file', async () => {
  const { disk, log } = await worthTrimming()
  disk.failingFolders = 1
  await log.trim(1)
  expect([log.failure, fileNames().length]).toEqual([null, 1])
  await appendAll(log, 2)
  const again = await FileLog.open({ ...options, flushedSeq: 1, create: false })
  expect([again.lastSeq, await seqs(again, 1)]).toEqual([3, [2, 3]])
  await again.close()
  await log.close()
})

test('if it cannot be removed durably either, the log takes no more writes', async () => {
  const { disk, log } = await worthTrimming()
  disk.failingFolders = 2
  await log.trim(1)
  expect(log.failure).toMatchObject({ code: 'IO_FAILED' })
  expect(() => log.append(2, sizedRecord(2, 1))).toThrow(/takes no more writes/)
  await log.close()
  expect((await FileLog.open({ ...options, create: false })).lastSeq).toBe(1)
})

test('if no new file was created, the log goes on, however many calls fail', async () => {
  const { disk, log } = await worthTrimming()
  disk.failingFiles = 1
  disk.failingFolders = 5
  await log.trim(1)
  expect(log.failure).toBeNull()
  await appendAll(log, 2)
  await log.close()
  expect((await FileLog.open({ ...options, create: false })).lastSeq).toBe(3)
})

test('a file with records beyond the start of the next file is damage', async () => {
  const log = await FileLog.open(options)
  await appendAll(log, 5)
  await createLogFile(options, 4)
  await log.close()
  const again = await FileLog.open({ ...options, create: false })
  await expect(seqs(again)).rejects.toThrow(
    expect.objectContaining({ code: 'CORRUPT', message: expect.stringContaining('it goes on after record 3') }),
  )
  await again.close()
})
