/** The form of log lines on stderr, as `--log-format` decides it. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { listening, start, vicinal } from '../unit/cli/process.js'
import { PATIENCE } from './collector.js'

function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'vicinal-logs-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

test.each([
  ['text', /^\d\d:\d\d:\d\d\.\d{3} INFO {2}opened collections=0 records=0 seconds=[\d.]+$/m],
  ['json', /^\{"level":"info".*"collections":0,.*"msg":"opened"\}$/m],
  // stderr is no terminal here.
  ['auto', /^\{"level":"info".*"msg":"opened"\}$/m],
])('--log-format %s', async (format, line) => {
  const child = start(['serve', '--port', '0', '--log-format', format], temporaryFolder())
  let log = ''
  child.stderr?.on('data', (text) => {
    log += text
  })
  await listening(child)
  await expect.poll(() => log, PATIENCE).toMatch(line)
  child.kill('SIGTERM')
  await expect.poll(() => child.exitCode, PATIENCE).toBe(0)
})

test('--log-format of another word is refused', async () => {
  const { code, stderr } = await vicinal(['serve', '--log-format', 'xml'], temporaryFolder())
  expect(code).toBe(2)
  expect(stderr).toContain('--log-format: expected text, json or auto, got xml')
})
