import { parseBigJson, writeBigJson } from '../core/big-json.js'
import type { Payload } from '../core/point.js'

/** Parses a stored payload; the empty text means none. Integers that a double cannot hold become bigints. */
export function parsePayload(text: string): Payload {
  return text === '' ? {} : (parseBigJson(text) as Payload)
}

/** The text of a payload that may contain bigints. */
export function writePayload(payload: Payload): string {
  return writeBigJson(payload)
}
