/** Lines of an audit log. */
import { readFileSync } from 'node:fs'
import type { AuditEntry } from '../../src/server/audit-log.js'

export type Entry = AuditEntry & { time: string }

export const entriesOf = (file: string): Entry[] =>
  readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line))
