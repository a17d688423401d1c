import { createHash } from 'node:crypto'

/** SHA-256 of a name that must stay private, in hexadecimal digits. */
export function digestOf(name: string): string {
  return createHash('sha256').update(name).digest('hex')
}
