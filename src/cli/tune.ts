/**
 * `vicinal tune`: measures configurations on a collection's own vectors and applies the fastest that meets the goal.
 */
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import type { Collection } from '../core/database.js'
import { VicinalError as Failure, notFound, type VicinalError } from '../core/errors.js'
import { UNNAMED_VECTOR } from '../core/point.js'
import type { ResolvedVector } from '../core/schema.js'
import type { CollectionEngine } from '../engine/collection/collection-engine.js'
import type { StoredCollection } from '../engine/collection/collection-home.js'
import { memoryBudget } from '../engine/memory/memory-budget.js'
import { ReaderStore } from '../engine/stores/reader-store.js'
import { kernelInfo } from '../native/inspect.js'
import { FileLock } from '../native/lock.js'
import { LOCK_FILE } from '../storage/layout.js'
import { formatBytes, parseBytes } from '../terminal/bytes.js'
import { Progress } from '../terminal/progress.js'
import { UsageError } from '../terminal/usage-error.js'
import {
  type Configuration,
  changeOf,
  changeTo,
  choose,
  describe,
  finalists,
  firstBuilds,
  fits,
  furtherBuilds,
  isSame,
  paceAt,
  presentOf,
  reaches,
  type Trial,
  type Wanted,
} from '../tune/configurations.js'
import { curves } from '../tune/curve.js'
import { Laboratory } from '../tune/laboratory.js'
import { takeSamples } from '../tune/samples.js'
import { table } from '../tune/table.js'
import { exitCodeOf } from './exit-code.js'
import { memoryOptionsOf } from './memory-limit.js'
import { parseSettings } from './parse-settings.js'
import { TUNE_SETTINGS } from './settings.js'

const NONE_DOES = 1
const POLL_MS = 500

type Options = ReturnType<typeof readOptions>
/** Adds the signal that stops the command, and the state that it leaves. */
type Concluding = Options & { signal: AbortSignal; done: { isChanged: boolean } }

export async function tune(args: string[]): Promise<number> {
  const options = readOptions(args)
  if (!existsSync(options.data)) throw new Failure('NOT_FOUND', `${options.data}: no such folder`)
  if (!options.dryRun) checkUnlocked(options.data)
  const stop = new AbortController()
  const onSignal = (signal: NodeJS.Signals) => stop.abort(signal)
  process.once('SIGINT', onSignal).once('SIGTERM', onSignal)
  const unlimit = options.memoryLimitBytes === undefined ? () => {} : memoryBudget.limit(options.memoryLimitBytes)
  const done = { isChanged: false }
  try {
    return await conclude(await measure(options, stop.signal), { ...options, done, signal: stop.signal })
  } catch (error) {
    if (!stop.signal.aborted) throw error
    say(
      done.isChanged
        ? 'stopped after the change was applied; the next open goes on with the rebuild'
        : 'stopped; nothing was changed',
    )
    return exitCodeOf(stop.signal.reason as NodeJS.Signals)
  } finally {
    unlimit()
    process.off('SIGINT', onSignal).off('SIGTERM', onSignal)
  }
}

function readOptions(args: string[]) {
  const settings = parseSettings(TUNE_SETTINGS, args)
  const [collection, ...rest] = settings.files
  if (collection === undefined || rest.length > 0) throw new UsageError('tune: name one collection')
  const recall = Number(settings.text('recall'))
  if (!(recall > 0 && recall <= 1)) {
    throw new UsageError(`--recall: expected a number above 0 and at most 1, got ${settings.text('recall')}`)
  }
  const memory = settings.text('memory')
  const most = settings.integer('sample') as number
  const queries = settings.integer('queryCount') as number
  if (most < 1) throw new UsageError(`--sample: expected at least 1, got ${most}`)
  if (queries < 1) throw new UsageError(`--query-count: expected at least 1, got ${queries}`)
  const { memoryLimitBytes } = memoryOptionsOf(settings.text('memoryLimit') as string)
  const wanted: Wanted = { recall, memoryBytes: memory === undefined ? null : parseBytes(memory, '--memory') }
  return {
    collection,
    wanted,
    data: settings.text('data') as string,
    vector: settings.text('vector'),
    samples: { most, queries, queryFile: settings.text('queries'), format: settings.text('format'), memoryLimitBytes },
    svg: settings.text('svg') ?? `${collection.replaceAll(/[^\p{L}\p{N}._-]/gu, '_')}-tune.svg`,
    dryRun: settings.isOn('dryRun'),
    memoryLimitBytes,
  }
}

/** The choice is applied at the end, so a locked folder is reported before measuring starts. */
function checkUnlocked(folder: string): void {
  const path = join(folder, LOCK_FILE)
  const lock = existsSync(path) ? FileLock.acquire(path) : undefined
  if (lock === null) {
    throw new Failure('LOCKED', `${folder}: a process writes to it; stop it first, or measure with --dry-run`)
  }
  lock?.release()
}

interface Measured {
  trials: Trial[]
  /** The trials that were measured again in turns. */
  final: Trial[]
  vector: ResolvedVector
  present: Configuration
}

/** Reads the folder as a reader does, so it may be in use. */
async function measure(options: Options, signal: AbortSignal): Promise<Measured> {
  const store = await ReaderStore.open(options.data)
  const stored: StoredCollection[] = []
  let aliases: ReadonlyMap<string, string> = new Map()
  let trouble: VicinalError | null = null
  try {
    await store.list({
      add: (collection) => stored.push(collection),
      remove: async () => undefined,
      addNameless: (error) => {
        trouble = error
      },
      setAliases: (found) => {
        aliases = found
      },
      addDamagedAliases: (error) => {
        trouble = error
      },
    })
    const meant = aliases.get(options.collection) ?? options.collection
    const found = stored.find(({ name }) => name === meant)
    if (!found) throw trouble ?? notFound('collection', options.collection)
    const engine = await store.open(found)
    return await measureEngine(engine, options, signal).finally(() => engine.close())
  } finally {
    await store.stop()
    await store.close()
  }
}

async function measureEngine(engine: CollectionEngine, options: Options, signal: AbortSignal): Promise<Measured> {
  const at = vectorAt(engine.config.vectors, options.vector)
  const vector = engine.config.vectors[at] as ResolvedVector
  if (vector.multivectorConfig) {
    throw new UsageError('tune: expected a vector with one row a point; the recall of multivectors is not measured')
  }
  const live = engine.shard.stats().vectors[at]?.live ?? 0
  const samples = await takeSamples(engine.shard, at, vector, options.samples)
  const { vectors, ...rest } = await engine.shard.memory()
  const others = vectors.filter((_, i) => i !== at).flatMap((other) => [other.vectors, other.codes, other.graph])
  const otherBytes = [...Object.values(rest), ...others].reduce((sum, { bytes }) => sum + bytes, 0)
  const { isa, threads } = kernelInfo()
  const part = samples.isPart ? `a sample of ${count(samples.count)}` : `${count(samples.count)} of them`
  const named = vector.name === UNNAMED_VECTOR ? '' : `, vector ${vector.name}`
  print(
    `${options.collection}${named}: ${count(live)} vectors of ${vector.size} dimensions, ${vector.distance}`,
    `measured on ${part}, by ${count(samples.queryCount)} queries: ${samples.source}`,
    `kernel ${isa}, builds on ${threads} ${threads === 1 ? 'thread' : 'threads'}, one query at a time, each the quickest of three`,
    '',
  )
  const laboratory = new Laboratory(samples, vector, { vectors: live, otherBytes }, options.wanted.recall, signal)
  const present = presentOf(vector)
  try {
    return { ...(await runAll(laboratory, vector, present, options.wanted, signal)), vector, present }
  } finally {
    await laboratory.close()
  }
}

async function runAll(
  laboratory: Laboratory,
  vector: ResolvedVector,
  present: Configuration,
  wanted: Wanted,
  signal: AbortSignal,
): Promise<Pick<Measured, 'trials' | 'final'>> {
  const trials: Trial[] = []
  const run = async (builds: Configuration[]) => {
    for (const build of builds) {
      signal.throwIfAborted()
      const measured = await laboratory.run(build)
      trials.push(...measured)
      await laboratory.keep(finalists(trials, present, wanted))
      say(`${build.quantization}, m ${build.m}: built in ${measured[0]?.buildSeconds.toFixed(1)} s`)
    }
  }
  await run(firstBuilds(present, vector.distance))
  await run(furtherBuilds(trials, wanted))
  const final = finalists(trials, present, wanted)
  await laboratory.decide(final)
  return { trials, final }
}

function vectorAt(schema: readonly ResolvedVector[], name: string | undefined): number {
  if (name === undefined && schema.length === 1) return 0
  const at = schema.findIndex((vector) => vector.name === name)
  if (at >= 0) return at
  if (schema.length === 0) throw new UsageError('tune: the collection has no dense vector')
  const names = schema.map((vector) => vector.name || '(unnamed)').join(', ')
  throw new UsageError(`--vector: expected one of ${names}${name === undefined ? '' : `, got ${name}`}`)
}

async function conclude({ trials, final, vector, present }: Measured, options: Concluding): Promise<number> {
  const { collection, wanted, svg } = options
  const choice = choose(final, present, wanted)
  print(...table(trials, wanted, { present, final, chosen: choice?.trial.configuration ?? null }), '')
  writeFileSync(svg, curves(`${collection}: recall and speed`, trials, wanted.recall))
  print(`curves: ${svg}`)
  const limit = wanted.memoryBytes === null ? '' : ` in ${formatBytes(wanted.memoryBytes)}`
  const aim = `recall ${wanted.recall}${limit}`
  if (!choice) {
    print(`no configuration gives ${aim}: ${whyNone(trials, wanted)}; nothing was changed`)
    return NONE_DOES
  }
  const { configuration } = choice.trial
  print(`${aim}: ${describe(configuration)}; ${choice.why}`)
  const { asked } = paceAt(choice.trial, wanted.recall)
  if (asked > wanted.recall) print(`queries that ask for a recall of ${asked} reach it`)
  if (isSame(configuration, present)) print('nothing to change')
  else if (options.dryRun) print('nothing was changed (--dry-run)')
  else await apply(configuration, vector, options)
  return 0
}

function whyNone(trials: readonly Trial[], wanted: Wanted): string {
  const fitting = trials.filter((trial) => fits(trial, wanted))
  if (fitting.length === 0) {
    const least = Math.min(...trials.map(({ memoryBytes }) => memoryBytes))
    return `the smallest takes ${formatBytes(least)}`
  }
  const best = fitting.map((trial) => paceAt(trial, wanted.recall)).filter((pace) => !reaches(pace, wanted.recall))
  return `the best that fits reaches ${Math.max(...best.map(({ recall }) => recall)).toFixed(4)}`
}

async function apply(configuration: Configuration, vector: ResolvedVector, options: Concluding): Promise<void> {
  const { signal } = options
  signal.throwIfAborted()
  const { open } = await import('../index.js')
  const database = await open(options.data)
  try {
    const collection = await database.collection(options.collection)
    const { config } = await collection.info()
    const change = changeTo(configuration, vector)
    await collection.updateConfig(changeOf(change, vector, config.vectors.length === 1))
    options.done.isChanged = true
    await rebuilt(collection, signal)
    await collection.flush()
    print('applied, and the index is rebuilt')
  } finally {
    await database.close()
  }
}

/** Rejects with the reason if building fails. */
async function rebuilt(collection: Collection, signal: AbortSignal): Promise<void> {
  const progress = new Progress('rebuilding')
  for (;;) {
    const { status, indexedVectorsCount: indexed, vectorsCount: all } = await collection.info()
    if (status === 'green') progress.finish(all, 'vectors')
    if (status !== 'yellow') break
    progress.update(indexed / Math.max(1, all), indexed, 'vectors')
    await pause(POLL_MS, undefined, { signal })
  }
  await collection.waitForIndex({ signal })
}

function count(number: number): string {
  return number.toLocaleString('en')
}

function print(...lines: string[]): void {
  process.stdout.write(`${lines.join('\n')}\n`)
}

function say(text: string): void {
  process.stderr.write(`vicinal: ${text}\n`)
}
