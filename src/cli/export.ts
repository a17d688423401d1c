/** `vicinal export`: a collection, or a part of it, as a file. */
import { extname } from 'node:path'
import type { Database } from '../core/database.js'
import type { Filter } from '../core/filter.js'
import { EXPORT_FORMATS, type ExportFormat, encoded } from '../export/formats.js'
import { type ExportedPoint, layoutOf, pagesOf, type Selection } from '../export/layout.js'
import { writeFile, writeOutput } from '../export/write-file.js'
import { Progress } from '../terminal/progress.js'
import { UsageError } from '../terminal/usage-error.js'
import { exitCodeOf } from './exit-code.js'
import { parseMemoryLimit } from './memory-limit.js'
import { parseSettings, readKeys } from './parse-settings.js'
import { readDatabase } from './read-database.js'
import { EXPORT_SETTINGS } from './settings.js'

const STANDARD_OUTPUT = '-'
const NONE = 'none'
const EXTENSIONS: Readonly<Record<string, ExportFormat>> = {
  '.parquet': 'parquet',
  '.arrow': 'arrow',
  '.feather': 'arrow',
  '.arrows': 'arrow-stream',
  '.jsonl': 'jsonl',
  '.ndjson': 'jsonl',
}

type Options = ReturnType<typeof readOptions>

export async function exportCollection(args: string[]): Promise<number> {
  const options = readOptions(args)
  let stoppedBy: NodeJS.Signals | undefined
  const onSignal = (signal: NodeJS.Signals) => {
    stoppedBy = signal
  }
  process.once('SIGINT', onSignal).once('SIGTERM', onSignal)
  const database = await readDatabase(options)
  try {
    await write(database, options, () => {
      if (stoppedBy) throw new Error('stopped')
    })
    return 0
  } catch (error) {
    if (stoppedBy === undefined) throw error
    process.stderr.write('vicinal: stopped; no file was written\n')
    return exitCodeOf(stoppedBy)
  } finally {
    process.off('SIGINT', onSignal).off('SIGTERM', onSignal)
    await database.close()
  }
}

function readOptions(args: string[]) {
  const settings = parseSettings(EXPORT_SETTINGS, args)
  const [path, ...more] = settings.files
  const collection = settings.text('collection')
  if (path === undefined || more.length > 0) throw new UsageError('export: name one file, or - for standard output')
  if (collection === undefined) throw new UsageError('export: --collection NAME is required')
  const list = (name: 'vectors' | 'payload') => {
    const values = settings.list(name)
    return values.length === 0 ? undefined : values.length === 1 && values[0] === NONE ? [] : values
  }
  const selection: Selection = {
    filter: filterOf(settings.text('filter')),
    vectors: list('vectors'),
    payload: list('payload'),
  }
  return {
    path,
    collection,
    selection,
    format: formatOf(path, settings.text('format')),
    data: settings.text('data') as string,
    memoryLimit: parseMemoryLimit(settings.text('memoryLimit') as string),
    url: settings.text('url'),
    keys: readKeys(settings.text('apiKey'), settings.text('apiKeyFile')),
  }
}

function filterOf(text: string | undefined): Filter | undefined {
  if (text === undefined) return undefined
  try {
    return JSON.parse(text) as Filter
  } catch (cause) {
    throw new UsageError(`--filter: expected JSON (${(cause as Error).message})`)
  }
}

function formatOf(path: string, asked: string | undefined): ExportFormat {
  const found =
    asked === undefined ? EXTENSIONS[extname(path).toLowerCase()] : EXPORT_FORMATS.find((name) => name === asked)
  if (found) return found
  const what =
    asked === undefined ? `${path === STANDARD_OUTPUT ? 'standard output' : path}: set --format` : '--format: expected'
  throw new UsageError(`${what} ${EXPORT_FORMATS.join('|')}${asked === undefined ? '' : `, got ${asked}`}`)
}

async function write(database: Database, options: Options, checkStopped: () => void): Promise<void> {
  const { selection, path, format } = options
  const collection = await database.collection(options.collection)
  const layout = await layoutOf(collection, (await collection.info()).config, selection)
  const total = await collection.count(selection.filter ? { filter: selection.filter } : {})
  const progress = new Progress('exporting')
  let done = 0
  const told = async function* (): AsyncGenerator<readonly ExportedPoint[]> {
    for await (const points of pagesOf(collection, layout, selection)) {
      checkStopped()
      yield points
      done += points.length
      progress.update(Math.min(1, done / Math.max(1, total)), done)
    }
  }
  const pieces = encoded(format, told(), layout)
  await (path === STANDARD_OUTPUT ? writeOutput(pieces) : writeFile(path, pieces))
  progress.finish(done)
}
