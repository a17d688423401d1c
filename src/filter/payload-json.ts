import { parseBigJson, writeBigJson } from '../core/big-json.js'
import type { Payload } from '../core/point.js'

/** The payload of a stored text (empty: none). Integers that a double cannot hold come as bigints. */
export function parsePayload(text: string): Payload {
  return text === '' ? {} : (parseBigJson(text) as Payload)
}

/** The text of a payload that may hold bigints. */
export function writePayload(payload: Payload): string {
  return writeBigJson(payload)
}
