/** A refused row as a person finds it again: its place in the file, its id, its beginning, and the cause. */
import { writeJson } from './exact-json'
import { causeOf } from './json-fault'
import { type Mapping, plain } from './mapping'
import type { Row } from './row'

/** Characters of a row that are shown. */
const CHARS = 200

export interface RefusedRow {
  /** Of the file, from 1; undefined where rows are not lines. */
  line?: number
  /** As JSON; undefined where it has none. */
  id?: string
  /** How the row begins. */
  text: string
  /** Why it is no JSON; undefined where it is some. */
  cause?: string
}

export function refusedRow(row: Row, { asPoints, id }: Mapping): RefusedRow {
  const { value, line } = row
  const text = row.text ?? (value === null ? '' : writeJson(value, plain))
  const own = value?.[asPoints ? 'id' : (id ?? 'id')]
  const cause = value === null && row.text !== undefined ? causeOf(row.text) : undefined
  return {
    ...(line === undefined ? {} : { line }),
    ...(own === undefined || own === null ? {} : { id: cut(writeJson(own, plain)) }),
    text: cut(text),
    ...(cause === undefined ? {} : { cause }),
  }
}

function cut(text: string): string {
  return text.length <= CHARS ? text : `${text.slice(0, CHARS - 1)}…`
}
