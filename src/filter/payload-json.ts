import { isInteger, parse as parseWithBigInts, stringify as stringifyWithBigInts } from 'lossless-json'
import type { Payload } from '../core/point.js'

/** Only a number this long may need a bigint; all other texts take the fast path. */
const LONG_NUMBER = /\d{16}/

/** The payload of a stored text (empty: none). Integers that a double cannot hold come as bigints. */
export function parsePayload(text: string): Payload {
  if (text === '') return {}
  if (!LONG_NUMBER.test(text)) return JSON.parse(text) as Payload
  return parseWithBigInts(text, null, (digits) => {
    const number = Number(digits)
    return isInteger(digits) && !Number.isSafeInteger(number) ? BigInt(digits) : number
  }) as Payload
}

/** The text of a payload that may hold bigints. */
export function writePayload(payload: Payload): string {
  return stringifyWithBigInts(payload) as string
}
