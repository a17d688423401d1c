import { createHash } from 'node:crypto'

/** SHA-256 of a name that must stay private, or of a file, in hexadecimal digits. */
export function digestOf(content: string | Uint8Array): string {
  return createHash('sha256').update(content).digest('hex')
}
