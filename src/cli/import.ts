import { statSync } from 'node:fs'
import { resolve } from 'node:path'
import type { Collection, Database } from '../core/database.js'
import { VicinalError } from '../core/errors.js'
import { type CollectionConfig, DISTANCES, type Distance } from '../core/schema.js'
import { FileImport, type ImportOptions, say } from '../import/file-import.js'
import { type Format, formatOf } from '../import/formats.js'
import { ON_ERROR, type OnError, RefusedRows } from '../import/refused-rows.js'
import { NOTHING_DONE, type Progressed, ResumeState } from '../import/resume-state.js'
import { STANDARD_INPUT } from '../import/stream-bytes.js'
import { Target } from '../import/target.js'
import { Progress } from '../terminal/progress.js'
import { UsageError } from '../terminal/usage-error.js'
import { exitCodeOf } from './exit-code.js'
import { memoryLimitOf, parseMemoryLimit } from './memory-limit.js'
import { parseSettings, readKeys } from './parse-settings.js'
import { IMPORT_SETTINGS } from './settings.js'

const INDEX_POLL_MS = 500
const WRITE_TIMEOUT_MS = 600_000
const NONE_STORED = 1

type Options = ReturnType<typeof readOptions>

export async function importFiles(args: string[]): Promise<number> {
  const options = readOptions(args)
  const stop = new AbortController()
  let stoppedBy: NodeJS.Signals | undefined
  const onSignal = (signal: NodeJS.Signals) => {
    stoppedBy = signal
    stop.abort()
  }
  process.once('SIGINT', onSignal).once('SIGTERM', onSignal)
  const refused = new RefusedRows(options.errors)
  try {
    return await (options.isDry ? checkFiles : storeFiles)(options, refused, stop.signal)
  } catch (error) {
    if (stoppedBy === undefined) throw error
    if (!options.isDry) say('stopped; run the same command to resume')
    return exitCodeOf(stoppedBy)
  } finally {
    refused.close()
    process.off('SIGINT', onSignal).off('SIGTERM', onSignal)
  }
}

function readOptions(args: string[]) {
  const settings = parseSettings(IMPORT_SETTINGS, args)
  const collection = settings.text('collection')
  const files = filesOf(settings.files, settings.text('format'), settings.text('fromQdrant'))
  if (collection === undefined) throw new UsageError('import: --collection NAME is required')
  const distance = settings.text('distance') as Distance
  if (!DISTANCES.includes(distance)) {
    throw new UsageError(`--distance: expected one of ${DISTANCES.join(', ')}, got ${distance}`)
  }
  const onError = settings.text('onError') as OnError
  if (!ON_ERROR.includes(onError)) {
    throw new UsageError(`--on-error: expected one of ${ON_ERROR.join(', ')}, got ${onError}`)
  }
  return {
    files,
    collection,
    distance,
    onError,
    errors: settings.text('errors'),
    data: settings.text('data') as string,
    memoryLimit: parseMemoryLimit(settings.text('memoryLimit') as string),
    url: settings.text('url'),
    keys: readKeys(settings.text('apiKey'), settings.text('apiKeyFile')),
    sourceKey: settings.text('qdrantApiKey'),
    idColumn: settings.text('idColumn'),
    vectors: settings.list('vector'),
    restart: settings.isOn('restart'),
    isDry: settings.isOn('dryRun'),
  } satisfies ImportOptions & Record<string, unknown>
}

function filesOf(paths: readonly string[], format: string | undefined, qdrant: string | undefined) {
  if (qdrant !== undefined) {
    if (paths.length > 0) throw new UsageError('import: name files, or --from-qdrant, not both')
    return [{ path: qdrant, format: 'qdrant' as Format }]
  }
  if (paths.length === 0) throw new UsageError('import: name at least one file')
  if (paths.filter((path) => path === STANDARD_INPUT).length > 1)
    throw new UsageError('import: standard input is one file')
  return paths.map((path) => ({ path, format: formatOf(path, format) }))
}

async function openDatabase(options: Options, readOnly = false): Promise<Database> {
  if (options.url === undefined) {
    const memoryLimitBytes = memoryLimitOf(options.memoryLimit)
    const { open } = await import('../index.js')
    return open(options.data, { readOnly, ...(memoryLimitBytes === undefined ? {} : { memoryLimitBytes }) })
  }
  const { connect } = await import('../client/index.js')
  const [apiKey] = options.keys
  return connect(options.url, apiKey === undefined ? {} : { apiKey })
}

async function storeFiles(options: Options, refused: RefusedRows, signal: AbortSignal): Promise<number> {
  const job = jobOf(options)
  const state = job === null ? null : new ResumeState(job)
  const database = await openDatabase(options)
  try {
    const target = await Target.open(database, options.collection)
    const done = await whereToGoOn(options.restart ? null : (state?.read() ?? null), target.collection)
    refused.open(done.lastId === null ? null : done.refused)
    const before = { share: done.filesDone / options.files.length, count: done.rowsBefore + done.cursor.row }
    if (before.count > 0) say(`resuming after ${before.count.toLocaleString('en')} points of an earlier run`)
    const files = new FileImport(target, options, { refused, state, done, signal })
    try {
      await files.run(new Progress('importing', { before }))
    } finally {
      await target.deleteIfEmpty()
    }
    tellRefused(refused, options.errors)
    tellQuarantined(files.quarantined, 'are')
    state?.clear()
    if (!target.collection) {
      say('no row was stored')
      return NONE_STORED
    }
    await waitForIndex(target.collection, signal)
    const points = await target.collection.count()
    tellRepeated(files.accepted - Math.max(0, points - done.pointsBefore), 'replaced points with the same id')
    process.stdout.write(`${options.collection}: ${points} points\n`)
    return 0
  } finally {
    await database.close()
  }
}

/** Every row is read, mapped and written as an import would, into a collection in memory. */
async function checkFiles(options: Options, refused: RefusedRows, signal: AbortSignal): Promise<number> {
  const { open } = await import('../index.js')
  const memory = await open(':memory:')
  try {
    const target = await Target.dry(memory, options.collection, await presentConfig(options))
    refused.open(null)
    const files = new FileImport(target, options, { refused, state: null, done: NOTHING_DONE, signal })
    await files.run(new Progress('checking'))
    tellRefused(refused, options.errors)
    tellRepeated(files.repeatedIds, 'repeat the id of an earlier row')
    tellQuarantined(files.quarantined, 'would be')
    process.stdout.write(`${files.accepted} rows would be stored\n`)
    return files.accepted > 0 ? 0 : NONE_STORED
  } finally {
    await memory.close()
  }
}

/** The configuration of the collection that the rows would go into; null if it would be made. */
async function presentConfig(options: Options): Promise<CollectionConfig | null> {
  let database: Database
  try {
    database = await openDatabase(options, true)
  } catch (error) {
    if (error instanceof VicinalError && error.code === 'NOT_FOUND' && options.url === undefined) return null
    throw error
  }
  try {
    if (!(await database.hasCollection(options.collection))) return null
    return (await (await database.collection(options.collection)).info()).config
  } finally {
    await database.close()
  }
}

/** Identifies an import that can be resumed; null: it reads standard input. */
function jobOf({ files, collection, data, url, idColumn, vectors, distance }: Options): unknown {
  if (files.some(({ path }) => path === STANDARD_INPUT)) return null
  const stated = files.map(({ path, format }) => {
    if (format === 'qdrant') return [path, format]
    const stat = statSync(path, { throwIfNoEntry: false })
    if (!stat) throw new VicinalError('NOT_FOUND', `${path}: no such file`)
    return [resolve(path), format, stat.size, stat.mtimeMs]
  })
  return [stated, collection, url ?? resolve(data), idColumn ?? null, vectors, distance]
}

async function whereToGoOn(found: Progressed | null, existing: Collection | null): Promise<Progressed> {
  const afresh = { ...NOTHING_DONE, pointsBefore: existing ? await existing.count() : 0 }
  if (!found || !existing || found.lastId === null) return afresh
  const [last] = await existing.retrieve([found.lastId], { withPayload: false })
  return last ? found : afresh
}

function tellRefused(refused: RefusedRows, path: string | undefined): void {
  if (refused.count === 0) return
  const where = path === undefined ? '; --errors FILE has each of them' : `, each in ${path}`
  say(`${refused.count.toLocaleString('en')} rows were refused${where}:\n${refused.lines().join('\n')}`)
}

function tellQuarantined(count: number, are: string): void {
  if (count > 0) say(`${count.toLocaleString('en')} of them ${are} in the quarantine`)
}

function tellRepeated(count: number, what: string): void {
  if (count > 0) say(`${count.toLocaleString('en')} rows ${what}`)
}

async function waitForIndex(collection: Collection, signal: AbortSignal): Promise<void> {
  const progress = new Progress('indexing ')
  let first: number | null = null
  for (;;) {
    signal.throwIfAborted()
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
