#!/usr/bin/env node
// Entry of every `npm run`: does the set-up that is missing, says what it does, then the task itself.
// Imports nothing but node: modules, because on a fresh clone there is nothing else.
import { pathToFileURL } from 'node:url'
import { check } from './check.mjs'
import { prebuild } from './prebuild.mjs'
import { path, say } from './process.mjs'
import { buildNative, buildOracle, compile, install, installClients } from './setup.mjs'
import { fuzzSegments, nativeTests, packagingTests, report, suite, suitesOfLowerSets } from './test.mjs'
import { ensureTools } from './tools.mjs'

const TASKS = {
  start,
  test,
  check: checkTask,
  'test:native': testNative,
  'test:isa': testIsa,
  'fuzz:segments': fuzzSegmentFiles,
  'fuzz:snapshots': fuzzSnapshots,
  build,
  prebuild: prebuildTask,
}

async function start(flags) {
  prepare()
  process.argv = [process.argv[0], path('dist/cli/main.js'), 'serve', ...flags]
  await import(pathToFileURL(path('dist/cli/main.js')).href)
}

/** Everything, or with arguments only the test files whose paths contain one of them. */
function test(filters) {
  install()
  installClients()
  ensureTools()
  prepare()
  buildOracle()
  if (filters.length > 0) return report([suite('vitest', filters)])
  return report([check(), nativeTests(), suite('vitest', []), packagingTests()])
}

function checkTask() {
  install()
  installClients()
  ensureTools()
  return report([check()])
}

function testNative() {
  install()
  ensureTools()
  return report([nativeTests()])
}

/** Without the kernel's own tests, which `test:native` runs with each instruction set as it is. */
function testIsa(filters) {
  install()
  installClients()
  ensureTools()
  prepare()
  buildOracle()
  return report(suitesOfLowerSets(filters))
}

/** How many files, and the seed of the first. */
function fuzzSegmentFiles([rounds = '10000', seed]) {
  install()
  ensureTools()
  return report([fuzzSegments(rounds, seed)])
}

/** So many snapshots that are nearly right, from a seed: `npm run fuzz:snapshots -- 10000 7`. */
function fuzzSnapshots([runs = '1000', seed]) {
  prepare()
  const env = { VICINAL_FUZZ_RUNS: runs, ...(seed === undefined ? {} : { VICINAL_TEST_SEED: seed }) }
  return report([suite('fuzz-snapshots', ['test/durability/snapshot-fuzz.test.ts'], 'main', env)])
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
