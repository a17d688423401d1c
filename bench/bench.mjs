#!/usr/bin/env node
// The benchmark: Vicinal beside its peers, same data, same run. See docs/benchmarks.md.
import { spawnSync } from 'node:child_process'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { cpus, loadavg } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { say } from './lib/child.mjs'
import { BENCH, DATASETS, runFolder, startRun } from './lib/datasets.mjs'
import {
  dataOf,
  measure,
  measureMachine,
  measureMaxSim,
  PARAMETERS,
  PARTS,
  SYSTEM_NAMES,
  TINY_PARTS,
} from './lib/parts.mjs'
import { plot } from './lib/plot.mjs'
import { maxsimVerdict } from './lib/query-report.mjs'
import { report } from './lib/report.mjs'
import { scalePlot } from './lib/scale-report.mjs'
import { verdict } from './lib/verdict.mjs'
import { COMPACT, OURS, YARDSTICK } from './systems/index.mjs'

const USAGE = `npm run bench -- [flags]      (in bench/)
  --data a,b             of words, glosses, mnist (default all)
  --systems a,b          of ${SYSTEM_NAMES.join(', ')}
  --parts a,b            of ${PARTS.join(', ')}
  --limit N              the first N rows only: for trials, not for claims
  --tiny                 a few thousand made-up vectors, vicinal twice and hnswlib-node: the test of the bench itself
  --as-is                measure dist/ as it is; install and build nothing
  --out FOLDER           where results go (default bench/results)`

const list = (text) => text.split(',').filter(Boolean)

async function main() {
  const options = readFlags()
  if (!options.asIs) await prepareAll(options)
  const run = { ...conditions(), ...PARAMETERS, data: {} }
  for (const name of dataOf(options)) run.data[name] = await measure(name, options)
  run.maxsim = await measureMaxSim(options)
  run.micro = await measureMachine(options)
  for (const set of Object.values(run.data)) set.verdict = verdict(set)
  const text = report(run)
  process.stdout.write(text)
  write(run, text, options)
  const missed = run.maxsim ? [...maxsimVerdict(run.maxsim)].filter((row) => !row.pass) : []
  const failed = Object.values(run.data).flatMap(({ verdict }) => verdict.filter((row) => !row.pass))
  const errors = Object.values(run.data).flatMap(errorsOf)
  // A trial's ratios mean nothing. Its errors do, and so do promises that hold for any data.
  if (options.tiny) return errors.length === 0 ? 0 : 1
  const counted = options.limit > 0 ? failed.filter((row) => row.ofAnyData) : [...failed, ...missed]
  return errors.length + counted.length === 0 ? 0 : 1
}

function readFlags() {
  const options = {
    data: { type: 'string', default: 'words,glosses,mnist' },
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
  const systems = values.systems ?? (values.tiny ? [OURS, COMPACT, YARDSTICK] : SYSTEM_NAMES).join(',')
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
  refuseUnknown('--systems', flags.systems, SYSTEM_NAMES)
  refuseUnknown('--parts', flags.parts, PARTS)
  return flags
}

function refuseUnknown(flag, given, known) {
  const unknown = given.filter((value) => !known.includes(value))
  if (unknown.length === 0) return
  process.stderr.write(`${flag}: no ${unknown.join(', ')}; there are ${known.join(', ')}\n${USAGE}\n`)
  process.exit(2)
}

async function prepareAll({ tiny, systems }) {
  const { installPeers, prepareProduct } = await import('./lib/install.mjs')
  prepareProduct()
  // The tiny run makes do with the packages of the product's own tests.
  if (!tiny) installPeers({ yardstick: systems.includes(YARDSTICK) })
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
    // Load of the minute before: other work slows the measurements, and not all alike.
    load: loadavg()[0],
  }
}

function errorsOf(set) {
  return [...Object.values(set.systems).map(({ error }) => error), ...Object.values(set.errors ?? {})].filter(Boolean)
}

function write(run, text, { out, limit }) {
  mkdirSync(out, { recursive: true })
  const stem = `${run.date.slice(0, 19).replaceAll(':', '')}-${run.commit.split(' ')[0]}${limit > 0 ? `-first-${limit}` : ''}`
  writeFileSync(join(out, `${stem}.json`), `${JSON.stringify(run, null, 1)}\n`)
  writeFileSync(join(out, `${stem}.md`), text)
  for (const name of Object.keys(run.data)) {
    const { rows, dim, distance, systems, scale } = run.data[name]
    const svg = plot(`${name}: ${rows.toLocaleString('en-US')} × ${dim}, ${distance}, M ${run.m}`, systems)
    if (svg) writeFileSync(join(out, `${stem}-${name}.svg`), svg)
    if (scale) writeFileSync(join(out, `${stem}-${name}-scale.svg`), scalePlot(scale))
  }
  say(`results are in ${join(out, stem)}.*`)
}

startRun()
try {
  process.exitCode = await main()
} finally {
  rmSync(runFolder(), { recursive: true, force: true })
}
