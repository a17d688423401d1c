// Runs the program of the kernel's tests. With VICINAL_TEST_RETRY, tests that failed are run once more at once, in the
// same variant; those that pass then are unsteady. Never after a crash, a sanitizer's report or a round of fuzzing: a
// random find there is a true one.
import { spawn } from 'node:child_process'
import { say } from './process.mjs'

/** More failures at once are no chance. */
export const MOST_UNSTEADY = 2
const LINES_OF_FAILURE = 12

export function execute(command, args, options = {}) {
  return new Promise((resolve) => {
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], ...options })
    let output = ''
    child.stdout.on('data', (chunk) => {
      output += chunk
    })
    child.stderr.on('data', (chunk) => {
      output += chunk
    })
    child.on('error', (error) => resolve({ status: -1, output: String(error) }))
    child.on('close', (status, signal) =>
      resolve({ status: status ?? -1, output: output + (signal ? `\n${signal}` : '') }),
    )
  })
}

/** Lines of tests about themselves: how long they took, how much they did. */
const TOLD = /^ {2}(?:[\d.]+ s: |of ).*$/gm

/** A failed check of a test. */
const CHECKED = /^ {2}\S+:\d+: /
const IS_FIND = /Sanitizer|runtime error:|^ {2}the round: /m

/** Sums up to { passed, failed, failures, unsteady }; the last two are texts that name variant, test and checks. */
export async function runTests(name, program, run, filters) {
  const title = [name, run.env.VICINAL_ISA, run.env.VICINAL_TEST_PART].filter(Boolean).join(' ')
  const first = await runOnce(title, program, run, filters)
  const { passed, failed } = first
  const failures = failed === 0 ? [] : textsOf(title, first)
  if (!process.env.VICINAL_TEST_RETRY || !mayBeChance(first)) return { passed, failed, failures, unsteady: [] }
  // Of chosen tests a part may have none.
  const { VICINAL_TEST_PART, ...env } = run.env
  const names = first.broken.map(({ test }) => test)
  const again = await runOnce(`${title}, once more`, program, { ...run, env }, names)
  if (again.failed > 0) return { passed, failed, failures, unsteady: [] }
  return { passed: passed + failed, failed: 0, failures: [], unsteady: failures }
}

const textsOf = (title, { broken }) =>
  broken.length === 0
    ? [`${title}: it ended without a sum`]
    : broken.map(({ test, checks }) => `${title}: ${[test, ...checks.slice(0, LINES_OF_FAILURE)].join('\n')}`)

const mayBeChance = ({ status, failed, broken, output }) =>
  status === 1 && failed > 0 && failed <= MOST_UNSTEADY && broken.length === failed && !IS_FIND.test(output)

/** For the run that counts seconds, which reads our output. */
export const tellTime = (what, seconds) => process.stdout.write(`native: "${what}" took ${seconds} s\n`)

async function runOnce(title, program, run, filters) {
  const [command, ...args] = [...(run.prefix ?? []), program, ...filters]
  const started = performance.now()
  const { status, output } = await execute(command, args, { env: { ...process.env, ...run.env } })
  const counts = /^(\d+) passed, (\d+) failed$/m.exec(output)
  const passed = Number(counts?.[1] ?? 0)
  const failed = Number(counts?.[2] ?? 0)
  const seconds = ((performance.now() - started) / 1000).toFixed(1)
  say(`native tests, ${title}: ${passed} passed, ${failed} failed in ${seconds} s`)
  tellTime(`native tests, ${title}`, seconds)
  const isWhole = status === 0 && counts
  for (const told of isWhole ? (output.match(TOLD) ?? []) : [output]) say(told)
  return { status, output, passed, failed: isWhole ? 0 : Math.max(failed, 1), broken: isWhole ? [] : brokenIn(output) }
}

/** The failed tests, each with its failed checks, which stand before its name. */
function brokenIn(output) {
  const broken = []
  let checks = []
  for (const line of output.split('\n')) {
    if (CHECKED.test(line)) checks.push(line.trim())
    if (!line.startsWith('FAILED ')) continue
    broken.push({ test: line.slice('FAILED '.length), checks })
    checks = []
  }
  return broken
}
