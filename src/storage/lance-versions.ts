import { basename, dirname, join } from 'node:path'
import type { Disk } from '../disk/disk.js'

/**
 * Removes versions of a Lance table, as Lance's own clean-up does, which cannot be had without a compaction: that
 * would rewrite a table each time a version is to go.
 *
 * A version is one file below `_versions`: sections, the position of the version's message, a magic. The message
 * (protobuf) names the data files and the transaction by their file names, and each deletion file by the random
 * number that is the last part of its name. So a file that no kept message mentions belongs to none of them. What
 * cannot be understood is kept.
 */
const VERSIONS = '_versions'
const MANIFEST_SUFFIX = '.manifest'
/** Lance names the file of version v by this minus v, so that a listing begins with the newest. */
const NEWEST_FIRST = 0xffff_ffff_ffff_ffffn
const FOOTER_BYTES = 16
const MAGIC = 'LANC'
const MAX_VERSION_BYTES = 256 * 1024 * 1024
const DATA_FILE_NAME = /[0-9A-Za-z_-]+\.lance\b/g
const DELETION_NUMBER = /-(\d+)\.(?:arrow|bin)$/
/** A number of fewer bytes might stand in a message by chance. */
const LEAST_NUMBER_BYTES = 6

/** Path of a version's file below the table. */
export function versionPath(version: number): string {
  return join(VERSIONS, String(NEWEST_FIRST - BigInt(version)).padStart(20, '0') + MANIFEST_SUFFIX)
}

/** The versions that there are, oldest first. */
export async function listVersions(disk: Disk, table: string): Promise<number[]> {
  const entries = await disk.list(join(table, VERSIONS))
  const names = entries.filter(({ name }) => /^\d{20}\.manifest$/.test(name)).map(({ name }) => name)
  return names.map((name) => Number(NEWEST_FIRST - BigInt(name.slice(0, 20)))).sort((a, b) => a - b)
}

/**
 * Removes the versions before `keepVersion` that were replaced at least `graceMs` ago, and the files that only they
 * use. `isEmpty` is asked when the kept version names no data file: only a table without rows may do so.
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
  // A version goes before its files: none is ever there without them.
  for (const version of dead) await disk.removeFile(join(table, versionPath(version)))
  for (const file of files) {
    if (![...messages.values()].some((message) => mayMention(message, file))) await disk.removeFile(join(table, file))
  }
}

/** What counts is when a version was replaced: a reader may have read its name until then. */
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

/** The message of a version's file; null where the file is not as expected. */
async function messageOf(disk: Disk, path: string): Promise<Buffer | null> {
  const bytes = await disk.readFile(path, MAX_VERSION_BYTES)
  if (bytes.length < FOOTER_BYTES || bytes.toString('latin1', bytes.length - MAGIC.length) !== MAGIC) return null
  const at = Number(bytes.readBigUInt64LE(bytes.length - FOOTER_BYTES))
  if (at + 4 > bytes.length) return null
  const end = at + 4 + bytes.readUInt32LE(at)
  return end <= bytes.length - FOOTER_BYTES ? bytes.subarray(at + 4, end) : null
}

/** True when the version's data files can be told from its message: all it names are there, and it names some. */
async function isWhole(message: Buffer, files: readonly string[], isEmpty: () => Promise<boolean>): Promise<boolean> {
  const present = new Set(files.map((file) => basename(file)))
  const named = message.toString('latin1').match(DATA_FILE_NAME) ?? []
  if (named.length === 0) return await isEmpty()
  // The byte before a name is its length, which may look like a letter of it.
  return named.every((name) => present.has(name) || present.has(name.slice(1)))
}

function mayMention(message: Buffer, file: string): boolean {
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
