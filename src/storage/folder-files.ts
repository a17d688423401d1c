/** The small files of a data folder: aliases, quotas, and the catalogue. */
import { VicinalError } from '../core/errors.js'
import type { QuotaConfig } from '../core/quotas.js'
import type { CollectionCounts } from '../core/schema.js'
import type { Disk } from '../disk/disk.js'
import { type FileKind, readChecked, writeChecked } from './checked-file.js'

/** The file of aliases, each with the collection that it leads to. It is absent while there is no alias. */
export const ALIAS_FILE = 'aliases'
/** The file of the node's quotas; absent until quotas are set. */
const QUOTA_FILE = 'quotas'
/** The file of facts about the folder's collections, for use without opening them. It is a copy, and may be old. */
const CATALOGUE_FILE = 'catalogue'

const MIB = 1024 * 1024
const ALIASES: FileKind = { magic: 'VICALIA\n', formatVersion: 1, leastReader: 1, maxBytes: 64 * MIB }
const QUOTAS: FileKind = { magic: 'VICQUOT\n', formatVersion: 1, leastReader: 1, maxBytes: MIB / 16 }
const CATALOGUE: FileKind = { magic: 'VICCATA\n', formatVersion: 1, leastReader: 1, maxBytes: 64 * MIB }

export type Aliases = ReadonlyMap<string, string>

/** Replaces the aliases on stable storage: a crash leaves the old ones or the new ones. */
export async function writeAliases(disk: Disk, aliases: Aliases): Promise<void> {
  await writeChecked(disk, ALIAS_FILE, ALIASES, { aliases: [...aliases] })
}

export async function readAliases(disk: Disk): Promise<Map<string, string>> {
  if ((await disk.facts(ALIAS_FILE)) === null) return new Map()
  const { aliases } = (await readChecked(disk, ALIAS_FILE, ALIASES)) as { aliases?: unknown }
  if (!Array.isArray(aliases) || !aliases.every(isPair)) {
    throw new VicinalError('CORRUPT', `${ALIAS_FILE}: the body is no list of aliases`, {
      details: { path: ALIAS_FILE },
    })
  }
  return new Map(aliases)
}

function isPair(value: unknown): value is [string, string] {
  return Array.isArray(value) && value.length === 2 && value.every((part) => typeof part === 'string')
}

export async function writeQuotas(disk: Disk, config: QuotaConfig): Promise<void> {
  await writeChecked(disk, QUOTA_FILE, QUOTAS, config)
}

/** The quotas as written. The caller checks them. */
export async function readQuotas(disk: Disk): Promise<unknown> {
  return (await disk.facts(QUOTA_FILE)) === null ? {} : await readChecked(disk, QUOTA_FILE, QUOTAS)
}

/** Immutable facts of a collection's manifest, and the collection's last known sizes. */
export interface CatalogueEntry {
  readonly uuid: string
  readonly name: string
  /** The uuid of the collection that this one replaced. */
  readonly replaces?: string
  /** How much it held, in a file that was written when all were closed. */
  readonly counts?: CollectionCounts
}

export async function writeCatalogue(disk: Disk, collections: readonly CatalogueEntry[]): Promise<void> {
  await writeChecked(disk, CATALOGUE_FILE, CATALOGUE, { collections })
}

/** Without the file, or if it is damaged or of a newer version, nothing is known: manifests are read instead. */
export async function readCatalogue(disk: Disk): Promise<CatalogueEntry[]> {
  try {
    const { collections } = (await readChecked(disk, CATALOGUE_FILE, CATALOGUE)) as { collections?: unknown }
    return Array.isArray(collections) ? collections.filter(isEntry).map(withValidCounts) : []
  } catch {
    return []
  }
}

function isEntry(value: unknown): value is CatalogueEntry {
  const entry = value as Partial<CatalogueEntry> | null
  return typeof entry?.uuid === 'string' && typeof entry.name === 'string'
}

function withValidCounts({ counts, ...entry }: CatalogueEntry): CatalogueEntry {
  const { pointsCount, vectorsCount, indexedVectorsCount, segmentsCount } = counts ?? ({} as Partial<CollectionCounts>)
  const told = { pointsCount, vectorsCount, indexedVectorsCount, segmentsCount }
  return Object.values(told).every(Number.isSafeInteger) ? { ...entry, counts: told as CollectionCounts } : entry
}
