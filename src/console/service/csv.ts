/** CSV, read as texts that come piece by piece. The reader refuses rows whose cells cannot be told. */
import Papa from 'papaparse'
import { readJson } from './exact-json'
import type { Row } from './row'

/** Characters that one row may have: a quote that is never closed makes a row of the rest of the file. */
const MOST_ROW_CHARS = 16 * 1024 * 1024
/** Characters that tell which delimiter and line end the file has. */
const SAMPLE_CHARS = 64 * 1024

interface Parsed {
  data: string[][]
  errors: { code: string; row: number; message: string }[]
  meta: { cursor: number }
}

/** Rows of the file. Texts that are JSON (numbers, lists, true) are taken as such. */
export class CsvRows {
  #rest = ''
  #header: string[] | null = null
  #rows = 0
  #parser: Papa.Parser | null = null

  constructor(readonly name: string) {}

  /** The rows that end within the text so far. */
  take(text: string): Row[] {
    this.#rest += text
    const rows = this.#parse(true)
    if (this.#rest.length <= MOST_ROW_CHARS) return rows
    const most = MOST_ROW_CHARS.toLocaleString('en')
    throw new Error(`${this.name}, row ${this.#rows + 1}: it has more than ${most} characters; is a quote left open?`)
  }

  /** The rest. */
  end(): Row[] {
    return this.#rest === '' ? [] : this.#parse(false)
  }

  #parse(isMore: boolean): Row[] {
    if (this.#parser === null) {
      if (isMore && this.#rest.length < SAMPLE_CHARS) return []
      const { delimiter, linebreak } = Papa.parse(this.#rest.slice(0, SAMPLE_CHARS), { preview: 10 }).meta
      this.#parser = new Papa.Parser({ delimiter, newline: linebreak as '\n' })
    }
    const { data, errors, meta } = this.#parser.parse(this.#rest, 0, isMore) as Parsed
    this.#rest = isMore ? this.#rest.slice(meta.cursor) : ''
    const faults = new Map(errors.map(({ row, code, message }) => [row, faultOf(code, message)]))
    return data.flatMap((cells, at) => this.#row(cells, faults.get(at)) ?? [])
  }

  #row(cells: string[], fault: string | undefined): Row | null {
    if (cells.length === 1 && cells[0] === '') return null
    if (this.#header === null) {
      this.#header = namesOf(cells)
      return null
    }
    this.#rows++
    const names = this.#header
    if (fault !== undefined) return { value: null, fault }
    const isLonger = cells.length > names.length
    if (isLonger) return { value: null, fault: `expected ${names.length} cells, got ${cells.length}` }
    return { value: Object.fromEntries(names.map((name, at) => [name, cellOf(cells[at])])) }
  }
}

function faultOf(code: string, message: string): string {
  if (code === 'MissingQuotes') return 'a quote is not closed: the rest of the file is this row'
  return code === 'InvalidQuotes' ? 'a quote is followed by neither a delimiter nor the end of the line' : message
}

/** A name that stands twice gets a number, so that no column is lost. */
function namesOf(cells: readonly string[]): string[] {
  const names = new Set<string>()
  for (const cell of cells) {
    let name = cell
    for (let count = 2; names.has(name); count++) name = `${cell}_${count}`
    names.add(name)
  }
  return [...names]
}

function cellOf(text: string | undefined): unknown {
  if (text === undefined || text === '') return null
  if (!/^(-?\d|\[|\{|true$|false$|null$)/.test(text)) return text
  try {
    const value = readJson(text)
    // Digits that no number of the service holds are the name of something.
    const isRounded = typeof value === 'number' && /^-?\d+$/.test(text) && !Number.isSafeInteger(value)
    return isRounded ? text : value
  } catch {
    return text
  }
}
