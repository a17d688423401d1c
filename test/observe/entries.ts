/** Lines of an audit log. */
import { readFileSync } from 'node:fs'

export interface Entry {
  time: string
  reqId: string
  subject: string
  action: string
  collection: string | null
  outcome: string
  status: number
  forwarded?: true
}

export const entriesOf = (file: string): Entry[] =>
  readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line))
