import { join } from 'node:path'
import { describeValue, VicinalError } from '../core/errors.js'
import type { Disk } from '../disk/disk.js'
import { versionPath } from './lance-versions.js'
import { type Message, many, one, readMessage, type Shape } from './protobuf-message.js'

/**
 * Checks a table from outside before Lance reads it. Lance follows the message of a version to other folders, and to
 * network stores with the environment's credentials. The message is therefore read here first. The table is refused
 * unless our own calls of Lance could have made it, from present files below its folder. The contents of data files are
 * left to the trial of the snapshot.
 */

/** A version's file: the transaction, the message, its position, two numbers of the format, a magic. */
const FOOTER_BYTES = 16
const LENGTH_BYTES = 4
const MAGIC = 'LANC'
const FORMAT = [0, 2]
/** A version of a table with 100,000 fragments takes a third of this. */
const MAX_VERSION_BYTES = 64 * 1024 * 1024
const DELETION_SUFFIXES = ['arrow', 'bin']
/** Names of a table's files, relative to the table. */
const TABLE_FILE =
  /^(?:_versions\/\d{20}\.manifest|data\/[0-9A-Za-z_-]{1,120}\.lance|_deletions\/\d{1,20}-\d{1,20}-\d{1,20}\.(?:arrow|bin)|_transactions\/\d{1,20}-[0-9a-f-]{36}\.txn)$/
/** The column types of our tables. */
const LOGICAL_TYPE = /^(?:string|int64|bool|uint32|float|list|fixed_size_list:float:[1-9]\d{0,5})$/
const DATA_FORMAT = /^2\.\d$/
/** Flag of deletion files. */
const KNOWN_FLAGS = 1n

/**
 * The fields that messages of Lance's format have in our tables, by the numbers of `table.proto`, `file.proto` and
 * `transaction.proto`. They are the fields that Lance 8 writes when it creates, appends, merges, deletes, adds columns
 * and compacts.
 *
 * Fields that lead Lance to another file, store or branch, or make it act by itself, are left out on purpose. These are
 * base paths and their ids, external row ids, overlays, indexes, configuration and tags. Metadata of fields is left out
 * too, since it may turn a column into references to other stores.
 */
const FIELD: Shape = {
  1: one('type', 'opaque'),
  2: one('name', 'text'),
  3: one('id', 'opaque'),
  4: one('parentId', 'opaque'),
  5: one('logicalType', 'text'),
  6: one('nullable', 'opaque'),
  7: one('encoding', 'opaque'),
}
const DATA_FILE: Shape = {
  1: one('path', 'text'),
  2: many('fields', 'opaque'),
  3: many('columnIndices', 'opaque'),
  4: one('majorVersion', 'opaque'),
  5: one('minorVersion', 'opaque'),
  6: one('bytes', 'whole'),
}
const DELETION_FILE: Shape = {
  1: one('type', 'whole'),
  2: one('readVersion', 'whole'),
  3: one('id', 'whole'),
  4: one('deletedRows', 'whole'),
}
const FRAGMENT: Shape = {
  1: one('id', 'whole'),
  2: many('files', DATA_FILE),
  3: one('deletionFile', DELETION_FILE),
  4: one('physicalRows', 'whole'),
}
const LIBRARY: Shape = {
  1: one('library', 'opaque'),
  2: one('version', 'opaque'),
  3: one('prerelease', 'opaque'),
  4: one('buildMetadata', 'opaque'),
}
/** One version of a table. */
const MANIFEST: Shape = {
  1: many('fields', FIELD),
  2: many('fragments', FRAGMENT),
  3: one('version', 'whole'),
  7: one('timestamp', 'opaque'),
  9: one('readerFlags', 'whole'),
  10: one('writerFlags', 'whole'),
  11: one('maxFragmentId', 'opaque'),
  12: one('transactionFile', 'text'),
  13: one('writer', LIBRARY),
  15: one('dataFormat', { 1: one('fileFormat', 'text'), 2: one('version', 'text') }),
  21: one('transactionAt', 'whole'),
}
const FRAGMENTS: Shape = { 1: many('fragments', FRAGMENT) }
const REWRITE_GROUP: Shape = { 1: many('old', FRAGMENT), 2: many('new', FRAGMENT) }
/** The operation that made a version from the one before. */
const TRANSACTION: Shape = {
  1: one('readVersion', 'opaque'),
  2: one('uuid', 'opaque'),
  100: one('append', FRAGMENTS),
  101: one('delete', { 1: many('updated', FRAGMENT), 2: many('deletedIds', 'opaque'), 3: one('predicate', 'opaque') }),
  102: one('overwrite', { ...FRAGMENTS, 2: many('schema', FIELD) }),
  104: one('rewrite', { 3: many('groups', REWRITE_GROUP) }),
  105: one('merge', { ...FRAGMENTS, 2: many('schema', FIELD) }),
  107: one('reserveFragments', { 1: one('count', 'opaque') }),
  108: one('update', {
    1: many('removedIds', 'opaque'),
    2: many('updated', FRAGMENT),
    3: many('new', FRAGMENT),
    4: many('fieldsModified', 'opaque'),
    6: many('preservingFields', 'opaque'),
    7: one('mode', 'opaque'),
  }),
}

/** Whether a table of ours may have a file of this name. */
export function isTableFile(name: string): boolean {
  return TABLE_FILE.test(name)
}

/** Rejects with CORRUPT unless Lance may read the table and it is at `version`; 0 means that there must be no table. */
export async function checkTable(disk: Disk, table: string, version: number): Promise<void> {
  const present = new Map<string, number>()
  for (const name of await disk.files(table)) {
    const path = join(table, name)
    if (version === 0 || !isTableFile(name)) throw refused(path, 'the table has no such file')
    if (name.startsWith('_versions') && name !== versionPath(version))
      throw refused(path, `expected the table to be of version ${version} alone`)
    if (name.startsWith('_transactions')) await checkFile(disk, path, (bytes) => void readTransaction(bytes))
    present.set(name, (await disk.facts(path))?.bytes ?? 0)
  }
  if (version === 0) return
  await checkFile(disk, join(table, versionPath(version)), (bytes) => checkVersion(bytes, version, present))
}

/** Adds the file's name to the error. */
async function checkFile(disk: Disk, path: string, check: (bytes: Buffer) => void): Promise<void> {
  const bytes = await disk.readFile(path, MAX_VERSION_BYTES)
  try {
    check(bytes)
  } catch (cause) {
    throw refused(path, (cause as Error).message, cause)
  }
}

function checkVersion(bytes: Buffer, version: number, present: ReadonlyMap<string, number>): void {
  const { fields, fragments, readerFlags = 0n, writerFlags = 0n, transactionFile, ...more } = versionOf(bytes)
  need(more.version === BigInt(version), `expected version ${version}, got ${more.version}`)
  const { fileFormat, version: format } = (more.dataFormat ?? {}) as Message
  need(fileFormat === 'lance' && DATA_FORMAT.test(String(format)), 'its data files are of an unknown format')
  need((((readerFlags as bigint) | (writerFlags as bigint)) & ~KNOWN_FLAGS) === 0n, 'it asks for unknown features')
  for (const { name, logicalType } of fields as Message[]) {
    need(LOGICAL_TYPE.test(String(logicalType)), `column ${describeValue(name)} is of an unexpected type`)
  }
  if (transactionFile !== undefined) needFile(present, `_transactions/${transactionFile}`)
  for (const fragment of fragments as Message[]) checkFragment(fragment, present)
}

function checkFragment({ id = 0n, files, deletionFile }: Message, present: ReadonlyMap<string, number>): void {
  for (const { path, bytes = 0n } of files as Message[]) {
    const length = needFile(present, `data/${path}`)
    need(bytes === 0n || bytes === BigInt(length), `${describeValue(path)} is of another length than declared`)
  }
  if (deletionFile === undefined) return
  const { type = 0n, readVersion = 0n, id: number = 0n } = deletionFile as Message
  needFile(present, `_deletions/${id}-${readVersion}-${number}.${DELETION_SUFFIXES[Number(type)]}`)
}

/** The length of a file that the message names. All names are below the table's folder. */
function needFile(present: ReadonlyMap<string, number>, name: string): number {
  const bytes = present.get(name)
  if (bytes === undefined) throw new Error(`it names ${describeValue(name)}, which is not there`)
  return bytes
}

/** The message of a version. Its file holds only this and the transaction, at the place where Lance looks for it. */
function versionOf(bytes: Buffer): Message {
  const end = bytes.length - FOOTER_BYTES
  need(end > 0 && bytes.toString('latin1', bytes.length - MAGIC.length) === MAGIC, 'this is no version of a table')
  const format = [bytes.readUInt16LE(end + 8), bytes.readUInt16LE(end + 10)]
  need(String(format) === String(FORMAT), `it is of format ${format.join('.')}`)
  const at = Number(bytes.readBigUInt64LE(end))
  const message = readMessage(sized(bytes, at, end), MANIFEST, 'version')
  need((message.transactionAt ?? 0n) === 0n, 'its transaction is not at its place')
  if (at > 0) readTransaction(sized(bytes, 0, at))
  return message
}

function readTransaction(bytes: Buffer): Message {
  return readMessage(bytes, TRANSACTION, 'transaction')
}

/** The bytes after their length; they must end at `end`. */
function sized(bytes: Buffer, at: number, end: number): Buffer {
  const from = at + LENGTH_BYTES
  need(from <= end && bytes.readUInt32LE(at) === end - from, 'the declared length of a message is wrong')
  return bytes.subarray(from, end)
}

function need(holds: boolean, what: string): asserts holds {
  if (!holds) throw new Error(what)
}

function refused(path: string, what: string, cause?: unknown): VicinalError {
  return new VicinalError('CORRUPT', `${path}: ${what}`, { details: { path }, cause })
}
