/** Plans the write of a batch of a stream, in which some rows may be no points of the collection. */
import { rowsAt } from '../../core/column-rows.js'
import type { Cleaning, RejectedRow } from '../../core/ingest.js'
import { addCount, INVALID } from '../../core/ingestion-rules.js'
import type { PointColumns } from '../../core/point.js'
import { isSparse, type Schema } from '../../core/schema.js'
import type { CleaningCounts } from '../../ingest/cleaning.js'
import { keepLast, takeRows } from '../../ingest/kept-rows.js'
import { type KeptRows, RecentRows } from '../../ingest/recent-rows.js'
import { gap, type IngestBatch, type IngestShape, type WrittenBatch } from '../../intake/ingestion.js'
import type { LogRecord } from '../../log/record.js'
import { toldRow } from './cleaned-upsert.js'
import type { CollectionEngine } from './collection-engine.js'
import type { PlanContext } from './collection-view.js'
import { GivenRows, toColumns } from './given-columns.js'
import { nearestIn } from './nearest-points.js'
import type { Planned } from './passed-write.js'
import type { WritePlan } from './plans.js'
import { putAside } from './quarantine.js'
import type { Sources } from './sources.js'
import { hasUnnamed, withKeptNames, withSharedNames } from './text-names.js'

/** The rows of a batch that the collection takes. */
interface Taken {
  schema: Schema
  columns: PointColumns
  /** For each of them its row in the source. */
  rows: readonly number[]
  refused: readonly RejectedRow[]
  /** Counts of the rules, for the rows of the source from this one on. */
  countsFrom(first: number): CleaningCounts
  recent: KeptRows | null
  /** Its first row that was judged: those before it were stored. */
  first: number
}

/** Resolves to the verdicts on rows of a source, from this one on, that are in the quarantine. */
type ReadVerdicts = (source: string, from: number) => Promise<IngestBatch['verdicts']>

export class IngestPlan implements Planned {
  readonly #batch: IngestBatch
  readonly #sources: Sources
  readonly #verdicts: ReadVerdicts
  #taken: Taken | null = null
  #accepted = 0
  /** Rows before this one are those of another stream of the source, which counts them. */
  #first = 0

  constructor(batch: IngestBatch, sources: Sources, verdicts: ReadVerdicts) {
    this.#batch = batch
    this.#sources = sources
    this.#verdicts = verdicts
  }

  /**
   * Runs the planning and the write in the turn of the source. Rows are judged by the rows before them, so no other
   * stream of the source may store any meanwhile.
   */
  readonly inTurn = async <T>(work: () => Promise<T>): Promise<T> => {
    const { source } = this.#batch
    return source === null ? await work() : await this.#sources.inTurn(source, work)
  }

  /** Once it is written. */
  get written(): WrittenBatch {
    const { schema, refused, countsFrom, recent } = this.#taken as Taken
    const counts = schema.ingestion ? countsFrom(this.#first) : null
    return { accepted: this.#accepted, refused: refused.filter(({ row }) => row >= this.#first), counts, recent }
  }

  /** Counts of the rules, once it is written; null without rules. */
  get cleaning(): Omit<Cleaning, 'errors'> | null {
    const { accepted, refused, counts } = this.written
    if (!counts) return null
    const quarantined = refused.filter(({ action }) => action === 'quarantine').length
    return { accepted, rejected: refused.length - quarantined, quarantined, ...counts }
  }

  /** Again if vectors were added or dropped before its turn came. */
  readonly plan = async (context: PlanContext): Promise<WritePlan> => {
    const { schema, shard } = context
    const first = this.#firstNew()
    if (this.#taken?.schema !== schema || this.#taken.first !== first) this.#taken = await this.#take(context, first)
    const { columns, rows } = this.#taken
    const whole = this.#distinct(columns, schema)
    const isNamed = schema.textIds === true && hasUnnamed(columns)
    const resolve = async (): Promise<LogRecord | null> => {
      const behind = this.#rowsBehind(rows)
      if (behind === null) return null
      this.#accepted = rows.length - behind
      const kept = behind === 0 ? whole : this.#distinct(withoutFirst(columns, behind), schema)
      return this.#recordOf(isNamed ? await withKeptNames(kept, shard) : kept)
    }
    return { needsState: isNamed, resolve }
  }

  /** The first row of the batch that no stream of the source has stored. */
  #firstNew(): number {
    const { source, from } = this.#batch
    if (source === null) return from
    const stored = this.#sources.given(source)
    if (from > stored) throw gap(source, from, stored)
    return stored
  }

  /** The verdicts of the stream's beginning, with those of a batch that was lost since. */
  async #verdictsFrom(first: number): Promise<IngestBatch['verdicts']> {
    const { source, verdicts } = this.#batch
    if (source === null || !this.#sources.hasPutAside(source, first)) return verdicts
    return new Map([...verdicts, ...(await this.#verdicts(source, first))])
  }

  /** Rows for the quarantine are there when it resolves: before the others are in the log. */
  async #take(context: PlanContext, first: number): Promise<Taken> {
    const { source, to, unread } = this.#batch
    const { schema } = context
    const verdicts = await this.#verdictsFrom(first)
    const isNew = (row: number) => row >= first && !verdicts.has(row)
    const points = chosen(this.#batch.points, (at) => isNew(this.#batch.rows[at] as number))
    const rows = this.#batch.rows.filter(isNew)
    const known = [...this.#batch.rows.flatMap((row) => verdicts.get(row) ?? []), ...unread]
    const numberOf = (row: number) => rows[row] as number
    const recent = this.#recent()
    const given = new GivenRows(points, schema, toColumns)
    const { columns, kept, refused, countsOf } = await given.cleaned(context, {
      numberOf,
      recent,
      nearest: nearestIn(context),
    })
    const aside = refused.filter(({ record }) => record !== undefined)
    if (aside.length > 0) {
      if (source !== null) this.#sources.notePutAside(source, to)
      const quarantine = () => context.quarantine(schema.ingestion?.quarantine as string)
      await putAside(quarantine, { collection: context.collection, rows: aside, source, numberOf })
    }
    return {
      schema,
      columns,
      rows: kept ? Array.from(kept, numberOf) : rows,
      refused: [...known, ...refused.map((row) => toldRow(row, numberOf(row.row)))].sort((a, b) => a.row - b.row),
      countsFrom(from) {
        const counts = countsOf((row) => numberOf(row) >= from)
        for (const { row, rule = INVALID } of known) if (row >= from) addCount(counts.byRule, rule, 1)
        return counts
      },
      recent: recent.kept(schema.ingestion?.rules ?? [], to),
      first,
    }
  }

  /** Of a source whose rows were forgotten for the sake of others, the stream itself has those of its last batch. */
  #recent(): RecentRows {
    const { source, from, recent } = this.#batch
    return (source === null ? null : this.#sources.recent(source)) ?? new RecentRows(recent, from)
  }

  #distinct(columns: PointColumns, { textIds }: Schema): PointColumns {
    return keepLast(textIds ? withSharedNames(columns) : columns)
  }

  /**
   * How many rows another stream of the same source has stored since this one began; null: all. It is asked in the
   * write's turn, so that two streams of one source store each row once.
   */
  #rowsBehind(rows: readonly number[]): number | null {
    const { source, to } = this.#batch
    if (source === null) return 0
    const stored = this.#firstNew()
    this.#first = stored
    if (to <= stored) return null
    const first = rows.findIndex((row) => row >= stored)
    return first < 0 ? rows.length : first
  }

  #recordOf(columns: PointColumns): LogRecord | null {
    const { source, to } = this.#batch
    if (source !== null) {
      const recent = this.#taken?.recent
      return { op: 'upsert', columns, source: { name: source, position: to, ...(recent ? { recent } : {}) } }
    }
    return columns.count === 0 ? null : { op: 'upsert', columns }
  }
}

/** The points that are chosen by their place in the batch. */
function chosen(points: IngestBatch['points'], isChosen: (at: number) => boolean): IngestBatch['points'] {
  if (!('ids' in points)) return points.filter((_, at) => isChosen(at))
  const places: number[] = []
  for (let at = 0; at < points.ids.length; at++) if (isChosen(at)) places.push(at)
  return places.length === points.ids.length ? points : rowsAt(points, places)
}

function withoutFirst(columns: PointColumns, count: number): PointColumns {
  return takeRows(
    columns,
    Uint32Array.from({ length: columns.count - count }, (_, row) => row + count),
  )
}

/** The facts of an open collection by which streams are read and cut. */
export function ingestShapeOf({ schema, strictMode, config }: OfEngine): IngestShape {
  return {
    vectors: schema.map(({ name }) => name),
    sizes: new Map(config.ids === 'text' ? [] : sizesOf(schema)),
    mostPoints: strictMode?.config.upsertMaxBatchsize,
    hasRules: config.ingestion !== undefined,
    textIds: config.ids === 'text',
  }
}

function sizesOf(schema: Schema): [name: string, size: number][] {
  return schema.flatMap((vector) => {
    if (isSparse(vector) || vector.multivectorConfig) return []
    return [[vector.name, vector.size] as [string, number]]
  })
}

type OfEngine = Pick<CollectionEngine, 'schema' | 'strictMode' | 'config'>
