#!/usr/bin/env node
// Entry of every `npm run`: does the set-up that is missing, says what it does, then the task itself.
// Imports nothing but node: modules, because on a fresh clone there is nothing else.
import { spawn } from 'node:child_process'
import { pathToFileURL } from 'node:url'
import { check, checkKernelFormat } from './check.mjs'
import { slowest } from './durations.mjs'
import { history, optionsOf, usage } from './history.mjs'
import { prebuild } from './prebuild.mjs'
import { path, say } from './process.mjs'
import { buildNative, buildOracle, compile, install, installClients } from './setup.mjs'
import { isOfRandomInput, suites } from './suites.mjs'
import { fuzzSegments, nativeTests, report, soak, suite, suitesOfLowerSets } from './test.mjs'
import { COMPILERS, ensureTools } from './tools.mjs'

/** Of continuous integration, so that its outcome depends on the change alone. */
const CI_SEED = '20261201'
const RETRIED = { VICINAL_TEST_RETRY: '1' }
const SNAPSHOT_FUZZ = ['test/durability/snapshot-fuzz.test.ts']

const TASKS = {
  start,
  test,
  'test:ci': testCi,
  'test:full': testFull,
  ci,
  check: checkTask,
  'test:native': testNative,
  'test:isa': testIsa,
  'fuzz:segments': fuzzSegmentFiles,
  'fuzz:snapshots': fuzzSnapshots,
  history: historyTask,
  steady,
  slowest,
  build,
  prebuild: prebuildTask,
}

async function start(flags) {
  prepare()
  process.argv = [process.argv[0], path('dist/cli/main.js'), 'serve', ...flags]
  await import(pathToFileURL(path('dist/cli/main.js')).href)
}

/** Checks and the quick tests; with arguments the test files whose paths contain one of them. */
function test(filters) {
  if (filters.length === 0) return report(quick())
  prepareTests()
  return report([suite('vitest', filters)])
}

/** The suites that continuous integration needs beyond `npm test`. */
function testCi() {
  return report(beyondQuick())
}

/** Both, as one sum, from one seed. A skipped suite counts as failed, and a test that failed is run once more. */
function ci() {
  process.env.VICINAL_TEST_SEED ??= CI_SEED
  ensureTools()
  return report([...quick(RETRIED), ...beyondQuick(RETRIED)], true)
}

/**
 * `npm run test:ci` so many times in a row, 5 without a number, while another process takes one core. Ends with the first
 * round that fails.
 */
function steady([rounds = '5']) {
  const load = spawn(process.execPath, ['-e', `while (process.ppid === ${process.pid});`], { stdio: 'ignore' })
  process.on('exit', () => load.kill())
  for (let round = 1; round <= Number(rounds); round++) {
    say(`round ${round} of ${rounds}, beside a process that takes one core`)
    report(beyondQuick(), true)
    if (process.exitCode !== 0) return
  }
}

/** Everything there is: hours. */
function testFull() {
  return report([
    ...quick(),
    ...beyondQuick(),
    ...suitesOfLowerSets([]),
    soak(),
    fuzzSegments('10000'),
    suite('fuzz-snapshots', SNAPSHOT_FUZZ, 'main', { VICINAL_FUZZ_RUNS: '10000' }),
  ])
}

function quick(env = {}) {
  install()
  // The types of tests are checked, so their imports are installed.
  installClients()
  ensureTools(COMPILERS)
  buildNative()
  compile()
  return [check(), nativeTests(['plain'], env), ...mainSuites('quick', suites().quick, env)]
}

function beyondQuick(env = {}) {
  prepareTests()
  const { beyond, packaging } = suites()
  return [
    checkKernelFormat(),
    nativeTests(['asan', 'tsan', 'isa', 'arm'], env),
    ...mainSuites('beyond', beyond, env),
    suite('packaging', packaging, 'packaging'),
  ]
}

/** Where tests are retried, those of random input are apart and are not: a random find is a true one. */
function mainSuites(name, files, env) {
  if (env !== RETRIED) return [suite(name, files, 'main', env)]
  return [
    suite(
      name,
      files.filter((file) => !isOfRandomInput(file)),
      'main',
      env,
    ),
    suite(`${name}-random`, files.filter(isOfRandomInput), 'main'),
  ]
}

function prepareTests() {
  install()
  installClients()
  ensureTools()
  prepare()
  buildOracle()
}

function checkTask() {
  install()
  installClients()
  return report([check(), checkKernelFormat()])
}

function testNative(filters) {
  install()
  ensureTools()
  buildNative()
  return report([nativeTests(filters)])
}

/** Without the kernel's own tests, which `test:native` runs with each instruction set as it is. */
function testIsa(filters) {
  prepareTests()
  return report(suitesOfLowerSets(filters))
}

/** Takes the number of files, and the seed of the first. */
function fuzzSegmentFiles([rounds = '10000', seed]) {
  install()
  ensureTools()
  return report([fuzzSegments(rounds, seed)])
}

/** So many snapshots that are nearly right, from a seed: `npm run fuzz:snapshots -- 10000 7`. */
function fuzzSnapshots([runs = '1000', seed]) {
  prepare()
  const env = { VICINAL_FUZZ_RUNS: runs, ...(seed === undefined ? {} : { VICINAL_TEST_SEED: seed }) }
  return report([suite('fuzz-snapshots', SNAPSHOT_FUZZ, 'main', env)])
}

/** Rounds of faults on several nodes: `npm run history -- --rounds 200 --seed 7 --store s3`. */
async function historyTask(args) {
  const options = optionsOf(args)
  if (options) prepare()
  process.exitCode = options ? await history(options) : usage()
}

function build() {
  prepare()
}

/** The parts that `npm pack` needs: dist/ and the kernel for this platform. */
function prebuildTask() {
  prepare()
  prebuild()
}

function prepare() {
  install()
  buildNative()
  compile()
}

const [name = '', ...rest] = process.argv.slice(2)
if (!Object.hasOwn(TASKS, name)) {
  say(`usage: node scripts/run.mjs ${Object.keys(TASKS).join('|')} [arguments]`)
  process.exit(2)
}
await TASKS[name](rest)
