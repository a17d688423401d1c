import { isInteger, parse as parseWithBigInts, stringify as stringifyWithBigInts } from 'lossless-json'

/** Only a number this long may need a bigint; other texts take the fast path. */
const LONG_NUMBER = /\d{16}/

/** Parses JSON. Integers that a double cannot hold become bigints. */
export function parseBigJson(text: string): unknown {
  if (!LONG_NUMBER.test(text)) return JSON.parse(text)
  return parseWithBigInts(text, null, (digits) => {
    const number = Number(digits)
    return isInteger(digits) && !Number.isSafeInteger(number) ? BigInt(digits) : number
  })
}

/** The JSON text of a value that may contain bigints. */
export function writeBigJson(value: unknown): string {
  return stringifyWithBigInts(value) as string
}
