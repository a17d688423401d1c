import { open } from 'node:fs/promises'
import { RecordBatchReader, Table, tableToIPC } from 'apache-arrow'
import type { FileBytes } from './file-bytes.js'

// Reads Arrow's IPC framing: 0xffffffff, length of the metadata (a flatbuffer), the metadata, the body. It does not use
// apache-arrow, because the import must know its position in the file. That library also reads compressed bodies as if
// they were not compressed.

const FILE_MAGIC = 'ARROW1'
const FILE_MAGIC_BYTES = 8
const CONTINUATION = 0xffff_ffff
const PREFIX_BYTES = 8
const MAX_METADATA_BYTES = 64 * 1024 * 1024
/** Indexes of fields of the Message and RecordBatch tables in Arrow's Message.fbs. */
const MESSAGE_HEADER = 2
const MESSAGE_BODY_LENGTH = 3
const BATCH_COMPRESSION = 3
const HEADER_TYPE = 1
const SCHEMA = 1
const RECORD_BATCH = 3
const END_MARK_BYTES = 8

export interface Frame {
  bytes: Uint8Array
  /** Byte of the file after the frame. */
  end: number
}

/** The messages in order. An Arrow file is a stream between its magic and its footer, and is read as one. */
export async function* framesOf(file: FileBytes): AsyncGenerator<Frame> {
  const head = Buffer.from(await file.read(0, Math.min(FILE_MAGIC_BYTES, file.size))).toString('latin1')
  const isFile = head.startsWith(FILE_MAGIC)
  let isFirst = true
  let position = isFile ? FILE_MAGIC_BYTES : 0
  // A stream may end without its end mark, but not inside a message.
  while (position < file.size) {
    if (position + PREFIX_BYTES > file.size) throw file.damaged(`ends inside an Arrow message, at byte ${file.size}`)
    const prefix = new DataView((await file.read(position, PREFIX_BYTES)).buffer)
    const metadataLength = prefix.getInt32(4, true)
    if (prefix.getUint32(0, true) !== CONTINUATION || metadataLength < 0 || metadataLength > MAX_METADATA_BYTES) {
      throw file.damaged(`no Arrow message at byte ${position}`)
    }
    if (metadataLength === 0) return
    const metadata = new DataView((await file.read(position + PREFIX_BYTES, metadataLength)).buffer)
    const { type, bodyLength } = describe(metadata, file)
    const length = PREFIX_BYTES + metadataLength + bodyLength
    if (isFile && isFirst && type !== SCHEMA) yield { bytes: await schemaOfFooter(file), end: position }
    isFirst = false
    yield { bytes: await file.read(position, length), end: position + length }
    position += length
  }
}

function describe(metadata: DataView, file: FileBytes): { type: number; bodyLength: number } {
  const message = metadata.getUint32(0, true)
  const typeAt = field(metadata, message, HEADER_TYPE)
  const type = typeAt === 0 ? 0 : metadata.getUint8(typeAt)
  const header = field(metadata, message, MESSAGE_HEADER)
  if (type === RECORD_BATCH && header !== 0) {
    const batch = header + metadata.getUint32(header, true)
    if (field(metadata, batch, BATCH_COMPRESSION) !== 0) {
      throw file.damaged('has compressed record batches, which are not supported; write it uncompressed, or as Parquet')
    }
  }
  const length = field(metadata, message, MESSAGE_BODY_LENGTH)
  return { type, bodyLength: length === 0 ? 0 : Number(metadata.getBigInt64(length, true)) }
}

/** The schema as a message, for files with the schema only in their footer, such as those of apache-arrow itself. */
async function schemaOfFooter(file: FileBytes): Promise<Uint8Array> {
  // The reader closes its handle, so it gets a handle of its own.
  const reader = await RecordBatchReader.from(await open(file.path, 'r'))
  try {
    await reader.open()
    return tableToIPC(new Table(reader.schema), 'stream').subarray(0, -END_MARK_BYTES)
  } finally {
    await reader.cancel()
  }
}

/** Position of field number `index` of a flatbuffer's table; 0 if it is absent. */
function field(buffer: DataView, table: number, index: number): number {
  const vtable = table - buffer.getInt32(table, true)
  const slot = 4 + 2 * index
  if (slot >= buffer.getUint16(vtable, true)) return 0
  const offset = buffer.getUint16(vtable + slot, true)
  return offset === 0 ? 0 : table + offset
}
