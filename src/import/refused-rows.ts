import { closeSync, fstatSync, ftruncateSync, openSync, writeSync } from 'node:fs'
import { resolve } from 'node:path'
import { writeBigJson } from '../core/big-json.js'
import { VicinalError } from '../core/errors.js'
import { RawJson } from '../core/point.js'
import type { Mapping } from './mapping.js'

/** The treatment of rows that are no points of the collection. */
export const ON_ERROR = ['stop', 'skip', 'quarantine'] as const
export type OnError = (typeof ON_ERROR)[number]

/** A row that was refused: one line of the file of errors. */
export interface RefusedRow {
  file: string
  /** Number of the row in its file, from 0. */
  row: number
  /** null: the row as a whole. */
  column: string | null
  code: string
  reason: string
  /** As it came; null if it could not be read. */
  record: unknown
}

const MOST_REASONS = 20

/** The refused rows before a place of an import, from which a later run goes on. */
export interface ToldRows {
  count: number
  reasons: readonly (readonly [reason: string, count: number])[]
  /** The file of errors, and how many bytes of it tell of them; null without one. */
  file: string | null
  bytes: number
}

export const NONE_TOLD: ToldRows = { count: 0, reasons: [], file: null, bytes: 0 }

/** Counts refused rows by their reasons, and writes each to the file of errors. */
export class RefusedRows {
  #count = 0
  readonly #path: string | undefined
  #file: number | null = null
  #bytes = 0
  #reasons = new Map<string, number>()

  constructor(path: string | undefined) {
    this.#path = path
  }

  get count(): number {
    return this.#count
  }

  /**
   * Before the first row is read, so that a wrong path is told at once. `before`: rows of an earlier run, which goes on.
   * Lines of rows behind them are cut off: they are read again.
   */
  open(before: ToldRows | null): void {
    const { count, reasons, file, bytes } = before ?? NONE_TOLD
    this.#count = count
    this.#reasons = new Map(reasons)
    if (this.#path === undefined) return
    try {
      this.#file = openSync(this.#path, before ? 'a' : 'w', 0o600)
      const { size } = fstatSync(this.#file)
      const isSame = before !== null && file === resolve(this.#path) && bytes <= size
      if (isSame) ftruncateSync(this.#file, bytes)
      this.#bytes = isSame ? bytes : size
    } catch (cause) {
      throw new VicinalError('IO_FAILED', `--errors: ${(cause as Error).message}`, { cause })
    }
  }

  /** The rows so far. */
  told(): ToldRows {
    const file = this.#path === undefined ? null : resolve(this.#path)
    return { count: this.#count, reasons: [...this.#reasons], file, bytes: this.#bytes }
  }

  add(refused: RefusedRow): void {
    this.#count++
    const reason = reasonOf(refused)
    if (this.#reasons.size < MOST_REASONS || this.#reasons.has(reason)) {
      this.#reasons.set(reason, (this.#reasons.get(reason) ?? 0) + 1)
    }
    if (this.#file !== null) this.#write(Buffer.from(`${lineOf(refused)}\n`))
  }

  #write(line: Buffer): void {
    for (let at = 0; at < line.length; ) at += writeSync(this.#file as number, line, at)
    this.#bytes += line.length
  }

  /** Most frequent first. */
  lines(): string[] {
    const reasons = [...this.#reasons].sort(([, a], [, b]) => b - a)
    return reasons.map(([reason, count]) => `${count.toLocaleString('en').padStart(9)}  ${reason}`)
  }

  close(): void {
    if (this.#file !== null) closeSync(this.#file)
    this.#file = null
  }
}

/** The reason without the numbers that differ from row to row. */
function reasonOf({ column, code, reason }: RefusedRow): string {
  const text = reason
    .replaceAll(/\[\d+\]/g, '[…]')
    .replace(/, got .*$/s, '')
    .replace(/ at position \d+.*$/s, '')
  return `${column ?? 'row'}: ${code}: ${text}`
}

function lineOf(refused: RefusedRow): string {
  return writeBigJson({ ...refused, record: plain(refused.record) })
}

/** Vectors as arrays, and numbers that JSON lacks as texts. */
function plain(value: unknown): unknown {
  if (typeof value === 'number') return Number.isFinite(value) ? value : String(value)
  if (value === undefined) return null
  if (value === null || typeof value !== 'object') return value
  if (value instanceof RawJson) return plain(value.toJSON())
  if (ArrayBuffer.isView(value)) return Array.from(value as Float32Array, plain)
  if (Array.isArray(value)) return value.map(plain)
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, plain(one)]))
}

/** The column of the file in which an error's field lies. */
export function columnOf(field: unknown, { id, vectors, isPoints }: Mapping): string | null {
  if (typeof field !== 'string' || field === 'row') return null
  if (field === 'id') return id
  const place = field.replace(/\[.*$/, '')
  if (isPoints) return place
  const vector = vectors.find(
    ({ name, column }) => place === column || place === (name === '' ? 'vector' : `vector.${name}`),
  )
  if (vector) return vector.column
  return place.replace(/^payload\./, '').replace(/^vector\./, '')
}

/** An error of one row, as the user sees it: file, row and column first. */
export function stoppedBy({ file, row, column, code, reason }: RefusedRow): VicinalError {
  const where = column === null ? `row ${row}` : `row ${row}: column ${column}`
  return new VicinalError(code as VicinalError['code'], `${file}: ${where}: ${reason}`, { details: { row, column } })
}
