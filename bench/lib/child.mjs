// Runs a case (case.mjs) in a process of its own.
import { fork } from 'node:child_process'
import { join } from 'node:path'
import { BENCH } from './datasets.mjs'

/** Memory for parsing 300 MB of JSON; indexes live outside of this heap. */
const HEAP_MB = 4096
/** For the memory case: garbage of the harness is kept from growing the heap by tens of megabytes. */
const SMALL_YOUNG_GENERATION = '--max-semi-space-size=1'

export const say = (text) => process.stderr.write(`bench: ${text}\n`)

export function inChild(what, name, options) {
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
