import { invalid } from '../../core/errors.js'
import { LIMITS } from '../../core/limits.js'
import { PayloadFieldSchema, type PayloadIndexKind, type PayloadIndexParams } from '../../core/payload-index.js'
import { readAt } from '../../core/vocabulary/reader.js'
import { Reading } from '../../core/vocabulary/reading.js'
import { parsePath } from '../../filter/path.js'
import { encodeTextOptions } from '../../filter/text-options.js'
import type { Shard } from '../../native/shard.js'

/** A payload index as the manifest keeps it: `params` has only the settings that the caller gave. */
export interface IndexedField {
  field: string
  kind: PayloadIndexKind
  params?: PayloadIndexParams
}

/** Checks a payload index. `schema` is a kind, or an object with the kind as its `type`. */
export function checkPayloadIndex(field: unknown, schema: unknown): IndexedField {
  if (typeof field !== 'string' || field.length === 0 || field.length > LIMITS.nameLength) {
    throw invalid('fieldName', `expected a payload path of 1 to ${LIMITS.nameLength} characters`, field)
  }
  parsePath(field, 'fieldName')
  const place = { parent: null, key: 'schema' }
  const known = readAt(PayloadFieldSchema, schema, place, new Reading('library', 'schema'))
  if (typeof known === 'string') return { field, kind: known }
  const { type: kind, ...params } = known
  // Refuses stop words of a language without a list here, not when the index is built.
  if (kind === 'text') encodeTextOptions(params)
  return { field, kind, params }
}

export async function buildIndexes(shard: Shard, indexes: readonly IndexedField[]): Promise<void> {
  for (const index of indexes) await buildIndex(shard, index)
}

export async function buildIndex(shard: Shard, index: IndexedField): Promise<void> {
  const hasGraphs = index.params?.enableHnsw !== false
  const placed = { onDisk: isOnDisk(index), hasGraphs }
  await shard.createPayloadIndex(index.field, index.kind, textOptionsOf(index), placed)
}

/** `memory` is the newer setting and overrides `onDisk`. */
export function isOnDisk({ params }: IndexedField): boolean {
  return params?.memory === undefined ? params?.onDisk === true : params.memory === 'cold'
}

/** How a text index splits texts into words; null for other kinds. */
function textOptionsOf({ kind, params }: IndexedField): Uint8Array | null {
  return kind === 'text' ? encodeTextOptions(params ?? {}) : null
}
