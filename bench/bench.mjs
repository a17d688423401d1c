#!/usr/bin/env node
// The benchmark: Vicinal beside its peers, same data, same run. See docs/benchmarks.md.
import { fork, spawnSync } from 'node:child_process'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { BENCH, DATASETS, dataset, isPrepared, runFolder, shape, startRun } from './lib/datasets.mjs'
import { plot } from './lib/plot.mjs'
import { report } from './lib/report.mjs'
import { bracket, rowsOf, verdict } from './lib/verdict.mjs'
import { COMPACT, OURS, SYSTEMS, YARDSTICK } from './systems/index.mjs'

const USAGE = `npm run bench -- [flags]      (in bench/)
  --data words,mnist     data sets
  --systems a,b          of ${Object.keys(SYSTEMS).join(', ')}
  --parts a,b            of libraries, kernel, recall, rebuild, service, ingest
  --limit N              the first N rows only: for trials, not for claims
  --tiny                 a few thousand made-up vectors, vicinal twice and hnswlib-node: the test of the bench itself
  --as-is                measure dist/ as it is; install and build nothing
  --out FOLDER           where results go (default bench/results)`

const PARTS = ['libraries', 'kernel', 'recall', 'rebuild', 'service', 'ingest']
/** Not part of the harness's own test: it needs the addon's objects. */
const TINY_PARTS = PARTS.filter((part) => part !== 'kernel')
const M = 16
const EF_CONSTRUCT = 200
const EFS = [16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512]
const TINY_EFS = [16, 64]

const list = (text) => text.split(',').filter(Boolean)
const say = (text) => process.stderr.write(`bench: ${text}\n`)

async function main() {
  const options = readFlags()
  if (!options.asIs) await prepareAll(options.tiny)
  const run = { ...conditions(), m: M, efConstruct: EF_CONSTRUCT, data: {} }
  for (const name of options.data) run.data[name] = await measure(name, options)
  for (const set of Object.values(run.data)) set.verdict = verdict(set)
  const text = report(run)
  process.stdout.write(text)
  write(run, text, options)
  const failed = Object.values(run.data).flatMap((set) => [...set.verdict.filter((row) => !row.pass), ...errorsOf(set)])
  // A trial's ratios mean nothing; its errors do.
  const isTrial = options.tiny || options.limit > 0
  const errors = Object.values(run.data).flatMap(errorsOf)
  return (isTrial ? errors : failed).length === 0 ? 0 : 1
}

function readFlags() {
  const options = {
    data: { type: 'string', default: 'words,mnist' },
    systems: { type: 'string' },
    parts: { type: 'string' },
    limit: { type: 'string', default: '0' },
    tiny: { type: 'boolean', default: false },
    'as-is': { type: 'boolean', default: false },
    out: { type: 'string', default: join(BENCH, 'results') },
    help: { type: 'boolean', default: false },
  }
  const { values } = parseArgs({ options })
  if (values.help) {
    process.stdout.write(`${USAGE}\n`)
    process.exit(0)
  }
  const systems = values.systems ?? (values.tiny ? [OURS, COMPACT, YARDSTICK] : Object.keys(SYSTEMS)).join(',')
  const flags = {
    data: values.tiny ? ['tiny'] : list(values.data),
    systems: list(systems),
    parts: list(values.parts ?? (values.tiny ? TINY_PARTS : PARTS).join(',')),
    limit: Number(values.limit),
    tiny: values.tiny,
    asIs: values['as-is'],
    out: values.out,
  }
  refuseUnknown('--data', flags.data, Object.keys(DATASETS))
  refuseUnknown('--systems', flags.systems, Object.keys(SYSTEMS))
  refuseUnknown('--parts', flags.parts, PARTS)
  return flags
}

function refuseUnknown(flag, given, known) {
  const unknown = given.filter((value) => !known.includes(value))
  if (unknown.length === 0) return
  process.stderr.write(`${flag}: no ${unknown.join(', ')}; there are ${known.join(', ')}\n${USAGE}\n`)
  process.exit(2)
}

async function prepareAll(tiny) {
  const { installPeers, prepareProduct } = await import('./lib/install.mjs')
  prepareProduct()
  // The tiny run makes do with the packages of the product's own tests.
  if (!tiny) installPeers()
}

function conditions() {
  const git = (...args) => spawnSync('git', args, { cwd: BENCH, encoding: 'utf8' }).stdout?.trim() ?? ''
  const changed = git('status', '--porcelain', '--untracked-files=no', '--', '..') === '' ? '' : ' (with changes)'
  return {
    date: new Date().toISOString(),
    commit: `${git('rev-parse', '--short', 'HEAD') || 'unknown'}${changed}`,
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: cpus().length,
    node: process.version,
  }
}

async function measure(name, { systems, parts, limit, tiny }) {
  const set = dataset(name, limit)
  if (!isPrepared(set))
    await inChild(`preparing ${name}: rows, held-out queries, exact neighbours`, 'prepare', { data: name, limit })
  const common = { data: name, limit, m: M, efConstruct: EF_CONSTRUCT, efs: tiny ? TINY_EFS : EFS }
  const { count, dim } = shape(set.base)
  const result = {
    name,
    rows: count,
    dim,
    distance: set.distance,
    queries: shape(set.queriesFile).count,
    limit,
    systems: {},
  }
  const wants = (part) => parts.includes(part)
  if (wants('libraries')) {
    for (const system of systems) result.systems[system] = await measureSystem(system, common)
  }
  if (systems.includes(OURS)) await measureOurs(result, common, wants)
  return result
}

async function measureSystem(system, common) {
  const result = {}
  try {
    result.build = await inChild(`${common.data}: ${system} builds`, 'build', { ...common, system })
    result.search = await inChild(`${common.data}: ${system} opens and searches`, 'search', { ...common, system })
    result.memory = await inChild(`${common.data}: memory of ${system}`, 'memory', { ...common, system })
  } catch (error) {
    // One system that fails must not cost the others' numbers.
    say(`${system} failed: ${error.message}`)
    result.error = error.message
  }
  return result
}

async function measureOurs(result, common, wants) {
  const { data } = common
  const attempt = async (key, what, name, options) => {
    try {
      return await inChild(`${data}: ${what}`, name, options)
    } catch (error) {
      say(`${what} failed: ${error.message}`)
      result.errors = { ...result.errors, [key]: error.message }
      return undefined
    }
  }
  const own = result.systems[OURS]?.search?.rows
  if (wants('kernel')) result.kernel = await attempt('kernel', 'the kernel beside C++ hnswlib', 'kernel', common)
  if (wants('recall')) result.recall = await attempt('recall', 'recall asked for and got', 'recall', common)
  if (wants('rebuild') && own) result.rebuild = await attempt('rebuild', 'rebuilding from the table', 'rebuild', common)
  if (wants('service') && own) {
    const efs = bracket(rowsOf(own, 1))
    result.service = await attempt('service', 'searching through the service', 'service', { ...common, efs })
  }
  if (wants('ingest')) {
    result.ingest = {
      library: await attempt('library', 'ingesting through the library', 'ingest', { ...common, through: 'library' }),
      service: await attempt('ingest', 'ingesting through the service', 'ingest', { ...common, through: 'service' }),
      profile: await attempt('profile', 'the same under a profiler', 'ingest', {
        ...common,
        through: 'service',
        profile: true,
      }),
    }
  }
}

function errorsOf(set) {
  return [...Object.values(set.systems).map(({ error }) => error), ...Object.values(set.errors ?? {})].filter(Boolean)
}

/** Memory for parsing 300 MB of JSON; indexes live outside of this heap. */
const HEAP_MB = 4096
/** For the memory case: garbage of the harness is kept from growing the heap by tens of megabytes. */
const SMALL_YOUNG_GENERATION = '--max-semi-space-size=1'

function inChild(what, name, options) {
  const started = performance.now()
  say(what)
  const flags = [
    '--expose-gc',
    `--max-old-space-size=${HEAP_MB}`,
    ...(name === 'memory' ? [SMALL_YOUNG_GENERATION] : []),
  ]
  const child = fork(join(BENCH, 'case.mjs'), { execArgv: flags })
  return new Promise((resolve, reject) => {
    let answer
    child.once('message', (message) => {
      answer = message
    })
    child.once('error', reject)
    child.once('exit', (code, signal) => {
      if (!answer) return reject(new Error(`the process ended with ${signal ?? code} and no result`))
      if (answer.error) return reject(new Error(answer.error))
      say(`${what}: done in ${((performance.now() - started) / 1000).toFixed(1)} s`)
      resolve(answer.result)
    })
    child.send({ name, options })
  })
}

function write(run, text, { out, data, limit }) {
  mkdirSync(out, { recursive: true })
  const stem = `${run.date.slice(0, 19).replaceAll(':', '')}-${run.commit.split(' ')[0]}${limit > 0 ? `-first-${limit}` : ''}`
  writeFileSync(join(out, `${stem}.json`), `${JSON.stringify(run, null, 1)}\n`)
  writeFileSync(join(out, `${stem}.md`), text)
  for (const name of data) {
    const { rows, dim, distance, systems } = run.data[name]
    const svg = plot(`${name}: ${rows.toLocaleString('en-US')} × ${dim}, ${distance}, M ${M}`, systems)
    if (svg) writeFileSync(join(out, `${stem}-${name}.svg`), svg)
  }
  say(`results are in ${join(out, stem)}.*`)
}

startRun()
try {
  process.exitCode = await main()
} finally {
  rmSync(runFolder(), { recursive: true, force: true })
}
