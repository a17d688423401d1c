import { createHash } from 'node:crypto'

/** Of a name that is not to be told. */
export function digestOf(name: string): string {
  return createHash('sha256').update(name).digest('hex')
}
