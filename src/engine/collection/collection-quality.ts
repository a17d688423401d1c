/** Quality reports of one collection: at most one is made at a time in the process, and equal ones are shared. */
import { randomInt } from 'node:crypto'
import { parseBigJson, writeBigJson } from '../../core/big-json.js'
import { invalid } from '../../core/errors.js'
import { LIMITS } from '../../core/limits.js'
import type { MaybePromise } from '../../core/maybe-promise.js'
import { Mutex } from '../../core/mutex.js'
import type {
  NearDuplicatePairs,
  NeighbourOptions,
  NeighbourPage,
  PairsOptions,
  QualityOptions,
  QualityReference,
  QualityReport,
  RuleDay,
} from '../../core/quality.js'
import { isSparse, type Schema, type SchemaVector } from '../../core/schema.js'
import type { Stoppable } from '../../core/stop.js'
import { filterContext, parseFilter } from '../../filter/parse.js'
import type { Log } from '../../log/log.js'
import type { Shard } from '../../native/shard.js'
import { neighbourPage } from '../../quality/neighbour-page.js'
import { inOwnThread } from '../../quality/quality-thread.js'
import type { Asked, figuresOf } from '../../quality/report.js'
import { vectorIndex } from '../../query/search-settings.js'
import { type FileKind, readChecked, writeChecked } from '../../storage/checked-file.js'
import type { ManifestFile } from '../catalogue/manifest-file.js'
import { withRoom } from '../memory/memory-budget.js'
import type { CallScope } from './call-scope.js'
import type { CollectionHome } from './collection-home.js'
import type { CollectionView } from './collection-view.js'
import { SharedWork } from './shared-work.js'
import type { Sources } from './sources.js'

const KIND: FileKind = { magic: 'VICQUAL\n', formatVersion: 1, leastReader: 1, maxBytes: 16 * 1024 * 1024 }
const SEEDS = 2 ** 32
const DEFAULT_PAIRS = 100
const DEFAULT_PAIR_POINTS = 100_000
/** The thread, and squared distances of a sample, beside the samples. */
const FIXED_BYTES = 64 * 1024 * 1024

/** Reports of a process take turns, so that they leave the other cores to callers. */
const turns = new Mutex()

/** Work that is stopped while it waits for its turn ends at once: the turn of another may take long. */
function inTurn<T>(stop: Stoppable, work: () => Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const leave = () => reject(stop.reason)
    if (stop.isStopped) return leave()
    stop.onStop(leave)
    turns
      .run(async () => {
        stop.offStop(leave)
        if (!stop.isStopped) resolve(await work())
      })
      .catch(reject)
  })
}

/** The open collection. */
interface Engine {
  readonly view: CollectionView
  readonly shard: Shard
  readonly log: Pick<Log, 'lastSeq'>
  readonly sources: Sources
  read<T>(work: (view: CollectionView) => MaybePromise<T>): MaybePromise<T>
  checkWritable(): void
}

interface Parts {
  readonly engine: Engine
  readonly manifest: ManifestFile
  /** null in memory and for readers: then reports are kept as long as the collection is open. */
  readonly home: CollectionHome | null
}

type Figures = Awaited<ReturnType<typeof figuresOf>>

export class CollectionQuality {
  readonly #parts: Parts
  readonly #reports = new SharedWork<QualityReport>()
  readonly #pairs = new SharedWork<NearDuplicatePairs>()
  /** JSON texts: writing a text again takes a hundredth of the time of writing all that a report has. */
  #kept: Promise<string[]> | null = null

  constructor(parts: Parts) {
    this.#parts = parts
  }

  /** Calls at once with equal options get one report. */
  async report(options: QualityOptions, scope: Stoppable): Promise<QualityReport> {
    const { using, sample = LIMITS.qualityDefaultSample, seed, threshold = null } = options
    const { schema } = this.#parts.engine.view
    const vectors = using === undefined ? schema.map((_, at) => at) : [vectorIndex(using, schema)]
    const key = JSON.stringify([vectors, sample, seed, threshold])
    return await this.#reports.share(key, scope, (stop) => {
      const reference = this.#populations()
      const asked = { vectors, sample, seed: seed ?? randomInt(SEEDS - 1), threshold, reference }
      return inTurn(stop, () => this.#make(asked, stop))
    })
  }

  async #make(asked: Asked, stop: Stoppable): Promise<QualityReport> {
    const { engine } = this.#parts
    const startedMs = performance.now()
    const time = new Date().toISOString()
    const operationId = engine.log.lastSeq
    const reference = this.#parts.manifest.current.qualityReference
    const figures = await withRoom(bytesOf(asked, engine), stop, undefined, () =>
      engine.read(({ shard, config }) =>
        inOwnThread<Figures>({ kind: 'report', shard: shard.share(), config, asked }, stop.signal),
      ),
    )
    const report: QualityReport = {
      time,
      tookMs: Math.round(performance.now() - startedMs),
      points: engine.shard.stats().points,
      operationId,
      sample: asked.sample,
      seed: asked.seed,
      ...figures,
      ...(reference ? { reference } : {}),
      rules: this.#ruleDays,
    }
    await this.#keep(report)
    return report
  }

  /** The points of the reference, and all others. */
  #populations(): Asked['reference'] {
    const { engine, manifest } = this.#parts
    const { qualityReference: set } = manifest.current
    if (!set) return null
    if ('operationId' in set)
      return { reference: { throughSeq: set.operationId }, current: { afterSeq: set.operationId } }
    const child = parseFilter(set.filter, filterContext(engine.view.schema))
    return child ? { reference: { filter: child }, current: { filter: { op: 'not', child } } } : null
  }

  async pairs(options: PairsOptions, scope: Stoppable): Promise<NearDuplicatePairs> {
    const { using, threshold, limit = DEFAULT_PAIRS, maxPoints = DEFAULT_PAIR_POINTS } = options
    const { engine } = this.#parts
    const { schema } = engine.view
    const vector = oneRowVector(using, schema)
    const asked = { vector, threshold, limit, maxPoints }
    return await this.#pairs.share(JSON.stringify(asked), scope, (stop) =>
      inTurn(stop, () =>
        withRoom(FIXED_BYTES, stop, undefined, () =>
          engine.read(({ shard, config }) =>
            inOwnThread<NearDuplicatePairs>({ kind: 'pairs', shard: shard.share(), config, asked }, stop.signal),
          ),
        ),
      ),
    )
  }

  /** A page of neighbour lists: short, so that its JavaScript stays on this thread. */
  async neighbours(options: NeighbourOptions, scope: CallScope): Promise<NeighbourPage> {
    const { using, filter: given, ...asked } = options
    const operationId = this.#parts.engine.log.lastSeq
    return await this.#parts.engine.read(({ shard, schema }) => {
      const vector = oneRowVector(using, schema)
      const filter = given ? parseFilter(given, filterContext(schema)) : null
      return neighbourPage({ shard, schema, signal: scope.signal }, { ...asked, vector, operationId, filter })
    })
  }

  async history(): Promise<QualityReport[]> {
    return (await this.#load()).map((text) => parseBigJson(text) as QualityReport)
  }

  async setReference({ operationId, filter }: QualityReference): Promise<void> {
    const { engine, manifest } = this.#parts
    engine.checkWritable()
    if (filter && operationId !== undefined) {
      throw invalid('operationId', 'expected either an operation or a filter', operationId)
    }
    if (filter) parseFilter(filter, filterContext(engine.view.schema))
    const { lastSeq } = engine.log
    if (operationId !== undefined && operationId > lastSeq) {
      throw invalid('operationId', `expected an operation of the past, at most ${lastSeq}`, operationId)
    }
    await manifest.update({ qualityReference: filter ? { filter } : { operationId: operationId ?? lastSeq } })
  }

  async deleteReference(): Promise<boolean> {
    const { engine, manifest } = this.#parts
    engine.checkWritable()
    const isSet = Boolean(manifest.current.qualityReference)
    if (isSet) await manifest.update({ qualityReference: null })
    return isSet
  }

  /** Ends the work under way. */
  async stop(): Promise<void> {
    await Promise.all([this.#reports.stop(), this.#pairs.stop()])
  }

  /** A reader knows those of the manifest. */
  get #ruleDays(): RuleDay[] {
    const { engine, manifest } = this.#parts
    const { days } = engine.sources.ruleCounts
    const known = days.length > 0 ? days : (manifest.current.ruleCounts ?? [])
    return known.map((day) => ({ ...day, byRule: { ...day.byRule } }))
  }

  /** A report that cannot be kept is no failure of the call that asked for it. */
  async #keep(report: QualityReport): Promise<void> {
    const kept = await this.#load()
    kept.push(writeBigJson(report))
    kept.splice(0, kept.length - LIMITS.qualityReports)
    const { home } = this.#parts
    if (home) await writeChecked(home.disk, home.paths.quality, KIND, { reports: kept }).catch(() => undefined)
  }

  #load(): Promise<string[]> {
    this.#kept ??= this.#read()
    return this.#kept
  }

  /** A file that is missing or damaged counts as one without reports. */
  async #read(): Promise<string[]> {
    const { home } = this.#parts
    const body = home ? await readChecked(home.disk, home.paths.quality, KIND).catch(() => null) : null
    const reports = (body as { reports?: unknown } | null)?.reports
    return Array.isArray(reports) ? reports.filter((text) => typeof text === 'string') : []
  }
}

/** The index of a vector of which neighbours can be told. */
function oneRowVector(using: string | undefined, schema: Schema): number {
  const vector = vectorIndex(using, schema)
  const told = schema[vector] as SchemaVector
  if (isSparse(told) || told.multivectorConfig) {
    throw invalid('using', 'expected a vector with one row a point, neither sparse nor a multivector', using)
  }
  return vector
}

/** Bytes that a report takes at most. */
function bytesOf({ vectors, sample }: Asked, { view }: Engine): number {
  const largest = Math.max(0, ...vectors.map((vector) => view.schema[vector]?.size ?? 0))
  const bytes = largest * sample * Float32Array.BYTES_PER_ELEMENT
  return FIXED_BYTES + 2 * Math.min(bytes, LIMITS.qualitySampleBytes)
}
