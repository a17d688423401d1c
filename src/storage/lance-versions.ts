import { basename, dirname, join } from 'node:path'
import type { Disk } from '../disk/disk.js'

/**
 * Removes versions of a Lance table. Lance's own clean-up needs a compaction, which would rewrite the table each time.
 *
 * A version is one file below `_versions`: sections, the position of the version's message, a magic. The protobuf
 * message names the data files and the transaction by file name. It names a deletion file by the random number at the
 * end of its name. A file that no kept message mentions is therefore unused. Files that cannot be understood are kept.
 */
const VERSIONS = '_versions'
const MANIFEST_SUFFIX = '.manifest'
/** Lance names the file of version v by this number minus v, so that a listing begins with the newest. */
const NEWEST_FIRST = 0xffff_ffff_ffff_ffffn
const FOOTER_BYTES = 16
const MAGIC = 'LANC'
const MAX_VERSION_BYTES = 256 * 1024 * 1024
const DATA_FILE_NAME = /[0-9A-Za-z_-]+\.lance\b/g
const DELETION_NUMBER = /-(\d+)\.(?:arrow|bin)$/
/** A shorter number could occur in a message by chance. */
const LEAST_NUMBER_BYTES = 6

/** Path of a version's file below the table. */
export function versionPath(version: number): string {
  return join(VERSIONS, String(NEWEST_FIRST - BigInt(version)).padStart(20, '0') + MANIFEST_SUFFIX)
}

/** The present versions, oldest first. */
export async function listVersions(disk: Disk, table: string): Promise<number[]> {
  const entries = await disk.list(join(table, VERSIONS))
  const names = entries.filter(({ name }) => /^\d{20}\.manifest$/.test(name)).map(({ name }) => name)
  return names.map((name) => Number(NEWEST_FIRST - BigInt(name.slice(0, 20)))).sort((a, b) => a - b)
}

/**
 * Removes versions before `keepVersion` that were replaced at least `graceMs` ago, and files that only they use.
 * `isEmpty` is called if the kept version names no data file: that is only right for a table without rows.
 */
export async function removeVersions(
  disk: Disk,
  table: string,
  keepVersion: number,
  graceMs: number,
  isEmpty: () => Promise<boolean>,
): Promise<void> {
  const versions = await listVersions(disk, table)
  const dead = await deadVersions(disk, table, versions, keepVersion, graceMs)
  const messages = new Map<number, Buffer>()
  for (const version of versions) {
    if (dead.includes(version)) continue
    const message = await messageOf(disk, join(table, versionPath(version)))
    if (message === null) return
    messages.set(version, message)
  }
  const kept = messages.get(keepVersion)
  const files = await disk.files(table)
  if (!kept || !(await isWhole(kept, files, isEmpty))) return
  // A version is removed before its files, so that no version lacks files.
  for (const version of dead) await disk.removeFile(join(table, versionPath(version)))
  for (const file of files) {
    if (![...messages.values()].some((message) => mayMention(message, file))) await disk.removeFile(join(table, file))
  }
}

/** The time of replacement counts, because a reader may have read the version's name until then. */
async function deadVersions(
  disk: Disk,
  table: string,
  versions: readonly number[],
  keepVersion: number,
  graceMs: number,
): Promise<number[]> {
  const dead: number[] = []
  for (const [i, version] of versions.entries()) {
    const next = versions[i + 1]
    if (version >= keepVersion || next === undefined) break
    const replacedMs = (await disk.facts(join(table, versionPath(next))))?.modifiedMs ?? Number.POSITIVE_INFINITY
    if (replacedMs > Date.now() - graceMs) break
    dead.push(version)
  }
  return dead
}

/** The message of a version's file; null if the file has an unexpected form. */
async function messageOf(disk: Disk, path: string): Promise<Buffer | null> {
  return messageIn(await disk.readFile(path, MAX_VERSION_BYTES))
}

/** The message in the bytes of a version's file; null if they have an unexpected form. */
export function messageIn(bytes: Buffer): Buffer | null {
  if (bytes.length < FOOTER_BYTES || bytes.toString('latin1', bytes.length - MAGIC.length) !== MAGIC) return null
  const at = Number(bytes.readBigUInt64LE(bytes.length - FOOTER_BYTES))
  if (at + 4 > bytes.length) return null
  const end = at + 4 + bytes.readUInt32LE(at)
  return end <= bytes.length - FOOTER_BYTES ? bytes.subarray(at + 4, end) : null
}

/** Whether the message names the version's data files: it names some, and all of them are present. */
async function isWhole(message: Buffer, files: readonly string[], isEmpty: () => Promise<boolean>): Promise<boolean> {
  const present = new Set(files.map((file) => basename(file)))
  const named = message.toString('latin1').match(DATA_FILE_NAME) ?? []
  if (named.length === 0) return await isEmpty()
  // The byte before a name is its length, which may look like a character of the name.
  return named.every((name) => present.has(name) || present.has(name.slice(1)))
}

/** Whether a version with this message may use the file. */
export function mayMention(message: Buffer, file: string): boolean {
  switch (dirname(file)) {
    case 'data':
    case '_transactions':
      return message.includes(basename(file))
    case '_deletions': {
      const number = varint(BigInt(DELETION_NUMBER.exec(file)?.[1] ?? '0'))
      return number.length < LEAST_NUMBER_BYTES || message.includes(number)
    }
    default:
      return true
  }
}

function varint(value: bigint): Buffer {
  const bytes: number[] = []
  for (let rest = value; rest > 0n; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | (rest > 0x7fn ? 0x80 : 0))
  return Buffer.from(bytes)
}
