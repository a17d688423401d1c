/** Texts of points in a collection whose ids are texts. */
import { ID_WORDS, idKey, type PointColumns, type TextColumn } from '../../core/point.js'
import { joinTextId, splitTextId } from '../../core/text-ids.js'
import { TextColumnBuilder } from '../../ingest/payload-text.js'
import type { Shard } from '../../native/shard.js'

const PAYLOAD = { payload: true, vectors: new Uint32Array(0) }
const VERSION_OF_TEXTS = 5

/** Whether some points are named by a UUID that may be derived from a text. */
export function hasUnnamed(columns: PointColumns): boolean {
  return unnamedRows(columns, textsOf(columns)).length > 0
}

/** Points that a batch names by text and by UUID have their text in all rows, so also in the last, which stays. */
export function withSharedNames(columns: PointColumns): PointColumns {
  const texts = textsOf(columns)
  const unnamed = unnamedRows(columns, texts)
  if (unnamed.length === 0) return columns
  const names = new Map<string, string>()
  for (const [row, text] of texts.entries()) {
    const { textId } = splitTextId(text)
    if (textId !== null) names.set(idKey(columns.ids, row * ID_WORDS), textId)
  }
  const shared = unnamed.filter((row) => names.has(idKey(columns.ids, row * ID_WORDS)))
  for (const row of shared) {
    texts[row] = joinTextId(names.get(idKey(columns.ids, row * ID_WORDS)) as string, texts[row] as string)
  }
  return shared.length === 0 ? columns : withTexts(columns, texts)
}

/**
 * Points that an upsert names by UUID keep the texts that they have. It reads the shard, so every earlier write must be
 * applied.
 */
export async function withKeptNames(columns: PointColumns, shard: Shard): Promise<PointColumns> {
  const texts = textsOf(columns)
  const unnamed = unnamedRows(columns, texts)
  if (unnamed.length === 0) return columns
  const ids = new Uint32Array(unnamed.length * ID_WORDS)
  for (const [i, row] of unnamed.entries())
    ids.set(columns.ids.subarray(row * ID_WORDS, (row + 1) * ID_WORDS), i * ID_WORDS)
  const stored = await shard.retrieve(ids, PAYLOAD)
  const storedTexts = textsOf({ count: stored.count, payloads: stored.payloads as TextColumn })
  for (const [at, position] of stored.positions.entries()) {
    const row = unnamed[position] as number
    texts[row] = joinTextId(splitTextId(storedTexts[at] as string).textId, texts[row] as string)
  }
  return withTexts(columns, texts)
}

function withTexts(columns: PointColumns, texts: readonly string[]): PointColumns {
  const payloads = new TextColumnBuilder(columns.count)
  for (const text of texts) payloads.push(text)
  return { ...columns, payloads: payloads.finish() }
}

function unnamedRows({ ids, count }: PointColumns, texts: readonly string[]): number[] {
  const rows: number[] = []
  for (let row = 0; row < count; row++) {
    const version = ((ids[row * ID_WORDS + 2] as number) >>> 12) & 0xf
    if (version === VERSION_OF_TEXTS && splitTextId(texts[row] as string).textId === null) rows.push(row)
  }
  return rows
}

function textsOf({ count, payloads }: Pick<PointColumns, 'count' | 'payloads'>): string[] {
  if (!payloads) return new Array<string>(count).fill('')
  const { bytes, offsets } = payloads
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  return Array.from({ length: count }, (_, row) => buffer.toString('utf8', offsets[row], offsets[row + 1]))
}
