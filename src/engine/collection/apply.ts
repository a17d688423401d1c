import { decodeId, ID_WORDS, type Payload, type PointColumns, type TextColumn } from '../../core/point.js'
import { joinTextId, splitTextId, uuidOfText } from '../../core/text-ids.js'
import { applyPatch, deleteKeys } from '../../filter/payload.js'
import { parsePayload, writePayload } from '../../filter/payload-json.js'
import { TextColumnBuilder } from '../../ingest/payload-text.js'
import type { LogRecord } from '../../log/record.js'
import type { UpsertBatch } from '../../native/addon.js'
import type { Shard } from '../../native/shard.js'
import type { VectorIdentity } from '../../storage/table-layout.js'

/** Points whose payload is read, merged and written back in one step, so that the event loop gets its turns. */
const PAYLOAD_CHUNK = 512

/**
 * Applies one record of the log to the kernel. A record may be older than the present vectors. Its data for a vector
 * that was dropped since is ignored, even if another vector has the name now. The same code serves a new write and a
 * replay: points that are already as new as the record stay as they are. A delete resolves to the number of points
 * removed.
 */
export async function applyRecord(
  shard: Shard,
  vectors: readonly VectorIdentity[],
  seq: number,
  record: LogRecord,
): Promise<number | undefined> {
  if (record.op === 'delete') return await shard.deletePoints(record.ids, seq)
  await change(shard, vectors, seq, record)
  return undefined
}

async function change(
  shard: Shard,
  vectors: readonly VectorIdentity[],
  seq: number,
  record: Exclude<LogRecord, { op: 'delete' }>,
): Promise<void> {
  switch (record.op) {
    case 'upsert':
      // All rows of this batch of a stream were refused: it records only the source's position.
      if (record.columns.count === 0) return shard.advance(seq)
      return await shard.upsert(upsertBatch(record.columns, vectors, seq))
    case 'updateVectors':
      return await shard.updateVectors(upsertBatch(record.columns, vectors, seq))
    case 'deleteVectors':
      return await shard.deleteVectors(record.ids, indexesOf(record.names, vectors, seq), seq)
    case 'overwritePayload':
      return await changePayloads(shard, record.ids, seq, () => record.text)
    case 'clearPayload':
      return await changePayloads(shard, record.ids, seq, () => '')
    case 'setPayload': {
      const patch = parsePayload(record.patch)
      return await changePayloads(shard, record.ids, seq, (text) =>
        edited(text, (payload) => applyPatch(payload, patch, record.key)),
      )
    }
    case 'deletePayload':
      return await changePayloads(shard, record.ids, seq, (text) =>
        edited(text, (payload) => deleteKeys(payload, record.keys)),
      )
  }
}

function upsertBatch(columns: PointColumns, known: readonly VectorIdentity[], seq: number): UpsertBatch {
  const vectors = columns.vectors.flatMap(({ name, ...column }) => {
    const vector = indexOf(name, known, seq)
    return vector < 0 ? [] : [{ vector, ...column }]
  })
  return { ids: columns.ids, seq, vectors, payloads: columns.payloads }
}

function indexesOf(names: readonly string[], known: readonly VectorIdentity[], seq: number): Uint32Array {
  return Uint32Array.from(names.map((name) => indexOf(name, known, seq)).filter((vector) => vector >= 0))
}

/** -1 if the record means a vector that was dropped since. */
function indexOf(name: string, known: readonly VectorIdentity[], seq: number): number {
  return known.findIndex((vector) => vector.name === name && (vector.since ?? 0) < seq)
}

function edited(text: string, edit: (payload: Payload) => Payload): string {
  return writePayload(edit(parsePayload(text)))
}

/**
 * Reads in chunks and writes all at once: readers see the whole record or nothing of it. A text id stays, which is part
 * of the stored text.
 */
async function changePayloads(
  shard: Shard,
  ids: Uint32Array,
  seq: number,
  change: (text: string) => string,
): Promise<void> {
  const kept: number[] = []
  const texts: string[] = []
  for (let first = 0; first < ids.length / ID_WORDS; first += PAYLOAD_CHUNK) {
    const chunk = ids.subarray(first * ID_WORDS, (first + PAYLOAD_CHUNK) * ID_WORDS)
    const block = await shard.retrieve(chunk, { payload: true, vectors: new Uint32Array(0) })
    const { bytes, offsets } = block.payloads as TextColumn
    const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    for (let row = 0; row < block.count; row++) {
      if ((block.seqs[row] as number) >= seq) continue
      texts.push(changed(buffer.toString('utf8', offsets[row], offsets[row + 1]), block.ids, row, change))
      kept.push(first + (block.positions[row] as number))
    }
  }
  if (kept.length === 0) return shard.advance(seq)
  const rows = new Uint32Array(kept.length * ID_WORDS)
  const column = new TextColumnBuilder(kept.length)
  for (let i = 0; i < kept.length; i++) {
    const from = (kept[i] as number) * ID_WORDS
    rows.set(ids.subarray(from, from + ID_WORDS), i * ID_WORDS)
    column.push(texts[i] as string)
  }
  await shard.setPayloads(rows, column.finish(), seq)
}

/** Only a text that leads to the row's own id is its text id: payloads of other collections are the caller's alone. */
function changed(stored: string, ids: Uint32Array, row: number, change: (text: string) => string): string {
  const { textId, payload } = splitTextId(stored)
  if (textId === null || uuidOfText(textId) !== decodeId(ids, row * ID_WORDS)) return change(stored)
  return joinTextId(textId, change(payload))
}
