import { statSync } from 'node:fs'
import { resolve } from 'node:path'
import type { Collection, Database } from '../core/database.js'
import { VicinalError } from '../core/errors.js'
import { DISTANCES, type Distance } from '../core/schema.js'
import { type Format, formatOf, openSource } from '../import/formats.js'
import { choiceOf, type Mapping, mappingOf, pointsOf, vectorParams } from '../import/mapping.js'
import { NOTHING_DONE, type Progressed, ResumeState } from '../import/resume-state.js'
import { type RowBatch, type Source, START } from '../import/source.js'
import { Progress } from '../terminal/progress.js'
import { UsageError } from '../terminal/usage-error.js'
import { exitCodeOf } from './exit-code.js'
import { memoryLimitOf, parseMemoryLimit } from './memory-limit.js'
import { parseSettings, readKeys } from './parse-settings.js'
import { IMPORT_SETTINGS } from './settings.js'

const INDEX_POLL_MS = 500
const WRITE_TIMEOUT_MS = 600_000

type Options = ReturnType<typeof readOptions>

export async function importFiles(args: string[]): Promise<number> {
  const options = readOptions(args)
  if (options.dryRun) return checkFiles(options)
  const database = await openDatabase(options)
  const stop = new AbortController()
  let stoppedBy: NodeJS.Signals | undefined
  const onSignal = (signal: NodeJS.Signals) => {
    stoppedBy = signal
    stop.abort()
  }
  process.once('SIGINT', onSignal).once('SIGTERM', onSignal)
  try {
    return await new Import(database, options, stop.signal).run()
  } catch (error) {
    if (stoppedBy === undefined) throw error
    say('stopped; run the same command to resume')
    return exitCodeOf(stoppedBy)
  } finally {
    process.off('SIGINT', onSignal).off('SIGTERM', onSignal)
    await database.close()
  }
}

function readOptions(args: string[]) {
  const settings = parseSettings(IMPORT_SETTINGS, args)
  const collection = settings.text('collection')
  if (settings.files.length === 0) throw new UsageError('import: name at least one file')
  if (collection === undefined) throw new UsageError('import: --collection NAME is required')
  const distance = settings.text('distance') as Distance
  if (!DISTANCES.includes(distance)) {
    throw new UsageError(`--distance: expected one of ${DISTANCES.join(', ')}, got ${distance}`)
  }
  const format = settings.text('format')
  return {
    files: settings.files.map((path) => ({ path, format: formatOf(path, format) as Format })),
    collection,
    distance,
    data: settings.text('data') as string,
    memoryLimit: parseMemoryLimit(settings.text('memoryLimit') as string),
    url: settings.text('url'),
    keys: readKeys(settings.text('apiKey'), settings.text('apiKeyFile')),
    idColumn: settings.text('idColumn'),
    vectors: settings.list('vector'),
    restart: settings.isOn('restart'),
    dryRun: settings.isOn('dryRun'),
  }
}

async function openDatabase(options: Options): Promise<Database> {
  if (options.url === undefined) {
    const memoryLimitBytes = memoryLimitOf(options.memoryLimit)
    const { open } = await import('../index.js')
    return open(options.data, memoryLimitBytes === undefined ? {} : { memoryLimitBytes })
  }
  const { connect } = await import('../client/index.js')
  const [apiKey] = options.keys
  return connect(options.url, apiKey === undefined ? {} : { apiKey })
}

/** Decodes every row as an import would, and reports what it would have stored. */
async function checkFiles(options: Options): Promise<number> {
  let rowsBefore = 0
  for (const [i, { path, format }] of options.files.entries()) {
    const source = await openSource(path, format)
    try {
      const mapping = mappingOf(await source.shape(), { ...options, existing: [] }, path)
      const progress = new Progress(`reading ${path}`)
      let rows = 0
      for await (const batch of source.batches(choiceOf(mapping), START)) {
        pointsOf(batch, mapping, rowsBefore, path)
        rows += batch.count
        progress.update(shareOf(options, i, source, batch), rowsBefore + rows, 'rows')
      }
      progress.finish(rows, 'rows')
      rowsBefore += rows
      const vectors = mapping.vectors.map(
        ({ name, column, size }) => `${name || '(unnamed)'} = ${column}, ${size} dimensions`,
      )
      process.stdout.write(
        `${path}: ${rows} rows, ids ${mapping.id ?? '= row numbers'}, vectors: ${vectors.join('; ')}\n`,
      )
    } finally {
      await source.close()
    }
  }
  return 0
}

function shareOf(options: Options, file: number, source: Source, batch: RowBatch): number {
  const at = batch.next ?? { at: 0, row: batch.firstRow + batch.count }
  return (file + source.share(at)) / options.files.length
}

class Import {
  readonly #database: Database
  readonly #options: Options
  readonly #signal: AbortSignal
  #done: Progressed = NOTHING_DONE

  constructor(database: Database, options: Options, signal: AbortSignal) {
    this.#database = database
    this.#options = options
    this.#signal = signal
  }

  async run(): Promise<number> {
    const state = new ResumeState(this.#job())
    const existing = await this.#existing()
    this.#done = await this.#whereToGoOn(state, existing)
    const { filesDone, rowsBefore, cursor } = this.#done
    const before = { share: filesDone / this.#options.files.length, count: rowsBefore + cursor.row }
    if (before.count > 0) say(`resuming after ${before.count.toLocaleString('en')} points of an earlier run`)
    const progress = new Progress('importing', { before })
    let collection = existing
    for (let file = filesDone; file < this.#options.files.length; file++) {
      collection = await this.#importFile(file, collection, state, progress)
    }
    progress.finish(this.#done.rowsBefore)
    if (collection) await this.#waitForIndex(collection)
    state.clear()
    const info = await collection?.info()
    process.stdout.write(`${this.#options.collection}: ${info?.pointsCount ?? 0} points\n`)
    return 0
  }

  #job(): unknown {
    const { files, collection, data, url, idColumn, vectors, distance } = this.#options
    const stated = files.map(({ path, format }) => {
      const stat = statSync(path, { throwIfNoEntry: false })
      if (!stat) throw new VicinalError('NOT_FOUND', `${path}: no such file`)
      return [resolve(path), format, stat.size, stat.mtimeMs]
    })
    return [stated, collection, url ?? resolve(data), idColumn ?? null, vectors, distance]
  }

  async #existing(): Promise<Collection | null> {
    const { collection } = this.#options
    return (await this.#database.hasCollection(collection)) ? this.#database.collection(collection) : null
  }

  async #whereToGoOn(state: ResumeState, existing: Collection | null): Promise<Progressed> {
    const found = this.#options.restart ? null : state.read()
    if (!found || !existing || found.lastId === null) return NOTHING_DONE
    const [last] = await existing.retrieve([found.lastId], { withPayload: false })
    return last ? found : NOTHING_DONE
  }

  async #importFile(
    index: number,
    existing: Collection | null,
    state: ResumeState,
    progress: Progress,
  ): Promise<Collection> {
    const { path, format } = this.#options.files[index] as { path: string; format: Format }
    const source = await openSource(path, format)
    try {
      const config = (await existing?.info())?.config
      const names = (config?.vectors ?? []).map((vector) => vector.name)
      const shape = await source.shape()
      const mapping = mappingOf(shape, { ...this.#options, existing: names, textIds: config?.ids === 'text' }, path)
      const collection = existing ?? (await this.#create(mapping))
      const before = this.#done.rowsBefore
      const rows = await this.#store(source, mapping, collection, (batch) => {
        state.write(this.#done)
        progress.update(shareOf(this.#options, index, source, batch), before + batch.firstRow + batch.count)
      })
      this.#done = { ...this.#done, filesDone: index + 1, cursor: START, rowsBefore: before + rows }
      state.write(this.#done, true)
      return collection
    } finally {
      await source.close()
    }
  }

  async #create(mapping: Mapping): Promise<Collection> {
    const vectors = vectorParams(mapping, this.#options.distance)
    say(`making collection ${this.#options.collection}: ${JSON.stringify(vectors)}`)
    return this.#database.createCollection(this.#options.collection, { vectors })
  }

  /** Runs one write at a time, so that of two rows with one id the later wins. The next batch is decoded meanwhile. */
  async #store(
    source: Source,
    mapping: Mapping,
    collection: Collection,
    onDone: (batch: RowBatch) => void,
  ): Promise<number> {
    const { rowsBefore, cursor } = this.#done
    let rows = cursor.row
    let write = Promise.resolve()
    for await (const batch of source.batches(choiceOf(mapping), cursor)) {
      const { ids, points } = pointsOf(batch, mapping, rowsBefore, source.path)
      await write
      this.#signal.throwIfAborted()
      write = upsertPatiently(collection, points, this.#signal).then(() => {
        rows = batch.firstRow + batch.count
        this.#done = { ...this.#done, cursor: batch.next ?? this.#done.cursor, lastId: ids.at(-1) ?? null }
        onDone(batch)
      })
      // The write is awaited above or below. An early rejection must not count as unhandled meanwhile.
      write.catch(() => {})
    }
    await write
    return rows
  }

  async #waitForIndex(collection: Collection): Promise<void> {
    const progress = new Progress('indexing ')
    let first: number | null = null
    for (;;) {
      this.#signal.throwIfAborted()
      const { indexedVectorsCount: indexed, vectorsCount: all } = await collection.info()
      first ??= indexed
      if (indexed >= all) {
        progress.finish(all, 'vectors')
        break
      }
      progress.update((indexed - first) / (all - first), indexed, 'vectors')
      await new Promise((done) => setTimeout(done, INDEX_POLL_MS))
    }
    await collection.flush({ timeoutMs: WRITE_TIMEOUT_MS })
  }
}

const COME_BACK: ReadonlySet<string> = new Set(['OVERLOADED', 'RESOURCE_EXHAUSTED'])

/**
 * Retries a write while the error asks for a retry: the tail, the log or memory is full until the kernel catches up.
 */
async function upsertPatiently(
  collection: Collection,
  points: ReturnType<typeof pointsOf>['points'],
  signal: AbortSignal,
): Promise<void> {
  for (;;) {
    try {
      await collection.upsert(points, { timeoutMs: WRITE_TIMEOUT_MS, signal })
      return
    } catch (error) {
      if (!(error instanceof VicinalError) || !COME_BACK.has(error.code)) throw error
      await new Promise((done) => setTimeout(done, error.retryAfterMs ?? INDEX_POLL_MS))
      signal.throwIfAborted()
    }
  }
}

function say(text: string): void {
  process.stderr.write(`vicinal: ${text}\n`)
}
