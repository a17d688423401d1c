/**
 * Cleans a batch by the rules of its collection: each rule looks at the rows that no rule before it has refused. A row
 * is changed only once no rule refuses it, so that the quarantine gets rows as they were sent.
 */
import { addCount, FLAGS_KEY, INVALID, type IngestionRule } from '../core/ingestion-rules.js'
import type { PointColumns } from '../core/point.js'
import type { Schema } from '../core/schema.js'
import { joinTextId, splitTextId } from '../core/text-ids.js'
import { parsePayload, writePayload } from '../filter/payload-json.js'
import type { Breach, CheckedBatch } from './checked-batch.js'
import { checkOf, unstorable } from './checks.js'
import type { Flaws, RefusedRow } from './flaws.js'
import { takeRows, withoutVectors } from './kept-rows.js'
import { TextColumnBuilder } from './payload-text.js'
import type { RecentRows } from './recent-rows.js'
import { payloadReader, recordText } from './record-text.js'
import { InspectedColumn } from './vector-facts.js'

export interface CleaningCounts {
  fixed: number
  flagged: number
  /** Rows by the name of each rule that they broke. */
  byRule: Record<string, number>
}

export interface CleanedRows {
  /** The rows that stay. */
  columns: PointColumns
  /** Their places in the batch; null if all stay. */
  kept: Uint32Array | null
  /** In order. */
  refused: RefusedRow[]
  /** Counts of the rules, for the rows of the batch that are to be counted. */
  countsOf(isCounted: (row: number) => boolean): CleaningCounts
}

/** The facts that rules look up besides the batch. */
export interface CleaningContext extends Pick<CheckedBatch, 'numberOf' | 'nearest'> {
  /** Rows of the source before the batch. They are noted. */
  recent: RecentRows
}

export async function cleanRows(
  columns: PointColumns,
  flaws: Flaws,
  schema: Schema,
  context: CleaningContext,
): Promise<CleanedRows> {
  const rules = (schema.ingestion?.rules ?? []).filter(
    ({ vector }) => vector === undefined || schema.some(({ name }) => name === vector),
  )
  const cleaning = new Cleaning(columns, flaws, schema, context)
  await cleaning.inspect(rules)
  for (const rule of rules) await cleaning.apply(rule)
  return cleaning.finish()
}

class Cleaning {
  readonly #columns: PointColumns
  readonly #flaws: Flaws
  readonly #schema: Schema
  readonly #context: CleaningContext
  readonly #refused = new Map<number, RefusedRow>()
  readonly #flags = new Map<number, string[]>()
  readonly #fixed = new Set<number>()
  readonly #unmended: { rule: IngestionRule; breach: Breach }[] = []
  readonly #byRule = new Map<string, number[]>()
  /** True if a rule decides on rows without any vector. */
  #judgesBare = false
  #batch: CheckedBatch | null = null

  constructor(columns: PointColumns, flaws: Flaws, schema: Schema, context: CleaningContext) {
    this.#columns = columns
    this.#flaws = flaws
    this.#schema = schema
    this.#context = context
    for (const [row, error] of flaws.refused) this.#refuse({ row, error })
  }

  async inspect(rules: readonly IngestionRule[]): Promise<void> {
    const hashed = rules.filter(({ check }) => check === 'duplicate')
    const inspected: InspectedColumn[] = []
    for (const column of this.#columns.vectors) {
      const schema = this.#schema.find(({ name }) => name === column.name) as Schema[number]
      const withHashes = hashed.some(({ vector }) => vector === undefined || vector === column.name)
      const found = await InspectedColumn.of(column, schema, withHashes)
      const { recent, numberOf } = this.#context
      if (withHashes) found.findRepeated((hash, row) => recent.note(column.name, hash, numberOf(row)))
      inspected.push(found)
    }
    this.#batch = {
      ...this.#context,
      schema: this.#schema,
      columns: this.#columns,
      leftOut: this.#flaws.leftOut,
      inspected,
      textOf: payloadReader(this.#columns.payloads),
      texts: new Map(),
      isOpen: (row) => !this.#refused.has(row),
    }
  }

  get #checked(): CheckedBatch {
    return this.#batch as CheckedBatch
  }

  async apply(rule: IngestionRule): Promise<void> {
    if (rule.check === 'missing') this.#judgesBare = true
    const told = new Set<number>()
    for await (const breach of checkOf(rule)(rule, this.#checked)) {
      const { row } = breach
      if (this.#refused.has(row) || !this.#act(rule, breach) || told.has(row)) continue
      told.add(row)
      this.#count(rule.name as string, row)
    }
  }

  /** False of a fix that does not mend: then the rules after it see the row, and it is refused unless one of them mends it. */
  #act(rule: IngestionRule, breach: Breach): boolean {
    const { row, error } = breach
    switch (rule.action) {
      case 'fix':
        if (!breach.mend(rule.fix ?? 'drop')) {
          this.#unmended.push({ rule, breach })
          return false
        }
        this.#fixed.add(row)
        return true
      case 'flag':
        this.#flags.set(row, [...(this.#flags.get(row) ?? []), rule.name as string])
        return true
      case 'quarantine': {
        const record = recordText(this.#columns, this.#checked.inspected, this.#flaws, row)
        this.#refused.set(row, { row, error, rule, record })
        return true
      }
      case 'reject':
        this.#refused.set(row, { row, error, rule })
        return true
    }
  }

  /** A row that is no point of the collection, whatever its rules. */
  #refuse(refused: RefusedRow): void {
    if (this.#refused.has(refused.row)) return
    this.#refused.set(refused.row, refused)
    this.#count(INVALID, refused.row)
  }

  #count(name: string, row: number): void {
    const rows = this.#byRule.get(name)
    if (rows) rows.push(row)
    else this.#byRule.set(name, [row])
  }

  #countsOf(isCounted: (row: number) => boolean): CleaningCounts {
    const stored = (row: number) => !this.#refused.has(row) && isCounted(row)
    const byRule: Record<string, number> = {}
    for (const [name, rows] of this.#byRule) addCount(byRule, name, countOf(rows, isCounted))
    return { fixed: countOf(this.#fixed, stored), flagged: countOf(this.#flags.keys(), stored), byRule }
  }

  finish(): CleanedRows {
    const batch = this.#checked
    for (const { rule, breach } of this.#unmended) {
      const { row, error } = breach
      if (this.#refused.has(row) || !breach.remains()) continue
      this.#refused.set(row, { row, error, rule })
      this.#count(rule.name as string, row)
    }
    for (const refused of unstorable(batch)) this.#refuse(refused)
    if (!this.#judgesBare) for (const [row, error] of this.#flaws.bare) this.#refuse({ row, error })
    const refused = [...this.#refused.values()].sort((a, b) => a.row - b.row)
    const mended = this.#mended(batch)
    const countsOf = (isCounted: (row: number) => boolean) => this.#countsOf(isCounted)
    if (refused.length === 0) return { columns: mended, kept: null, refused, countsOf }
    const kept = new Uint32Array(mended.count - refused.length)
    for (let row = 0, at = 0; row < mended.count; row++) if (!this.#refused.has(row)) kept[at++] = row
    return { columns: takeRows(mended, kept), kept, refused, countsOf }
  }

  #mended({ inspected, texts, textOf }: CheckedBatch): PointColumns {
    const columns = this.#columns
    const vectors = inspected.flatMap(({ column, dropped }) =>
      dropped.size === 0 ? [column] : (withoutVectors(column, dropped, columns.count) ?? []),
    )
    for (const [row, names] of this.#flags) {
      if (!this.#refused.has(row)) texts.set(row, flagged(texts.get(row) ?? textOf(row), names))
    }
    return { ...columns, vectors, payloads: texts.size === 0 ? columns.payloads : this.#withTexts(texts) }
  }

  #withTexts(texts: ReadonlyMap<number, string>): PointColumns['payloads'] {
    const { count } = this.#columns
    const builder = new TextColumnBuilder(count)
    for (let row = 0; row < count; row++) builder.push(texts.get(row) ?? this.#checked.textOf(row))
    return builder.finish()
  }
}

function countOf(rows: Iterable<number>, isCounted: (row: number) => boolean): number {
  let count = 0
  for (const row of rows) if (isCounted(row)) count++
  return count
}

/** The stored text with these names of rules added to the names under FLAGS_KEY. */
function flagged(stored: string, names: readonly string[]): string {
  const { textId, payload } = splitTextId(stored)
  const value = payload === '' ? {} : parsePayload(payload)
  const before = value[FLAGS_KEY]
  const all = new Set([...(Array.isArray(before) ? before : []), ...names])
  return joinTextId(textId, writePayload({ ...value, [FLAGS_KEY]: [...all] }))
}
