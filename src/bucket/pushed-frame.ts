import { VicinalError } from '../core/errors.js'
import { UUID } from '../core/names.js'
import { crc32c } from '../native/checksum.js'
import {
  ALIASES,
  CATALOGUE,
  firstSeqOf,
  MANIFESTS,
  manifestKey,
  QUOTAS,
  RECORDS,
  recordsKey,
  SNAPSHOTS,
  uuidOf,
} from './keys.js'
import { decodeRecords, recordsIn } from './records.js'
import type { Entry } from './slate-messages.js'
import { aliasesIn, catalogueEntry, quotasIn, snapshotEntry, snapshotNameOf } from './values.js'
import type { Position } from './watermark.js'

/**
 * A batch as its owner pushes it to readers:
 *
 *     length u32 | CRC-32C u32 | format u8 | epoch, batch, catalogue batch u64 | puts u32 | deletes u32 |
 *     puts: key length u16, key, value length u32, value | deletes: key length u16, key
 *
 * Numbers are little-endian. Length and checksum are of the bytes behind the checksum. A frame without entries tells a
 * position alone.
 */
const FORMAT = 1
const PREFIX_BYTES = 8
const HEAD_BYTES = 33
const KEY_LENGTH_BYTES = 2
const VALUE_LENGTH_BYTES = 4
/** Most bytes of a frame. A larger batch is told by its position, and read from the store. */
export const MOST_FRAME_BYTES = 16 * 1024 * 1024

/** The changes of a batch that readers need. */
export interface PushedBatch {
  position: Position
  puts: readonly Entry[]
  deletes: readonly Uint8Array[]
  /** The batch of this position, and all before it, are read from the store. */
  isPosition?: boolean
}

const PUSHED = [RECORDS, MANIFESTS, CATALOGUE, SNAPSHOTS].map((prefix) => Buffer.from(prefix))

/** Whether readers read the key. */
function isPushed(key: Uint8Array): boolean {
  const given = Buffer.from(key.buffer, key.byteOffset, key.byteLength)
  if (given.equals(ALIASES) || given.equals(QUOTAS)) return true
  return PUSHED.some((prefix) => given.subarray(0, prefix.length).equals(prefix))
}

/** The frame of a batch; of its position alone if the batch is too large, or was not told. */
export function encodeFrame({ position, puts, deletes, isPosition = false }: PushedBatch): Buffer {
  if (isPosition) return positionFrame(position)
  const [told, gone] = [puts.filter(([key]) => isPushed(key)), deletes.filter(isPushed)]
  const bytes =
    told.reduce((sum, [key, value]) => sum + KEY_LENGTH_BYTES + VALUE_LENGTH_BYTES + key.length + value.length, 0) +
    gone.reduce((sum, key) => sum + KEY_LENGTH_BYTES + key.length, 0)
  if (PREFIX_BYTES + HEAD_BYTES + bytes > MOST_FRAME_BYTES) return positionFrame(position)
  return framed(position, told, gone, bytes)
}

/** A batch without entries says that there is nothing to read, a frame of a position says that the batch is to be read. */
export function positionFrame(position: Position): Buffer {
  return framed(position, [], [], 0, POSITION)
}

const BATCH = FORMAT
const POSITION = 0x80 | FORMAT

function framed(
  { epoch, batch, catalogueBatch }: Position,
  puts: readonly Entry[],
  deletes: readonly Uint8Array[],
  bytes: number,
  format = BATCH,
): Buffer {
  const frame = Buffer.allocUnsafe(PREFIX_BYTES + HEAD_BYTES + bytes)
  let at = frame.writeUInt8(format, PREFIX_BYTES)
  for (const number of [epoch, batch, catalogueBatch]) at = frame.writeBigUInt64LE(BigInt(number), at)
  at = frame.writeUInt32LE(deletes.length, frame.writeUInt32LE(puts.length, at))
  const writeKey = (key: Uint8Array) => {
    at = frame.writeUInt16LE(key.length, at)
    frame.set(key, at)
    at += key.length
  }
  for (const [key, value] of puts) {
    writeKey(key)
    at = frame.writeUInt32LE(value.length, at)
    frame.set(value, at)
    at += value.length
  }
  for (const key of deletes) writeKey(key)
  frame.writeUInt32LE(frame.length - PREFIX_BYTES, 0)
  frame.writeUInt32LE(crc32c(frame.subarray(PREFIX_BYTES)), VALUE_LENGTH_BYTES)
  return frame
}

/** Bytes of the frame that begins here, its length and checksum included; null while they are not there yet. */
function frameBytesOf(bytes: Buffer): number | null {
  if (bytes.length < PREFIX_BYTES) return null
  const length = PREFIX_BYTES + bytes.readUInt32LE(0)
  if (length > MOST_FRAME_BYTES || length < PREFIX_BYTES + HEAD_BYTES) throw wrong(`a frame of ${length} bytes`)
  return length
}

/** Cuts frames from bytes as they arrive. Never holds more than one frame and a piece. */
export class FrameReader {
  #pieces: Buffer[] = []
  #bytes = 0
  #wanted: number | null = null

  /** Whole frames that end with this piece. Throws CORRUPT for bytes that are no frame. */
  take(piece: Buffer): ReceivedFrame[] {
    const frames: ReceivedFrame[] = []
    this.#pieces.push(piece)
    this.#bytes += piece.length
    while (this.#bytes >= (this.#wanted ?? PREFIX_BYTES)) {
      const all = Buffer.concat(this.#pieces)
      this.#pieces = [all]
      this.#wanted ??= frameBytesOf(all)
      if (this.#wanted === null || all.length < this.#wanted) break
      frames.push(decodeFrame(all.subarray(0, this.#wanted)))
      this.#pieces = [all.subarray(this.#wanted)]
      this.#bytes = all.length - this.#wanted
      this.#wanted = null
    }
    return frames
  }
}

export interface ReceivedFrame extends PushedBatch {
  isPosition: boolean
  bytes: number
}

/** Checks a frame as a client's body is checked. Throws CORRUPT. */
export function decodeFrame(frame: Buffer): ReceivedFrame {
  if (frame.length < PREFIX_BYTES + HEAD_BYTES || frame.readUInt32LE(0) !== frame.length - PREFIX_BYTES)
    throw wrong('its length')
  if (frame.readUInt32LE(VALUE_LENGTH_BYTES) !== crc32c(frame.subarray(PREFIX_BYTES))) throw wrong('its checksum')
  const format = frame.readUInt8(PREFIX_BYTES)
  if (format !== BATCH && format !== POSITION) throw wrong(`format ${format}`)
  const number = (at: number) => {
    const found = Number(frame.readBigUInt64LE(PREFIX_BYTES + 1 + 8 * at))
    if (!Number.isSafeInteger(found)) throw wrong('a number')
    return found
  }
  const position = { epoch: number(0), batch: number(1), catalogueBatch: number(2) }
  if (position.catalogueBatch > position.batch) throw wrong('its catalogue batch')
  const [puts, deletes] = entriesOf(frame)
  for (const entry of puts) checkPut(entry, position)
  for (const key of deletes) checkKey(key)
  const isPosition = format === POSITION
  if (isPosition && puts.length + deletes.length > 0) throw wrong('a position with entries')
  return { position, puts, deletes, isPosition, bytes: frame.length }
}

function entriesOf(frame: Buffer): [Entry[], Uint8Array[]] {
  let at = PREFIX_BYTES + HEAD_BYTES
  const take = (bytes: number) => {
    if (at + bytes > frame.length) throw wrong('an entry ends behind it')
    at += bytes
    return frame.subarray(at - bytes, at)
  }
  const key = () => take(take(KEY_LENGTH_BYTES).readUInt16LE())
  const counts = [frame.readUInt32LE(at - 8), frame.readUInt32LE(at - 4)] as const
  const puts: Entry[] = []
  const deletes: Uint8Array[] = []
  for (let i = 0; i < counts[0]; i++) puts.push([key(), take(take(VALUE_LENGTH_BYTES).readUInt32LE())])
  for (let i = 0; i < counts[1]; i++) deletes.push(key())
  if (at !== frame.length) throw wrong('it goes on behind its entries')
  return [puts, deletes]
}

/** Whether the key, which readers read, has the form that an owner writes. */
function checkKey(key: Uint8Array): void {
  if (!isPushed(key)) throw wrong('a key')
  const [uuid, length] = [uuidOf(key, RECORDS) ?? uuidOf(key, MANIFESTS), key.length]
  if (key[0] === SNAPSHOTS[0]) snapshotNameOf(key)
  if (key[0] !== RECORDS[0] && key[0] !== MANIFESTS[0]) return
  if (uuid === null || !UUID.test(uuid)) throw wrong('the uuid of a key')
  if (length !== (key[0] === RECORDS[0] ? recordsKey(uuid, 0) : manifestKey(uuid)).length) throw wrong('a key')
}

/** Manifests are checked where they are read, like all that a store keeps. */
function checkPut([key, value]: Entry, { epoch }: Position): void {
  checkKey(key)
  if (key[0] === ALIASES[0]) aliasesIn(value)
  else if (key[0] === QUOTAS[0]) quotasIn(value)
  else if (key[0] === CATALOGUE[0]) catalogueEntry(key, value)
  else if (key[0] === SNAPSHOTS[0]) snapshotEntry(snapshotNameOf(key), value)
  else if (key[0] === RECORDS[0]) checkRecords(key, value, epoch)
}

function checkRecords(key: Uint8Array, value: Uint8Array, epoch: number): void {
  const where = 'a pushed frame'
  if (recordsIn(value, where).epoch > epoch) throw wrong('the epoch of its records')
  decodeRecords(firstSeqOf(key), value, where)
}

function wrong(what: string): VicinalError {
  return new VicinalError('CORRUPT', `a frame that a node pushed is malformed: ${what}`)
}
