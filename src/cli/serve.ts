import type { Database } from '../core/database.js'
import type { ServerOptions } from '../server/app.js'
import { parseBytes } from './parse-bytes.js'
import { type Parsed, parseSettings, readKeys, readTextFile, SERVE_SETTINGS, UsageError } from './settings.js'
import { type StartSnapshots, takeStartSnapshots } from './start-snapshots.js'

type Settings = Parsed<keyof typeof SERVE_SETTINGS>
type LogLevel = NonNullable<ServerOptions['logLevel']>

const LOG_LEVELS: readonly LogLevel[] = ['trace', 'debug', 'info', 'warn', 'error', 'silent']
/** Conventional: 128 + SIGINT. */
const INTERRUPTED = 130

/** Runs until SIGTERM or SIGINT; resolves to the exit code. */
export async function serve(args: string[]): Promise<number> {
  const settings = parseSettings(SERVE_SETTINGS, args)
  if (settings.files.length > 0) throw new UsageError(`serve: takes no files, got ${settings.files.join(' ')}`)
  const sample = settings.text('sample')
  if (sample !== undefined && sample !== 'words') throw new UsageError(`--sample: expected words, got ${sample}`)
  const options = serverOptions(settings)
  const limit = settings.text('memoryLimit')
  const memoryLimitBytes = limit === undefined ? undefined : parseBytes(limit, '--memory-limit')
  const threads = settings.integer('threads')
  // The kernel reads it when the addon is loaded, which is why that happens below.
  if (threads !== undefined) process.env.VICINAL_THREADS = String(threads)
  const { createServer } = await import('../server/app.js')
  const { open } = await import('../index.js')
  const { memoryBudget } = await import('../collection/memory-budget.js')

  const stopped = stopSignal()
  const folder = settings.text('data') as string
  const snapshots = {
    collections: settings.list('snapshot'),
    storage: settings.text('storageSnapshot'),
    force: settings.isOn('forceSnapshot'),
  }
  const opening: Promise<Database> = openWith(snapshots, () =>
    open(folder, {
      concurrentSearches: settings.integer('maxConcurrent') as number,
      ...(memoryLimitBytes === undefined ? {} : { memoryLimitBytes }),
      snapshotUrls: settings.isOn('snapshotUrls'),
      maxSnapshotBytes: settings.integer('maxSnapshotBytes') as number,
    }),
  )
  // Handled below; the server answers 503 until it is open.
  opening.catch(() => {})
  const server = createServer({ ...options, database: opening, memory: memoryBudget })
  try {
    const url = await server.listen()
    // Until then the service answers 503; whoever waits for this line may send requests.
    await opening
    process.stdout.write(`vicinal: listening on ${url}, data in ${folder}\n`)
    if (sample) await untilStopped(runSample(url, options), stopped)
    await stopped
    return 0
  } finally {
    await server.close(settings.integer('shutdownTimeoutMs'))
    await opening.then(
      (database) => database.close(),
      () => {},
    )
  }
}

/** The database, with the snapshots that are to be taken in first. */
async function openWith(snapshots: StartSnapshots, open: () => Promise<Database>): Promise<Database> {
  const database = await open()
  try {
    for (const line of await takeStartSnapshots(database, snapshots)) process.stdout.write(`${line}\n`)
    return database
  } catch (error) {
    await database.close()
    throw error
  }
}

/** The task, or as much of it as there is time for: what fails because of the stop is no news. */
async function untilStopped(task: Promise<void>, stopped: Promise<void>): Promise<void> {
  let isStopped = false
  void stopped.then(() => {
    isStopped = true
  })
  const outcome = task.catch((error: unknown) => {
    if (!isStopped) throw error
  })
  await Promise.race([outcome, stopped])
}

async function runSample(url: string, { apiKeys, tls }: Partial<ServerOptions>): Promise<void> {
  if (tls) throw new UsageError('--sample: start it without TLS')
  const { wordsSample } = await import('./sample/words.js')
  await wordsSample(url, apiKeys?.[0])
}

function stopSignal(): Promise<void> {
  return new Promise((resolve) => {
    let stopping = false
    const onSignal = () => {
      // The second one means it: whatever is under way, the log holds all that was acknowledged.
      if (stopping) process.exit(INTERRUPTED)
      stopping = true
      resolve()
    }
    process.on('SIGTERM', onSignal).on('SIGINT', onSignal)
  })
}

function serverOptions(settings: Settings): Omit<ServerOptions, 'database'> {
  const logLevel = LOG_LEVELS.find((level) => level === settings.text('logLevel'))
  if (!logLevel) throw new UsageError(`--log-level: expected one of ${LOG_LEVELS.join(', ')}`)
  const [cert, key] = [settings.text('tlsCert'), settings.text('tlsKey')]
  if ((cert === undefined) !== (key === undefined)) throw new UsageError('--tls-cert and --tls-key go together')
  return {
    host: settings.text('host') as string,
    port: settings.integer('port') as number,
    apiKeys: readKeys(settings.text('apiKey'), settings.text('apiKeyFile')),
    readOnlyApiKeys: readKeys(settings.text('readOnlyApiKey'), settings.text('readOnlyApiKeyFile')),
    allowInsecurePublic: settings.isOn('allowInsecurePublic'),
    allowedHosts: settings.list('allowHost'),
    allowedOrigins: settings.list('allowOrigin'),
    tls: cert !== undefined && key !== undefined ? { cert: readTextFile(cert), key: readTextFile(key) } : null,
    maxBodyBytes: settings.integer('maxBodyBytes') as number,
    maxConcurrentReads: settings.integer('maxConcurrent') as number,
    timeoutMs: settings.integer('timeoutMs') as number,
    requestTimeoutMs: settings.integer('requestTimeoutMs') as number,
    logLevel,
  }
}
