/** A refused row as a person finds it again: its place in the file, its id, its beginning, and the cause. */
import { writeJson } from './exact-json'
import { JsonTextError, parseText } from './json-text'
import { type Mapping, plain } from './mapping'
import type { Row } from './row-files'

/** Characters of a row that are shown. */
const CHARS = 200
/** A longer row that is no JSON keeps the words of the service. */
const MOST_PARSED_CHARS = 1024 * 1024

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

/** Why a text is no JSON, and where. The service tells the place alone: its answers and logs have nothing of the row. */
export function causeOf(text: string): string | undefined {
  if (text.length > MOST_PARSED_CHARS) return undefined
  try {
    parseText(text)
    return undefined
  } catch (error) {
    // A row that is nested too deep for this parser keeps the words of the service.
    if (!(error instanceof JsonTextError)) return undefined
    const isShort = error.at >= text.trimEnd().length
    const [expected = ''] = error.message.split(' before the end')
    return isShort ? `no JSON: it ends in the middle, ${expected}` : `no JSON at character ${error.at + 1}: ${expected}`
  }
}
