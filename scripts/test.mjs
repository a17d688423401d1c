// Runs the parts of the test suite and adds up what they report.
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs'
import { relative } from 'node:path'
import { keepDurations, took } from './durations.mjs'
import { MOST_UNSTEADY } from './native-run.mjs'
import { ended, path, ROOT, say } from './process.mjs'

/**
 * A part is { name, passed, failed, skipped }, where whole suites were skipped their names in `skippedSuites`, and what
 * failed in `failures`, and what passed only when run once more in `unsteady`. With `isStrict` skipped suites count as
 * failed. A part that reports nothing counts as failed, and so do more than MOST_UNSTEADY unsteady tests. Unsteady and failed tests are
 * told once more at the end, for a log may keep no more than its last lines.
 */
export function report(parts, isStrict = false) {
  const unsteady = parts.flatMap((part) => part.unsteady ?? [])
  for (const each of unsteady) say(`unsteady: ${each}`)
  if (unsteady.length > MOST_UNSTEADY) {
    const failure = `${unsteady.length} tests are unsteady, and at most ${MOST_UNSTEADY} may be`
    parts.push({ name: 'steadiness', passed: 0, failed: 1, skipped: 0, failures: [failure] })
  }
  for (const part of isStrict ? parts : []) {
    for (const name of part.skippedSuites ?? []) say(`${part.name}: "${name}" was skipped, and here nothing may be`)
    part.failed += part.skippedSuites?.length ?? 0
  }
  for (const line of keepDurations()) say(line)
  for (const failure of parts.flatMap((part) => part.failures ?? [])) say(`failed: ${failure}`)
  const sum = (key) => parts.reduce((total, part) => total + part[key], 0)
  for (const part of parts) say(`${part.name}: ${part.passed} passed, ${part.failed} failed, ${part.skipped} skipped`)
  const passed = sum('passed')
  const failed = sum('failed')
  const skipped = sum('skipped')
  process.stdout.write(`\n${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}\n`)
  process.exitCode = failed > 0 || passed === 0 ? 1 : 0
}

/** Test files of a vitest project by its JSON report: whole paths, each of which must be run, or parts of paths. */
export async function suite(name, filters, project, env = {}, root = ROOT) {
  const out = path(`.cache/${name}.json`)
  const outside = path(`.cache/${name}-outside-tests.json`)
  mkdirSync(path('.cache'), { recursive: true })
  for (const file of [out, outside]) rmSync(file, { force: true })
  const at = ['--root', root, '--config', path('vitest.config.ts')]
  const reporters = ['default', 'json', path('scripts/unhandled-errors.mjs')].map((one) => `--reporter=${one}`)
  const args = ['run', ...at, ...reporters, `--outputFile.json=${out}`, ...filters]
  if (project) args.push('--project', project)
  const child = await ended(process.execPath, [path('node_modules/vitest/vitest.mjs'), ...args], {
    stdio: ['ignore', 2, 2],
    env: { ...process.env, NODE_ENV: 'test', VICINAL_UNHANDLED_ERRORS: outside, ...env },
  })
  if (!existsSync(out)) return { name, passed: 0, failed: 1, skipped: 0 }
  const result = JSON.parse(readFileSync(out, 'utf8'))
  for (const file of result.testResults) took(relative(ROOT, file.name), (file.endTime - file.startTime) / 1000)
  // A file that fails to load has no tests of its own.
  const unloaded = result.testResults.filter((file) => file.status === 'failed' && file.assertionResults.length === 0)
  const missing = filters.filter((file) => isWhole(file) && !result.testResults.some(({ name }) => name === path(file)))
  for (const file of missing) say(`${name}: ${file} was not run`)
  const unhandled = existsSync(outside) ? JSON.parse(readFileSync(outside, 'utf8')).map(outsideTests) : []
  const failed = result.numFailedTests + unloaded.length + missing.length + unhandled.length
  return {
    name,
    passed: result.numPassedTests,
    failed: failed === 0 && child.status !== 0 ? 1 : failed,
    skipped: result.numPendingTests + result.numTodoTests,
    skippedSuites: skippedSuites(result.testResults),
    failures: [...result.testResults.flatMap(failuresOf), ...unhandled],
    unsteady: result.testResults.flatMap(unsteadyOf),
  }
}

const LINES_OF_FAILURE = 12

/** The failed tests of a file, each with the first lines of its error. */
function failuresOf(file) {
  const failed = file.assertionResults.filter((test) => test.status === 'failed')
  if (failed.length === 0 && file.status === 'failed') return [`${relative(ROOT, file.name)}: ${file.message}`]
  return failed.map((test) => textOf(file, test))
}

/** The tests of a file that passed when they were run once more, each with the first lines of its error. */
const unsteadyOf = (file) =>
  file.assertionResults
    .filter((test) => test.status === 'passed' && test.failureMessages.length > 0)
    .map((test) => textOf(file, test))

function textOf(file, { fullName, failureMessages }) {
  return `${relative(ROOT, file.name)}: ${fullName}\n${firstLines(failureMessages.join('\n'))}`
}

const outsideTests = (text) => `outside every test, ${firstLines(text)}`
const firstLines = (text) => text.split('\n').slice(0, LINES_OF_FAILURE).join('\n')

const isWhole = (filter) => filter.endsWith('.test.ts')

/** Files, and outermost groups of their tests, of which no test was run. */
function skippedSuites(files) {
  const groups = new Map()
  for (const file of files) {
    for (const test of file.assertionResults) {
      const names = [relative(ROOT, file.name), `${relative(ROOT, file.name)}: ${test.ancestorTitles[0] ?? ''}`]
      for (const name of names) groups.set(name, (groups.get(name) ?? false) || !IS_SKIPPED.has(test.status))
    }
  }
  return [...groups].filter(([, wasRun]) => !wasRun).map(([name]) => name)
}

const IS_SKIPPED = new Set(['skipped', 'pending', 'todo', 'disabled'])

/** The suite once more for each instruction set below the best, as on processors that have no other: one task each. */
export const suitesOfLowerSets = (filters) =>
  (process.arch === 'x64' ? ['avx2', 'scalar'] : ['scalar']).map(
    (isa) => () => suite(`vitest-${isa}`, filters, 'main', { VICINAL_ISA: isa }),
  )

/** The fault tests twenty times as long. */
export const soak = () =>
  suite(
    'soak',
    [
      ...['kill', 'power-loss', 'io-errors', 'damage', 'model'].map((name) => `test/durability/${name}.test.ts`),
      'test/stores/damage.test.ts',
    ],
    'main',
    { VICINAL_SOAK: '20' },
  )

/**
 * As many files with wrong contents, in the kernel under AddressSanitizer: half are segment files, half payload index
 * files.
 */
export const fuzzSegments = (rounds, seed) =>
  nativeTests(['asan', ...['segment', 'payload index'].map((kind) => `${kind} files with right checksums`)], {
    VICINAL_FUZZ_ROUNDS: String(Math.ceil(Number(rounds) / 2)),
    ...(seed === undefined ? {} : { VICINAL_TEST_SEED: seed }),
  })

export async function nativeTests(chosen = [], env = {}) {
  const child = await ended(process.execPath, [path('scripts/test-native.mjs'), ...chosen], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 2],
  })
  process.stderr.write(child.stdout)
  const line = /^native: (\d+) passed, (\d+) failed(?:, (\d+) skipped)?$/m.exec(child.stdout)
  for (const [, name, seconds] of child.stdout.matchAll(/^native: "(.*)" took ([\d.]+) s$/gm))
    took(name, Number(seconds))
  const [passed, failed, skipped] = line ? line.slice(1).map((text) => Number(text ?? 0)) : [0, 1, 0]
  return {
    name: ['native', ...chosen].join(' '),
    passed,
    failed: failed === 0 && child.status !== 0 ? 1 : failed,
    skipped,
    skippedSuites: [...child.stdout.matchAll(/^native: (\w+) skipped/gm)].map(([, variant]) => variant),
    ...JSON.parse(/^native: told (.*)$/m.exec(child.stdout)?.[1] ?? '{}'),
  }
}
