import { VicinalError } from '../core/errors.js'
import { UsageError } from '../terminal/usage-error.js'
import { exitCodeOf } from './exit-code.js'
import { parseMemoryLimit } from './memory-limit.js'
import { parseSettings, readKeys } from './parse-settings.js'
import { reportLines } from './quality-text.js'
import { readDatabase } from './read-database.js'
import { QUALITY_SETTINGS } from './settings.js'

/** Prints a report on the data of a collection. The folder may be in use: it is opened as a reader's. */
export async function quality(args: string[]): Promise<number> {
  const options = readOptions(args)
  const stop = new AbortController()
  const onSignal = (signal: NodeJS.Signals) => stop.abort(signal)
  process.once('SIGINT', onSignal).once('SIGTERM', onSignal)
  const database = await readDatabase(options)
  try {
    const collection = await database.collection(options.collection)
    const report = await collection.quality({ ...options.asked, signal: stop.signal })
    const lines = options.json ? [JSON.stringify(report, bigintAsText, 2)] : reportLines(options.collection, report)
    process.stdout.write(`${lines.join('\n')}\n`)
    return 0
  } catch (error) {
    if (!stop.signal.aborted || !(error instanceof VicinalError)) throw error
    return exitCodeOf(stop.signal.reason as NodeJS.Signals)
  } finally {
    process.off('SIGINT', onSignal).off('SIGTERM', onSignal)
    await database.close()
  }
}

function readOptions(args: string[]) {
  const settings = parseSettings(QUALITY_SETTINGS, args)
  const [collection, ...rest] = settings.files
  if (collection === undefined || rest.length > 0) throw new UsageError('quality: name one collection')
  const threshold = settings.text('threshold')
  if (threshold !== undefined && !Number.isFinite(Number(threshold))) {
    throw new UsageError(`--threshold: expected a number, got ${threshold}`)
  }
  const asked = {
    using: settings.text('vector'),
    sample: settings.integer('sample'),
    seed: settings.integer('seed'),
    threshold: threshold === undefined ? undefined : Number(threshold),
    timeoutMs: settings.integer('timeoutMs'),
  }
  return {
    collection,
    asked: Object.fromEntries(Object.entries(asked).filter(([, value]) => value !== undefined)),
    data: settings.text('data') as string,
    memoryLimit: parseMemoryLimit(settings.text('memoryLimit') as string),
    url: settings.text('url'),
    keys: readKeys(settings.text('apiKey'), settings.text('apiKeyFile')),
    json: settings.isOn('json'),
  }
}

function bigintAsText(_: string, value: unknown): unknown {
  return typeof value === 'bigint' ? String(value) : value
}
