/** Ids of requests. They are unique over threads and restarts, since each thread starts with its own random prefix. */
import { randomBytes } from 'node:crypto'

export const REQUEST_ID_HEADER = 'x-request-id'
const PREFIX_BYTES = 6
const BASE = 36

const prefix = randomBytes(PREFIX_BYTES).toString('hex')
let count = 0

export function nextRequestId(): string {
  return `${prefix}-${(++count).toString(BASE)}`
}
