/**
 * Snapshots changed by hand, like an attacker's: files of the archive are replaced, and every length and checksum
 * around them is corrected.
 */
import { BinaryReader, BinaryWriter, WireType } from '@bufbuild/protobuf/wire'
import { Header } from 'tar'
import { decodeRecordHeader, encodeRecordHeader, FILE_HEADER_BYTES, RECORD_HEADER_BYTES } from '../../src/log/format.js'
import { crc32c } from '../../src/native/checksum.js'

const BLOCK = 512
const FRAME = 28
const FOOTER = 16

/** Files of an archive by name, in its order. */
export type Files = Map<string, Buffer>

export function unpacked(archive: Buffer): Files {
  const files: Files = new Map()
  for (let at = 0; archive[at] !== 0 && at < archive.length; ) {
    const { path, size } = new Header(archive, at) as { path: string; size: number }
    files.set(path, Buffer.from(archive.subarray(at + BLOCK, at + BLOCK + size)))
    at += BLOCK + Math.ceil(size / BLOCK) * BLOCK
  }
  return files
}

export function packed(files: Files): Buffer {
  const parts: Buffer[] = []
  for (const [path, bytes] of files) {
    const header = new Header({ path, size: bytes.length, type: 'File', mode: 0o600, mtime: new Date(0) })
    header.encode()
    parts.push(header.block as Buffer, bytes, Buffer.alloc((BLOCK - (bytes.length % BLOCK)) % BLOCK))
  }
  return Buffer.concat([...parts, Buffer.alloc(2 * BLOCK)])
}

/** The JSON body of a small framed file. */
export function bodyOf<T>(file: Buffer): T {
  return JSON.parse(file.toString('utf8', FRAME)) as T
}

/** The file with another body and corrected length and checksum. */
export function withBody(file: Buffer, body: unknown): Buffer {
  const text = Buffer.from(JSON.stringify(body))
  const bytes = Buffer.concat([file.subarray(0, FRAME), text])
  bytes.writeBigUInt64LE(BigInt(text.length), 16)
  bytes.writeUInt32LE(crc32c(text, crc32c(bytes.subarray(0, FRAME - 4))), FRAME - 4)
  return bytes
}

interface Sums {
  files: Record<string, { bytes: number; crc: number }>
}
interface Index {
  collections: { folder: string; files: Record<string, number> }[]
}

/** The archive of the files, with table checksums and lengths that fit the present contents. */
export function repaired(files: Files): Buffer {
  const all = new Map(files)
  for (const [name, file] of all) {
    const folder = /^(\d+)\/sums\/\d+\.sums$/.exec(name)?.[1]
    if (folder === undefined) continue
    const sums = bodyOf<Sums>(file)
    const table = `${folder}/table.lance/`
    sums.files = Object.fromEntries(
      [...all].flatMap(([path, bytes]) =>
        path.startsWith(table) ? [[path.slice(table.length), { bytes: bytes.length, crc: crc32c(bytes) }]] : [],
      ),
    )
    all.set(name, withBody(file, sums))
  }
  return measured(all)
}

/** The archive of the files, with correct lengths in the index. */
export function measured(files: Files): Buffer {
  const all = new Map(files)
  const snapshot = all.get('snapshot') as Buffer
  const index = bodyOf<Index>(snapshot)
  for (const collection of index.collections) {
    const own = `${collection.folder}/`
    collection.files = Object.fromEntries(
      [...all].flatMap(([path, bytes]) => (path.startsWith(own) ? [[path.slice(own.length), bytes.length]] : [])),
    )
  }
  all.set('snapshot', withBody(snapshot, index))
  return packed(all)
}

export function nameOf(files: Files, pattern: RegExp): string {
  const name = [...files.keys()].find((each) => pattern.test(each))
  if (name === undefined) throw new Error(`no file of ${pattern} among ${[...files.keys()].join(', ')}`)
  return name
}

/** A field of a protobuf message: its number, and its raw bytes including the tag. */
export interface WireField {
  number: number
  bytes: Uint8Array
}

export function fieldsOf(message: Uint8Array): WireField[] {
  const reader = new BinaryReader(message)
  const fields: WireField[] = []
  while (reader.pos < reader.len) {
    const from = reader.pos
    const [number, type] = reader.tag()
    reader.skip(type, number)
    fields.push({ number, bytes: message.subarray(from, reader.pos) })
  }
  return fields
}

/** A field of bytes, a text or a message. */
export function bytesField(number: number, value: Uint8Array | string): WireField {
  const bytes = typeof value === 'string' ? Buffer.from(value) : value
  return { number, bytes: new BinaryWriter().tag(number, WireType.LengthDelimited).bytes(bytes).finish() }
}

export function wholeField(number: number, value: number | bigint): WireField {
  return { number, bytes: new BinaryWriter().tag(number, WireType.Varint).uint64(value).finish() }
}

export function messageOf(fields: readonly WireField[]): Buffer {
  return Buffer.concat(fields.map(({ bytes }) => bytes))
}

/** The content of a field of bytes. */
export function contentOf({ bytes }: WireField): Buffer {
  const reader = new BinaryReader(bytes)
  reader.tag()
  return Buffer.from(reader.bytes())
}

/** Changes the fields with this number, which are messages. */
export function within(number: number, change: (fields: WireField[]) => WireField[]) {
  return (fields: WireField[]): WireField[] =>
    fields.map((field) =>
      field.number === number ? bytesField(number, messageOf(change(fieldsOf(contentOf(field))))) : field,
    )
}

/** The file of a version of a Lance table with its message changed. */
export function withMessage(file: Buffer, change: (fields: WireField[]) => WireField[]): Buffer {
  const at = Number(file.readBigUInt64LE(file.length - FOOTER))
  const message = messageOf(change(fieldsOf(file.subarray(at + 4, file.length - FOOTER))))
  const length = Buffer.alloc(4)
  length.writeUInt32LE(message.length)
  return Buffer.concat([file.subarray(0, at), length, message, file.subarray(file.length - FOOTER)])
}

/** A log file with the bodies of its records changed and checksums corrected. */
export function withRecords(file: Buffer, change: (body: Buffer) => Buffer): Buffer {
  const seed = crc32c(file.subarray(0, FILE_HEADER_BYTES - 4))
  const parts = [file.subarray(0, FILE_HEADER_BYTES)]
  for (let at = FILE_HEADER_BYTES; at + RECORD_HEADER_BYTES <= file.length; ) {
    const header = decodeRecordHeader(file, at, seed)
    if (header === null) break
    at += RECORD_HEADER_BYTES
    const body = change(file.subarray(at, at + header.bodyBytes))
    at += header.bodyBytes
    const bodyCrc = crc32c(body, seed)
    parts.push(encodeRecordHeader({ ...header, bodyBytes: body.length, bodyCrc }, seed), body)
  }
  return Buffer.concat(parts)
}
