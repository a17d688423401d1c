/** The scripts that run tests: what they count as passed, failed and unsteady. */
import { spawnSync } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { afterEach, describe, expect, test } from 'vitest'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const script = (name: string) => JSON.stringify(pathToFileURL(join(ROOT, 'scripts', name)).href)
const folders: string[] = []
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true })
})

/** Within the tree, where test files find vitest. */
function folder(): string {
  mkdirSync(join(ROOT, '.cache'), { recursive: true })
  const made = mkdtempSync(join(ROOT, '.cache', 'test-runner-'))
  folders.push(made)
  return made
}

/** The end of a module that is run by itself, as the scripts are. */
function run(code: string, env: Record<string, string> = {}) {
  const { VICINAL_TEST_RETRY, VITEST, ...own } = process.env
  const args = ['--input-type=module', '--eval', code]
  const child = spawnSync(process.execPath, args, { cwd: ROOT, encoding: 'utf8', env: { ...own, ...env } })
  const sum = child.stdout.trim().split('\n').at(-1) ?? ''
  return { sum, status: child.status, told: child.stderr }
}

const RETRY = { VICINAL_TEST_RETRY: '1' }

describe('test files', () => {
  /** Reports a run of test files with these texts. */
  function reported(env: Record<string, string>, ...texts: string[]) {
    const root = folder()
    mkdirSync(join(root, 'test'))
    for (const [at, text] of texts.entries())
      writeFileSync(join(root, `test/t${at}.test.ts`), `import { expect, test } from 'vitest'\n${text}`)
    const code = `import { report, suite } from ${script('test.mjs')}
report([await suite('runner', [], 'main', ${JSON.stringify(env)}, ${JSON.stringify(root)})])`
    return run(code)
  }
  const FLAKY = "let times = 0\ntest('flaky', () => expect(++times).toBe(2))\n"

  test('a test that passes only in its second run is passed, and told as unsteady with its error', () => {
    const { sum, status, told } = reported(RETRY, `${FLAKY}test('steady', () => {})`)
    expect({ sum, status }).toEqual({ sum: '2 passed, 0 failed', status: 0 })
    expect(told).toMatch(/^vicinal: unsteady: .*t0\.test\.ts: flaky\nAssertionError: expected 1 to be 2/m)
  })

  test('more than two unsteady tests fail the run', () => {
    expect(reported(RETRY, FLAKY, FLAKY).sum).toBe('2 passed, 0 failed')
    const { sum, status, told } = reported(RETRY, FLAKY, FLAKY, FLAKY)
    expect({ sum, status }).toEqual({ sum: '3 passed, 1 failed', status: 1 })
    expect(told).toContain('failed: 3 tests are unsteady, and at most 2 may be')
  })

  test('no test is run twice unless the environment asks for it', () => {
    const { sum, told } = reported({}, FLAKY)
    expect(sum).toBe('0 passed, 1 failed')
    expect(told).not.toContain('unsteady')
  })

  test('properties draw from the seed of the run', () => {
    const text = `import fc from ${JSON.stringify(join(ROOT, 'test/oracle/properties.js'))}
test('seeded', () => expect(fc.readConfigureGlobal().seed).toBe(7))`
    expect(reported({ VICINAL_TEST_SEED: '7' }, text).sum).toBe('1 passed, 0 failed')
    const files = readdirSync(join(ROOT, 'test'), { recursive: true, encoding: 'utf8' })
    const others = files.filter(
      (file) =>
        /^(?!.*node_modules).*\.ts$/.test(file) &&
        file !== 'oracle/properties.ts' &&
        file !== 'unit/test-runner.test.ts',
    )
    const unseeded = others.filter((file) =>
      readFileSync(join(ROOT, 'test', file), 'utf8').includes("from 'fast-check'"),
    )
    expect(unseeded).toEqual([])
  })

  test('a test that fails twice is failed, and so is a run with a crash', () => {
    expect(reported(RETRY, "test('broken', () => expect(1).toBe(2))").sum).toBe('0 passed, 1 failed')
    const { sum, status } = reported(RETRY, FLAKY, "test('crash', () => process.abort())")
    expect({ sum, status }).toEqual({ sum: '1 passed, 1 failed', status: 1 })
  })
})

describe("the kernel's tests", () => {
  /** Runs a program that is written in shell and knows how often it was started. */
  function ran(env: Record<string, string>, first: string, later: string) {
    const root = folder()
    const program = join(root, 'program')
    writeFileSync(
      program,
      `#!/bin/sh\necho "$@" >> ${root}/starts\nif [ "$(wc -l < ${root}/starts)" = 1 ]; then\n${first}\nelse\n${later}\nfi\n`,
    )
    chmodSync(program, 0o755)
    const code = `import { runTests } from ${script('native-run.mjs')}
const run = { env: { VICINAL_TEST_PART: '0/2' } }
console.log(JSON.stringify(await runTests('plain', ${JSON.stringify(program)}, run, [])))`
    return JSON.parse(run(code, env).sum)
  }
  const CHECKED = 'native/test/a.cpp:7: recall >= 0.9: 0.8 is less than 0.9'
  const FAILS = `echo "  ${CHECKED}"\necho "FAILED a test"\necho "4 passed, 1 failed"\nexit 1`
  const PASSES = '[ "$*" = "a test" ] && [ -z "$VICINAL_TEST_PART" ] || exit 3\necho "1 passed, 0 failed"'
  const TEXT = `plain 0/2: a test\n${CHECKED}`

  test('a test that passes when it is run once more by its name is unsteady', () => {
    expect(ran(RETRY, FAILS, PASSES)).toEqual({ passed: 5, failed: 0, failures: [], unsteady: [TEXT] })
    expect(ran(RETRY, FAILS, FAILS)).toEqual({ passed: 4, failed: 1, failures: [TEXT], unsteady: [] })
    expect(ran({}, FAILS, PASSES)).toEqual({ passed: 4, failed: 1, failures: [TEXT], unsteady: [] })
  })

  test.each([
    ['a crash', 'echo "FAILED a test"\nkill -6 $$'],
    ['a report of a sanitizer', `echo "WARNING: ThreadSanitizer: data race"\n${FAILS}`],
    ['a round of fuzzing', `echo "  the round: VICINAL_FUZZ_ROUNDS=1 VICINAL_TEST_SEED=7"\n${FAILS}`],
  ])('%s is failed at once', (_, first) => {
    expect(ran(RETRY, first, PASSES)).toMatchObject({ failed: 1, unsteady: [] })
  })
})
