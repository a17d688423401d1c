/** The script of long histories: it can be stopped early, and tells of the rounds that it did. */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { expect, onTestFinished, test } from 'vitest'
import { REPOSITORY } from '../durability/child.js'

const SCRIPT = ['scripts/run.mjs', 'history']

test.each([['--rounds', '0'], ['--rounds'], ['--store', 'gs'], ['--seed', '-1'], ['200']])(
  'options of another form are refused: %s %s',
  (...args) => {
    const { status, stderr } = spawnSync(process.execPath, [...SCRIPT, ...args], { cwd: REPOSITORY, encoding: 'utf8' })
    expect([status, stderr]).toEqual([2, expect.stringContaining('usage: npm run history')])
  },
)

test('a run that is told to stop ends its round, checks the end, and tells of its rounds', async () => {
  const args = [...SCRIPT, '--rounds', '500', '--store', 'file', '--seed', '20261202']
  const child = spawn(process.execPath, args, { cwd: REPOSITORY, stdio: ['ignore', 'ignore', 'pipe'] })
  onTestFinished(() => {
    // The first lets it end, the second does not.
    if (child.exitCode === null) for (const signal of ['SIGTERM', 'SIGINT'] as const) child.kill(signal)
  })
  let told = ''
  const exited = once(child, 'exit')
  for await (const text of child.stderr) {
    const wasOf = told.includes('round 1 of 500')
    told += text
    if (!wasOf && told.includes('round 1 of 500')) child.kill('SIGINT')
  }
  expect((await exited)[0], told).toBe(0)
  expect(told).toMatch(/file, seed 20261202: [12] of 500 rounds in \d+ s: .*"points":\d+/)
  expect(told).toContain('no violation; --seed 20261202 repeats it')
})
