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
async function test(filters) {
  if (filters.length > 0) {
    prepareTests()
    return report([await suite('vitest', filters)])
  }
  prepareQuick()
  report(await beside(nativeTests(['plain']), quick()))
}

/** The suites that continuous integration needs beyond `npm test`. */
async function testCi() {
  prepareTests()
  report(await beyondQuick())
}

/** Both, as one sum, from one seed. A skipped suite counts as failed, and a test that failed is run once more. */
async function ci() {
  process.env.VICINAL_TEST_SEED ??= CI_SEED
  prepareTests()
  const native = nativeTests(['plain', ...SLOW_VARIANTS], RETRIED)
  report(await beside(native, [...quick(RETRIED), ...beyond(RETRIED)]), true)
}

/**
 * `npm run test:ci` so many times in a row, 5 without a number, while another process takes one core. Ends with the first
 * round that fails.
 */
async function steady([rounds = '5']) {
  const load = spawn(process.execPath, ['-e', `while (process.ppid === ${process.pid});`], { stdio: 'ignore' })
  process.on('exit', () => load.kill())
  for (let round = 1; round <= Number(rounds); round++) {
    say(`round ${round} of ${rounds}, beside a process that takes one core`)
    prepareTests()
    report(await beyondQuick(), true)
    if (process.exitCode !== 0) return
  }
}

/** Everything there is: hours. */
async function testFull() {
  prepareTests()
  const tasks = [
    ...quick(),
    ...beyond(),
    ...suitesOfLowerSets([]),
    soak,
    () => fuzzSegments('10000'),
    () => suite('fuzz-snapshots', SNAPSHOT_FUZZ, 'main', { VICINAL_FUZZ_RUNS: '10000' }),
  ]
  report(await beside(nativeTests(), tasks))
}

/** Variants of the kernel's tests that only `npm run test:ci` has. */
const SLOW_VARIANTS = ['asan', 'tsan', 'isa', 'arm']

const beyondQuick = () => beside(nativeTests(SLOW_VARIANTS), beyond())

/** Each task of `npm test` but the kernel's returns a part of the report. */
const quick = (env = {}) => [check, ...mainSuites('quick', suites().quick, env)]

function beyond(env = {}) {
  const { beyond, packaging } = suites()
  return [checkKernelFormat, ...mainSuites('beyond', beyond, env), () => suite('packaging', packaging, 'packaging')]
}

/** The kernel's tests compute and most suites wait, so together they take less time than one after the other. */
const beside = async (native, tasks) => [...(await inTurn(tasks)), await native]

async function inTurn(tasks) {
  const parts = []
  for (const task of tasks) parts.push(await task())
  return parts
}

/** Where tests are retried, those of random input are apart and are not: a random find is a true one. */
function mainSuites(name, files, env) {
  if (env !== RETRIED) return [() => suite(name, files, 'main', env)]
  const [steady, random] = [files.filter((file) => !isOfRandomInput(file)), files.filter(isOfRandomInput)]
  return [() => suite(name, steady, 'main', env), () => suite(`${name}-random`, random, 'main')]
}

function prepareQuick() {
  install()
  // The types of tests are checked, so their imports are installed.
  installClients()
  ensureTools(COMPILERS)
  buildNative()
  compile()
}

function prepareTests() {
  install()
  installClients()
  ensureTools()
  prepare()
  buildOracle()
}

async function checkTask() {
  install()
  installClients()
  report(await inTurn([check, checkKernelFormat]))
}

async function testNative(filters) {
  install()
  ensureTools()
  buildNative()
  report([await nativeTests(filters)])
}

/** Without the kernel's own tests, which `test:native` runs with each instruction set as it is. */
async function testIsa(filters) {
  prepareTests()
  report(await inTurn(suitesOfLowerSets(filters)))
}

/** Takes the number of files, and the seed of the first. */
async function fuzzSegmentFiles([rounds = '10000', seed]) {
  install()
  ensureTools()
  report([await fuzzSegments(rounds, seed)])
}

/** So many snapshots that are nearly right, from a seed: `npm run fuzz:snapshots -- 10000 7`. */
async function fuzzSnapshots([runs = '1000', seed]) {
  prepare()
  const env = { VICINAL_FUZZ_RUNS: runs, ...(seed === undefined ? {} : { VICINAL_TEST_SEED: seed }) }
  report([await suite('fuzz-snapshots', SNAPSHOT_FUZZ, 'main', env)])
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
