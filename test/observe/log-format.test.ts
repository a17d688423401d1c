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
  ['text', /^\d\d:\d\d:\d\d\.\d{3} INFO {2}opened collections=0 unclosed=0 seconds=[\d.]+$/m],
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

test('the start tells which collections may have records to bring back, and each tells its own at its first use', async () => {
  const folder = temporaryFolder()
  const served = async () => {
    const child = start(['serve', '--port', '0', '--log-format', 'json', '--log-level', 'debug'], folder)
    const log = { text: '' }
    child.stderr?.on('data', (text) => {
      log.text += text
    })
    const { url } = await listening(child)
    const ask = (method: string, path: string, body?: object) => {
      const headers = { 'content-type': 'application/json' }
      return fetch(url + path, { method, headers, ...(body ? { body: JSON.stringify(body) } : {}) })
    }
    const lines = (msg: string) =>
      log.text
        .split('\n')
        .filter((line) => line.endsWith(`"msg":"${msg}"}`))
        .map((line) => JSON.parse(line))
    const end = async (signal: 'SIGTERM' | 'SIGKILL') => {
      child.kill(signal)
      await expect.poll(() => child.exitCode ?? child.signalCode, PATIENCE).not.toBeNull()
    }
    return { ask, lines, end }
  }
  const first = await served()
  for (const name of ['a', 'b'])
    await first.ask('PUT', `/collections/${name}`, { vectors: { size: 2, distance: 'Dot' } })
  await first.ask('PUT', '/collections/a/points?wait=true', { points: [{ id: 1, vector: [1, 2] }] })
  await first.end('SIGKILL')

  const second = await served()
  await expect.poll(() => second.lines('opened'), PATIENCE).toMatchObject([{ collections: 2, unclosed: 2 }])
  for (const name of ['a', 'b']) expect((await second.ask('GET', `/collections/${name}`)).status).toBe(200)
  await expect
    .poll(() => second.lines('recovered'), PATIENCE)
    .toMatchObject([{ collection: 'a', records: 1, points: 1 }])
  await expect
    .poll(() => second.lines('opened a collection'), PATIENCE)
    .toMatchObject([{ collection: 'b', records: 0 }])
  await second.end('SIGTERM')

  const third = await served()
  await expect.poll(() => third.lines('opened'), PATIENCE).toMatchObject([{ collections: 2, unclosed: 0 }])
  await third.end('SIGTERM')
})
