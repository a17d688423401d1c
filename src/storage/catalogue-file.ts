import type { CollectionCounts } from '../core/schema.js'
import type { Disk } from '../disk/disk.js'
import { type FileKind, readChecked, writeChecked } from './checked-file.js'

/** The file of what is known of the folder's collections without opening them. It is a copy, and may be old. */
export const CATALOGUE_FILE = 'catalogue'

const KIND: FileKind = { magic: 'VICCATA\n', formatVersion: 1, leastReader: 1, maxBytes: 64 * 1024 * 1024 }

/** What never changes of a collection's manifest, and how much the collection held. */
export interface CatalogueEntry {
  readonly uuid: string
  readonly name: string
  /** The uuid of the collection that this one replaced. */
  readonly replaces?: string
  /** How much it held, in a file that was written when all were closed. */
  readonly counts?: CollectionCounts
}

export async function writeCatalogue(disk: Disk, collections: readonly CatalogueEntry[]): Promise<void> {
  await writeChecked(disk, CATALOGUE_FILE, KIND, { collections })
}

/** Without the file, or if it is damaged or of a newer version, nothing is known: manifests are read instead. */
export async function readCatalogue(disk: Disk): Promise<CatalogueEntry[]> {
  try {
    const { collections } = (await readChecked(disk, CATALOGUE_FILE, KIND)) as { collections?: unknown }
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
