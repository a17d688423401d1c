import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as arrow from 'apache-arrow'
import { fileWriter, ParquetWriter } from 'hyparquet-writer'
import { onTestFinished } from 'vitest'
import { VicinalError } from '../../../src/core/errors.js'
import type { Point } from '../../../src/core/point.js'
import { type Format, openSource } from '../../../src/import/formats.js'
import { type RowChoice, type SourceRows, START } from '../../../src/import/source.js'
import { randomNumbers } from '../native/shard-data.js'

// Files of every format with the same rows, written by other libraries where possible.

export const DIM = 4

export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'vicinal-import-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** Numbers that float16 holds exactly, so that every format must return the same ones. */
export function vectorOf(row: number): number[] {
  return Array.from({ length: DIM }, (_, i) => row + i / 4)
}

export const rowsFrom = (first: number, count: number): number[] => Array.from({ length: count }, (_, i) => first + i)

const LIST = [
  { name: 'vector', repetition_type: 'OPTIONAL', num_children: 1, converted_type: 'LIST' },
  { name: 'list', repetition_type: 'REPEATED', num_children: 1 },
] as const

const ELEMENTS = {
  float16: { name: 'element', type: 'FIXED_LEN_BYTE_ARRAY', type_length: 2, logical_type: { type: 'FLOAT16' } },
  float32: { name: 'element', type: 'FLOAT' },
  float64: { name: 'element', type: 'DOUBLE' },
} as const

export interface ParquetColumns {
  ids?: (number | bigint | string)[]
  vectors?: (number[] | null)[]
  kind?: keyof typeof ELEMENTS
  idType?: 'INT64' | 'STRING'
}

export function writeParquet(path: string, rows: number, rowGroup: number, columns: ParquetColumns = {}): void {
  const idElement =
    columns.idType === 'STRING'
      ? { name: 'id', type: 'BYTE_ARRAY', converted_type: 'UTF8', repetition_type: 'OPTIONAL' }
      : { name: 'id', type: 'INT64', repetition_type: 'OPTIONAL' }
  const schema = [
    { name: 'root', num_children: 3 },
    idElement,
    ...LIST,
    { ...ELEMENTS[columns.kind ?? 'float32'], repetition_type: 'OPTIONAL' },
    { name: 'text', type: 'BYTE_ARRAY', converted_type: 'UTF8', repetition_type: 'OPTIONAL' },
  ]
  const writer = new ParquetWriter({ writer: fileWriter(path), schema: schema as never, codec: 'SNAPPY' })
  const all = rowsFrom(0, rows)
  for (let first = 0; first < rows; first += rowGroup) {
    const part = all.slice(first, first + rowGroup)
    void writer.write({
      columnData: [
        { name: 'id', data: part.map((row) => columns.ids?.[row] ?? BigInt(row)) },
        { name: 'vector', data: part.map((row) => (columns.vectors ? columns.vectors[row] : vectorOf(row))) },
        { name: 'text', data: part.map((row) => `row ${row}`) },
      ],
      rowGroupSize: rowGroup,
    })
  }
  void writer.finish()
}

export function arrowTable(rows: number, batchRows: number, item: arrow.Float = new arrow.Float32()): arrow.Table {
  const list = new arrow.FixedSizeList(DIM, new arrow.Field('item', item, true))
  const schema = new arrow.Schema([
    new arrow.Field('id', new arrow.Uint64(), false),
    new arrow.Field('vector', list, true),
    new arrow.Field('text', new arrow.Utf8(), true),
  ])
  const batches = []
  for (let first = 0; first < rows; first += batchRows) {
    const part = rowsFrom(first, Math.min(batchRows, rows - first))
    const children = [
      arrow.vectorFromArray(part.map(BigInt), new arrow.Uint64()).data[0],
      arrow.vectorFromArray(part.map(vectorOf), list).data[0],
      arrow.vectorFromArray(
        part.map((row) => `row ${row}`),
        new arrow.Utf8(),
      ).data[0],
    ] as arrow.Data[]
    const struct = arrow.makeData({ type: new arrow.Struct(schema.fields), length: part.length, children })
    batches.push(new arrow.RecordBatch(schema, struct))
  }
  return new arrow.Table(schema, batches)
}

export function writeJsonLines(path: string, rows: number): void {
  const lines = rowsFrom(0, rows).map((row) => JSON.stringify({ id: row, vector: vectorOf(row), text: `row ${row}` }))
  writeFileSync(path, `${lines.join('\n')}\n`)
}

export function writeNpy(path: string, rows: number, type: '<f4' | '<f8' = '<f4'): void {
  const header = `{'descr': '${type}', 'fortran_order': False, 'shape': (${rows}, ${DIM}), }`.padEnd(117, ' ')
  const preamble = Buffer.from('\x93NUMPY\x01\x00\x76\x00', 'latin1')
  const numbers = rowsFrom(0, rows).flatMap(vectorOf)
  const body = type === '<f4' ? Float32Array.from(numbers) : Float64Array.from(numbers)
  writeFileSync(path, Buffer.concat([preamble, Buffer.from(`${header}\n`), Buffer.from(body.buffer)]))
}

export function writeFbin(path: string, rows: number): void {
  const body = Float32Array.from(rowsFrom(0, rows).flatMap(vectorOf))
  writeFileSync(path, Buffer.concat([Buffer.from(Uint32Array.of(rows, DIM).buffer), Buffer.from(body.buffer)]))
}

/** Random vectors, the same in every run. */
export function writeRandomFbin(path: string, rows: number, dim: number): void {
  const random = randomNumbers(rows)
  const body = Float32Array.from({ length: rows * dim }, () => random() - 0.5)
  writeFileSync(path, Buffer.concat([Buffer.from(Uint32Array.of(rows, dim).buffer), Buffer.from(body.buffer)]))
}

export function writeFvecs(path: string, rows: number): void {
  const parts = rowsFrom(0, rows).flatMap((row) => [
    Buffer.from(Int32Array.of(DIM).buffer),
    Buffer.from(Float32Array.from(vectorOf(row)).buffer),
  ])
  writeFileSync(path, Buffer.concat(parts))
}

export const WHOLE: RowChoice = { id: 'id', vectors: [['', 'vector']], isPoints: false }

/** Everything that a reader yields from a cursor on. */
export async function readAll(path: string, format: Format, choice = WHOLE, from = START): Promise<SourceRows[]> {
  const source = await openSource(path, format)
  try {
    const batches: SourceRows[] = []
    for await (const batch of source.rows(choice, from)) batches.push(batch)
    return batches
  } finally {
    await source.close()
  }
}

/** The points that were read; a row that is none is its error. */
export function pointsOf(batches: readonly SourceRows[]): (Point<unknown> | VicinalError)[] {
  const rows = batches.flatMap((batch) => batch.rows.filter((row) => row !== null))
  return rows.map((row) => ('error' in row ? row.error : row.point))
}

export const floatsOf = (batches: readonly SourceRows[], name = ''): number[] =>
  pointsOf(batches).flatMap((point) => {
    if (point instanceof VicinalError) throw point
    return Array.from((point.vector as Record<string, Float32Array>)[name] ?? [])
  })
