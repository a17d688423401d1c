/**
 * Makes a log refuse a record whose bytes are all on the disk, because the record written with it found no room. Marks
 * the refusal.
 *
 *     refused-write <folder> <control> <marks> <uuid>
 */
import assert from 'node:assert/strict'
import { closeSync, openSync, writeSync } from 'node:fs'
import { ID_WORDS } from '../../../src/core/point.js'
import { Disk } from '../../../src/disk/disk.js'
import { FileLog } from '../../../src/log/file-log.js'
import type { LogRecord } from '../../../src/log/record.js'
import { ShimControl } from '../shim/control.js'

const [folder = '', controlPath = '', marksPath = '', uuid = ''] = process.argv.slice(2)
const ROOM = 600
const control = new ShimControl(controlPath)
const record = (bytes: number): LogRecord => ({
  op: 'overwritePayload',
  ids: new Uint32Array(ID_WORDS),
  text: JSON.stringify('x'.repeat(bytes)),
})

const disk = new Disk(folder)
await disk.makeFolder('log')
const log = await FileLog.open({ disk, folder: 'log', uuid, cleanEnd: null, flushedSeq: 0, create: true })
await log.append(1, record(10)).durable
control.limitBytes(ROOM, ['record', 'noRealSync'])
const refused = [log.append(2, record(10)), log.append(3, record(10 * ROOM))]
for (const { durable } of refused) await assert.rejects(durable, { code: 'DISK_FULL' })
assert.equal(log.lastSeq, 1)
control.set(['record', 'noRealSync'])
const marks = openSync(marksPath, 'a')
writeSync(marks, 'refused')
closeSync(marks)
