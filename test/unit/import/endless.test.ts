/** Wrong rows of an input that does not end: they are told as they come, and `stop` stops at the first one. */
import { spawn } from 'node:child_process'
import { existsSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { ended } from '../cli/process.js'
import { temporaryFolder } from './sample-files.js'

const MINUTES = 600_000
const MAIN = join(import.meta.dirname, '../../../dist/cli/main.js')
const ARGS = ['import', '-', '--format', 'json', '--collection', 'c', '--errors', 'errors.jsonl', '--on-error']

function importing(folder: string, onError: string) {
  const env = { PATH: process.env.PATH, HOME: folder, XDG_STATE_HOME: join(folder, 'state') }
  const child = spawn(process.execPath, [MAIN, ...ARGS, onError], { cwd: folder, env, stdio: 'pipe' })
  onTestFinished(() => void child.kill('SIGKILL'))
  child.stdin.on('error', () => undefined)
  child.stdin.write('{"id":1,"vector":[1,2]}\n')
  return child
}

test('`stop` ends at a row that cannot be read, and does not wait for the end of the input', {
  timeout: MINUTES,
}, async () => {
  const child = importing(temporaryFolder(), 'stop')
  child.stdin.write('garbage\n'.repeat(1_000))
  expect(await ended(child)).toMatchObject({ code: 1, stderr: expect.stringContaining('standard input: row 1:') })
})

test('rows that cannot be read are told as they come, and not gathered to the end', { timeout: MINUTES }, async () => {
  const folder = temporaryFolder()
  const child = importing(folder, 'skip')
  child.stdin.write('garbage\n'.repeat(20_000))
  const errors = join(folder, 'errors.jsonl')
  await expect.poll(() => existsSync(errors) && statSync(errors).size, { timeout: MINUTES / 10 }).toBeGreaterThan(0)
  child.stdin.end()
  expect(await ended(child)).toMatchObject({ code: 0, stdout: 'c: 1 points\n' })
})
