/** A row of a batch as it came, as the JSON of a point: for the quarantine. */

import { writeBigJson } from '../core/big-json.js'
import { decodeId, ID_WORDS, type PointColumns, type TextColumn, UNNAMED_VECTOR } from '../core/point.js'
import { splitTextId } from '../core/text-ids.js'
import type { Flaws } from './flaws.js'
import { sparseAt } from './sparse-column.js'
import type { InspectedColumn } from './vector-facts.js'
import { floatsJson } from './vector-text.js'

/** Reads the payload text of each row; '' without one. */
export function payloadReader(payloads: TextColumn | null): (row: number) => string {
  if (!payloads) return () => ''
  const { bytes, offsets } = payloads
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  return (row) => buffer.toString('utf8', offsets[row], offsets[row + 1])
}

export function recordText(
  columns: PointColumns,
  inspected: readonly InspectedColumn[],
  flaws: Pick<Flaws, 'leftOutOf'>,
  row: number,
): string {
  const { textId, payload } = splitTextId(payloadReader(columns.payloads)(row))
  const vectors = new Map<string, string>()
  for (const column of inspected) {
    const position = column.positionOf(row)
    if (position >= 0) vectors.set(column.name, vectorText(column, position))
  }
  for (const { name, vector } of flaws.leftOutOf(row)) vectors.set(name, vector)
  const id = writeBigJson(textId ?? decodeId(columns.ids, row * ID_WORDS))
  return `{"id":${id},"vector":${vectorsText(vectors)}${payload === '' ? '' : `,"payload":${payload}`}}`
}

function vectorsText(vectors: ReadonlyMap<string, string>): string {
  const unnamed = vectors.get(UNNAMED_VECTOR)
  if (unnamed !== undefined && vectors.size === 1) return unnamed
  return `{${Array.from(vectors, ([name, text]) => `${JSON.stringify(name)}:${text}`).join(',')}}`
}

function vectorText(inspected: InspectedColumn, position: number): string {
  const { column } = inspected
  if (column.sparse) {
    const { indices, values } = sparseAt(column, position)
    return `{"indices":${JSON.stringify(Array.from(indices))},"values":${floatsJson(values as Float32Array)}}`
  }
  const parts = inspected.indicesAt(position).map((index) => floatsJson(inspected.original(index)))
  return column.counts ? `[${parts.join(',')}]` : (parts[0] as string)
}
