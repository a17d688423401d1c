import { VicinalError } from '../core/errors.js'
import type { Disk } from '../disk/disk.js'
import { type FileKind, readChecked, writeChecked } from './checked-file.js'

/** The file of aliases, each with the collection that it leads to. It is absent while there is no alias. */
export const ALIAS_FILE = 'aliases'

const KIND: FileKind = { magic: 'VICALIA\n', formatVersion: 1, leastReader: 1, maxBytes: 64 * 1024 * 1024 }

export type Aliases = ReadonlyMap<string, string>

/** Replaces the aliases on stable storage: a crash leaves the old ones or the new ones. */
export async function writeAliases(disk: Disk, aliases: Aliases): Promise<void> {
  await writeChecked(disk, ALIAS_FILE, KIND, { aliases: [...aliases] })
}

export async function readAliases(disk: Disk): Promise<Map<string, string>> {
  if ((await disk.facts(ALIAS_FILE)) === null) return new Map()
  const { aliases } = (await readChecked(disk, ALIAS_FILE, KIND)) as { aliases?: unknown }
  if (!Array.isArray(aliases) || !aliases.every(isEntry)) {
    throw new VicinalError('CORRUPT', `${ALIAS_FILE}: the body is no list of aliases`, {
      details: { path: ALIAS_FILE },
    })
  }
  return new Map(aliases)
}

function isEntry(value: unknown): value is [string, string] {
  return Array.isArray(value) && value.length === 2 && value.every((part) => typeof part === 'string')
}
