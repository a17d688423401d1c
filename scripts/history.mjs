// Long histories of several nodes under faults. Imports only node: modules.
import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { path, say } from './process.mjs'

const USAGE = 'usage: npm run history -- [--rounds 200] [--seed N] [--store file|s3]'
const STORES = ['file', 's3']
const FOLDER = '.cache/histories'
const FORMS = { rounds: /^[1-9]\d{0,5}$/, seed: /^\d{1,10}$/, store: /^(file|s3)$/ }

/** Null where an option is unknown, or has another form. */
export function optionsOf(args) {
  const options = { rounds: '200' }
  for (let at = 0; at < args.length; at += 2) {
    const name = /^--(rounds|seed|store)$/.exec(args[at])?.[1]
    if (name === undefined || !FORMS[name].test(args[at + 1] ?? '')) return null
    options[name] = args[at + 1]
  }
  return options
}

/**
 * Resolves to the exit code. The first signal lets the present round end, with all checks of the end; the second kills.
 * Either way the report of the rounds so far is printed.
 */
export async function history(options) {
  const seed = options.seed ?? String(Date.now() % 1_000_000_007)
  mkdirSync(path(FOLDER), { recursive: true })
  const stop = path(FOLDER, `stop-${process.pid}`)
  const reports = STORES.map((store) => ({ store, file: path(FOLDER, `${store}-${seed}.report.json`) }))
  for (const file of [stop, ...reports.map(({ file }) => file)]) rmSync(file, { force: true })
  const args = ['run', '--root', path(''), '--config', path('vitest.config.ts'), '--project', 'main']
  const child = spawn(
    process.execPath,
    [path('node_modules/vitest/vitest.mjs'), ...args, 'test/stores/history.test.ts'],
    {
      stdio: ['ignore', 2, 2],
      // A group of its own, which Ctrl-C at the terminal does not reach.
      detached: true,
      env: {
        ...process.env,
        NODE_ENV: 'test',
        VICINAL_TEST_SEED: seed,
        VICINAL_ROUNDS: options.rounds,
        VICINAL_HISTORY_STOP: stop,
        ...(options.store === undefined ? {} : { VICINAL_HISTORY_STORE: options.store }),
      },
    },
  )
  const onSignal = () => {
    if (existsSync(stop)) return process.kill(-child.pid, 'SIGKILL')
    writeFileSync(stop, '')
    say('history: the present round is the last; once more to end it at once')
  }
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, onSignal)
  const code = await new Promise((resolve) => child.once('exit', resolve))
  rmSync(stop, { force: true })
  for (const { store, file } of reports) if (existsSync(file)) tell(store, seed, file)
  say(`history: ${code === 0 ? 'no violation' : 'failed, see above'}; --seed ${seed} repeats it`)
  return code ?? 1
}

function tell(store, seed, file) {
  const { of, done, seconds, ...rest } = JSON.parse(readFileSync(file, 'utf8'))
  say(`history: ${store}, seed ${seed}: ${done} of ${of} rounds in ${seconds} s: ${JSON.stringify(rest)}`)
}

export const usage = () => {
  say(USAGE)
  return 2
}
