/** JSON of points. Integers that a double cannot hold are bigints: ids and payloads come back as they were stored. */
import { isInteger, parse, stringify } from 'lossless-json'

/** Only an integer this long may need a bigint. The digits of a fraction do not: vectors take the fast path. */
const LONG_INTEGER = /(?<![\d.])\d{16}/

export function readJson(text: string): unknown {
  if (!LONG_INTEGER.test(text)) return JSON.parse(text)
  return parse(text, null, { parseNumber: numberOf, onDuplicateKey: ({ newValue }) => newValue })
}

/** The service holds integers of 64 bits. Longer ones are floats that were written without an exponent. */
function numberOf(digits: string): number | bigint {
  const number = Number(digits)
  if (!isInteger(digits) || Number.isSafeInteger(number)) return number
  const integer = BigInt(digits)
  return BigInt.asUintN(64, integer) === integer || BigInt.asIntN(64, integer) === integer ? integer : number
}

type Replacer = (key: string, value: unknown) => unknown

/** The text of a value that may contain bigints. JSON.stringify is several times as fast, and refuses them. */
export function writeJson(value: unknown, replacer: Replacer | null = null, space = 0): string {
  try {
    return JSON.stringify(value, replacer as Replacer, space)
  } catch {
    return stringify(value, replacer, space) as string
  }
}

/** Whether two values have the same text. */
export function isSame(a: unknown, b: unknown): boolean {
  return writeJson(a) === writeJson(b)
}
