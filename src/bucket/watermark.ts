import { invalid } from '../core/errors.js'
import { ALIASES, CATALOGUE } from './keys.js'

/** A batch of a group: the epoch of its owner, and its number in this epoch. */
export interface Watermark {
  epoch: number
  batch: number
}

/** The last batch, and the last one that changed the collections' names or the aliases. */
export interface Position extends Watermark {
  catalogueBatch: number
}

const NUMBER_BYTES = 8
const TEXT = /^(\d{1,15})\.(\d{1,15})$/

/** The text that callers get: opaque to them. */
export const watermarkText = ({ epoch, batch }: Watermark) => `${epoch}.${batch}`

/** Throws INVALID_ARGUMENT for a text that no store has given. */
export function parseWatermark(text: unknown, field = 'after'): Watermark {
  const found = typeof text === 'string' ? TEXT.exec(text) : null
  if (!found) throw invalid(field, 'expected the watermark of a write', text)
  return { epoch: Number(found[1]), batch: Number(found[2]) }
}

/** Whether `position` includes all up to `wanted`. A later owner has all acknowledged batches of earlier ones. */
export function hasReached(position: Watermark, wanted: Watermark): boolean {
  return position.epoch === wanted.epoch ? position.batch >= wanted.batch : position.epoch > wanted.epoch
}

export function encodePosition({ epoch, batch, catalogueBatch }: Position): Uint8Array {
  const value = Buffer.alloc(3 * NUMBER_BYTES)
  for (const [at, number] of [epoch, batch, catalogueBatch].entries())
    value.writeBigUInt64LE(BigInt(number), at * NUMBER_BYTES)
  return value
}

/** A store that was written before there were watermarks has none yet. */
export function decodePosition(value: Uint8Array | null): Position {
  if (value === null || value.byteLength < 3 * NUMBER_BYTES) return { epoch: 0, batch: 0, catalogueBatch: 0 }
  const numbers = Buffer.from(value.buffer, value.byteOffset, value.byteLength)
  const at = (i: number) => Number(numbers.readBigUInt64LE(i * NUMBER_BYTES))
  return { epoch: at(0), batch: at(1), catalogueBatch: at(2) }
}

/** Whether a key is one of the names of collections, or the aliases. */
export function isOfCatalogue(key: Uint8Array): boolean {
  return key[0] === CATALOGUE[0] || (key.length === ALIASES.length && key[0] === ALIASES[0])
}
