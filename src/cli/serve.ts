import type { CollectionIssue } from '../core/issues.js'
import { LIMITS } from '../core/limits.js'
import type { SharingDatabase } from '../engine/database/sharing.js'
import type { Server, ServerOptions } from '../server/app.js'
import type { ServingThreads, ServingThreadsOptions } from '../serving/serving-threads.js'
import { hideStores } from '../storage/lance-native.js'
import { UsageError } from '../terminal/usage-error.js'
import { exitCodeOf } from './exit-code.js'
import { KeyFiles } from './key-files.js'
import { parseMemoryLimit, serviceMemoryLimitOf } from './memory-limit.js'
import { logRecovery, openObservers } from './observers.js'
import { type Parsed, parseSettings, readTextFile } from './parse-settings.js'
import { SERVE_SETTINGS } from './settings.js'
import { type StartSnapshots, takeStartSnapshots } from './start-snapshots.js'
import { type StoreNode, storeNode } from './store-node.js'

type Settings = Parsed<keyof typeof SERVE_SETTINGS>
type LogLevel = NonNullable<ServerOptions['logLevel']>

const LOG_LEVELS: readonly LogLevel[] = ['trace', 'debug', 'info', 'warn', 'error', 'silent']
/** The default number of serving threads is at most this: each takes some 30 MB. */
const DEFAULT_SERVING_THREADS = 8

/** Runs until SIGTERM or SIGINT; resolves to the exit code. */
export async function serve(args: string[]): Promise<number> {
  const settings = parseSettings(SERVE_SETTINGS, args)
  if (settings.files.length > 0) throw new UsageError(`serve: takes no files, got ${settings.files.join(' ')}`)
  const sample = settings.text('sample')
  if (sample !== undefined && sample !== 'words') throw new UsageError(`--sample: expected words, got ${sample}`)
  const keys = keyFiles(settings)
  try {
    return await serveWith(settings, keys)
  } finally {
    keys.close()
  }
}

async function serveWith(settings: Settings, keys: KeyFiles): Promise<number> {
  const { apiKeys, readOnlyApiKeys } = keys.current
  const sample = settings.text('sample')
  const memoryLimit = parseMemoryLimit(settings.text('memoryLimit') as string)
  const kernelThreads = settings.integer('threads')
  // The kernel reads the variable when the addon is loaded, so the imports below come after it.
  if (kernelThreads !== undefined) process.env.VICINAL_THREADS = String(kernelThreads)
  const memoryLimitBytes = serviceMemoryLimitOf(memoryLimit)
  const node = await storeNode(settings, [...apiKeys, ...readOnlyApiKeys], memoryLimitBytes)
  const options = { ...serverOptions(settings), apiKeys, readOnlyApiKeys, clusterKeys: node?.clusterKeys ?? [] }
  const { createServer } = await import('../server/app.js')
  const { openSharing } = await import('../engine/database/open.js')
  const { memoryBudget } = await import('../engine/memory/memory-budget.js')

  const stopped = stopSignal()
  const place = node ? (settings.text('store') as string) : (settings.text('data') as string)
  const snapshots = {
    collections: settings.list('snapshot'),
    storage: settings.text('storageSnapshot'),
    force: settings.isOn('forceSnapshot'),
  }
  const issues = new IssueLog()
  const openOptions = {
    concurrentSearches: settings.integer('maxConcurrent') as number,
    ...(memoryLimitBytes === undefined ? {} : { memoryLimitBytes }),
    snapshotUrls: settings.isOn('snapshotUrls'),
    maxSnapshotBytes: settings.integer('maxSnapshotBytes') as number,
    collectionIdleMs: settings.integer('collectionIdleMs') as number,
    onIssue: issues.note,
  }
  const opening = openWith(snapshots, () => (node ? node.open(openOptions) : openSharing(place, openOptions)))
  // The address of the store is read by now, and nothing that comes from outside may reach another with its keys.
  hideStores()
  // The error is handled below. The server answers 503 until the database is open.
  opening.catch(() => {})
  // Reads that other nodes answer pass through the main thread.
  const { serving, keepsSearches } = await threadCounts(settings, node?.peers.readsElsewhere ? 1 : null)
  const observers = await openObservers(settings)
  const isLimited = memoryLimitBytes !== undefined
  const { isTraced, auditLog } = observers
  const beside = { count: serving - 1, isLimited, keepsSearches, database: opening, isTraced, auditLog }
  const threads = serving > 1 ? await startThreads(beside, options) : null
  if (keepsSearches && (serving === 1 || threads !== null)) (await import('../native/process.js')).keepSearches()
  const server = createServer({
    ...options,
    database: opening,
    memory: memoryBudget,
    ...(node ? { peers: node.peers } : {}),
    ...(threads ? { threads } : {}),
    tracing: observers.tracing,
    audit: observers.audit,
  })
  const stopLogging = logRecovery(server.log, opening)
  observers.onHangup(() => threads?.reopen())
  try {
    issues.to(server.log)
    await keys.serve(server)
    // Connections that arrive before the other threads are ready would all stay with this thread.
    await threads?.ready()
    const url = await server.listen()
    node?.listensOn(url)
    // Until the database is open the service answers 503. A caller that waits for this line may send requests.
    if ((await Promise.race([opening, stopped])) === undefined) return 0
    process.stdout.write(`vicinal: listening on ${url}, data in ${place}\n`)
    if (sample) await untilStopped(runSample(url, options), stopped)
    await stopped
    return 0
  } finally {
    const deadlineMs = settings.integer('shutdownTimeoutMs') as number
    node?.giveUp()
    await server.close(deadlineMs)
    await closeOnceOpen(opening, deadlineMs, node)
    stopLogging()
    await observers.close()
  }
}

/**
 * Kills the process if opening takes longer than the deadline, and on a store also if closing does: a store that does not
 * answer would hold it. Nothing acknowledged is lost, since the log has it.
 */
async function closeOnceOpen(
  opening: Promise<SharingDatabase>,
  deadlineMs: number,
  node: StoreNode | null,
): Promise<void> {
  // A normal exit waits for all threads, and one of them may be waiting for a disk.
  const late = setTimeout(() => process.kill(process.pid, 'SIGKILL'), deadlineMs)
  const database = await opening.catch(() => null)
  if (!node) clearTimeout(late)
  await node?.stop()
  await database?.close()
  await node?.leave()
  // A thread of the database whose call the store does not answer would keep the process, and cannot be ended.
  late.unref()
}

/** Opens the database and restores the given snapshots first. */
async function openWith(snapshots: StartSnapshots, open: () => Promise<SharingDatabase>): Promise<SharingDatabase> {
  const database = await open()
  try {
    for (const line of await takeStartSnapshots(database, snapshots)) process.stdout.write(`${line}\n`)
    return database
  } catch (error) {
    await database.close()
    throw error
  }
}

/** Waits for the task or the stop. A failure after the stop is ignored. */
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
  const { wordsSample } = await import('../sample/words.js')
  await wordsSample(url, apiKeys?.[0])
}

function stopSignal(): Promise<void> {
  return new Promise((resolve) => {
    let stopping = false
    const onSignal = (signal: NodeJS.Signals) => {
      // A second signal ends the process at once. The log holds every acknowledged write.
      if (stopping) process.exit(exitCodeOf(signal))
      stopping = true
      resolve()
    }
    process.on('SIGTERM', onSignal).on('SIGINT', onSignal)
  })
}

/**
 * The number of serving threads. The default is half the cores, since searches, writes and building have threads of
 * their own. Two cores get two: that answered a third more requests than one (docs/design/service.md).
 */
async function threadCounts(
  settings: Settings,
  given: number | null,
): Promise<{ serving: number; keepsSearches: boolean }> {
  const most = LIMITS.servingThreads
  const { kernelInfo } = await import('../native/inspect.js')
  const { cores } = kernelInfo()
  const byCores = Math.max(Math.min(cores, 2), Math.floor(cores / 2))
  const asked = given ?? settings.integer('servingThreads') ?? Math.min(byCores, DEFAULT_SERVING_THREADS)
  if (!(asked >= 1 && asked <= most)) throw new UsageError(`--serving-threads: expected 1 to ${most}, got ${asked}`)
  const serving = process.platform === 'win32' ? 1 : asked
  return { serving, keepsSearches: serving >= cores }
}

/** null if the folder for temporary files is not writable: then one thread answers all requests. */
async function startThreads(
  given: Omit<ServingThreadsOptions, 'settings' | 'concurrentSearches' | 'onTrouble'>,
  options: Omit<ServerOptions, 'database'>,
): Promise<ServingThreads | null> {
  const { ServingThreads } = await import('../serving/serving-threads.js')
  const { DEFAULT_SETTINGS } = await import('../server/server-settings.js')
  const { logStream, ...settings } = { ...DEFAULT_SETTINGS, ...options }
  const onTrouble = (error: Error) => logStream.write(`vicinal: serving threads: ${error.message}\n`)
  try {
    const concurrentSearches = settings.maxConcurrentReads
    return ServingThreads.start({ ...given, settings, concurrentSearches, onTrouble })
  } catch (error) {
    onTrouble(error as Error)
    return null
  }
}

function keyFiles(settings: Settings): KeyFiles {
  const origin = (inline: 'apiKey' | 'readOnlyApiKey', file: 'apiKeyFile' | 'readOnlyApiKeyFile') => ({
    inline: settings.text(inline),
    file: settings.text(file),
    variable: SERVE_SETTINGS[inline].environment,
  })
  return new KeyFiles(origin('apiKey', 'apiKeyFile'), origin('readOnlyApiKey', 'readOnlyApiKeyFile'))
}

function serverOptions(settings: Settings): Omit<ServerOptions, 'database'> {
  const logLevel = LOG_LEVELS.find((level) => level === settings.text('logLevel'))
  if (!logLevel) throw new UsageError(`--log-level: expected one of ${LOG_LEVELS.join(', ')}`)
  const [cert, key] = [settings.text('tlsCert'), settings.text('tlsKey')]
  if ((cert === undefined) !== (key === undefined)) throw new UsageError('--tls-cert and --tls-key go together')
  return {
    host: settings.text('host') as string,
    port: settings.integer('port') as number,
    allowInsecurePublic: settings.isOn('allowInsecurePublic'),
    jwtRbac: settings.isOn('jwtRbac'),
    allowedHosts: settings.list('allowHost'),
    allowedOrigins: settings.list('allowOrigin'),
    consolePictureHosts: pictureHosts(settings.list('consolePictureHosts')),
    tls: cert !== undefined && key !== undefined ? { cert: readTextFile(cert), key: readTextFile(key) } : null,
    maxBodyBytes: settings.integer('maxBodyBytes') as number,
    maxReadBodyBytes: settings.integer('maxReadBodyBytes') as number,
    maxConcurrentReads: settings.integer('maxConcurrent') as number,
    timeoutMs: settings.integer('timeoutMs') as number,
    maxAnswerBytesInWork: settings.integer('maxAnswerBytes') as number,
    minBodyBytesPerSecond: settings.integer('minBodyRate') as number,
    requestTimeoutMs: settings.integer('requestTimeoutMs') as number,
    closeLingerMs: settings.integer('shutdownLingerMs') as number,
    logLevel,
    slowQueryMs: settings.integer('slowQueryMs') ?? null,
    logFormat: logFormatOf(settings),
  }
}

/** They become part of a policy in a header, so nothing but a host may stand there. */
function pictureHosts(given: readonly string[]): string[] {
  const hosts = given.flatMap((text) => text.split(',')).map((host) => host.trim().toLowerCase())
  for (const host of hosts) {
    if (/^[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:\d{1,5})?$/.test(host)) continue
    throw new UsageError(`--console-picture-hosts: expected a host such as pictures.example:8443, got ${host}`)
  }
  return hosts
}

function logFormatOf(settings: Settings): 'text' | 'json' {
  const asked = settings.text('logFormat') as string
  if (asked === 'text' || asked === 'json') return asked
  if (asked !== 'auto') throw new UsageError(`--log-format: expected text, json or auto, got ${asked}`)
  return process.stderr.isTTY ? 'text' : 'json'
}

type Log = Server['log']

/** Writes collections' issues to the service's log. Issues that arise before the service exists wait for it. */
class IssueLog {
  #log: Log | null = null
  #waiting: CollectionIssue[] = []

  readonly note = (issue: CollectionIssue): void => {
    if (this.#log) write(this.#log, issue)
    else this.#waiting.push(issue)
  }

  to(log: Log): void {
    this.#log = log
    for (const issue of this.#waiting.splice(0)) write(log, issue)
  }
}

function write(log: Log, { collection, about, code, reason, isOver }: CollectionIssue): void {
  const facts = { collection, about, code }
  if (isOver) log.info(facts, `is over: ${reason}`)
  else if (code === null) log.warn(facts, reason)
  else log.error(facts, reason)
}
