import { once } from 'node:events'
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import * as arrow from 'apache-arrow'
import { expect, test } from 'vitest'
import { connect } from '../../../src/client/index.js'
import { uuidOfText } from '../../../src/core/text-ids.js'
import type { Progressed } from '../../../src/import/resume-state.js'
import { open } from '../../../src/index.js'
import { serve, start, vicinal } from '../cli/process.js'
import * as files from './sample-files.js'

test('several files of several formats become one collection that finds its vectors', async () => {
  const folder = files.temporaryFolder()
  files.writeParquet(join(folder, 'a.parquet'), 50, 20)
  writeFileSync(
    join(folder, 'b.jsonl'),
    files
      .rowsFrom(50, 50)
      .map((row) => JSON.stringify({ id: row, vector: files.vectorOf(row), text: `row ${row}` }))
      .join('\n'),
  )
  const args = ['import', 'a.parquet', 'b.jsonl', '--collection', 'rows', '--distance', 'Euclid']
  expect(await vicinal(args, folder)).toMatchObject({ code: 0, stdout: 'rows: 100 points\n' })

  const db = await open(join(folder, 'data'))
  const rows = await db.collection('rows')
  for (const row of [0, 49, 50, 99]) {
    const [hit] = await rows.query({ query: files.vectorOf(row), limit: 1 })
    expect(hit).toMatchObject({ id: row, score: 0, payload: { text: `row ${row}` } })
  }
  await db.close()
})

test('the collection is complete, indexed and whole on disk when the command ends', async () => {
  const folder = files.temporaryFolder()
  writeFileSync(join(folder, 'a.arrow'), arrow.tableToIPC(files.arrowTable(3000, 1000), 'file'))
  const { code, stderr } = await vicinal(['import', 'a.arrow', '--collection', 'rows'], folder)
  expect(code).toBe(0)
  expect(stderr).toMatch(/importing: 3,000 points in [\d.]+ s/)
  expect(stderr).toMatch(/indexing : 3,000 vectors/)
  // Progress is drawn only in terminals.
  for (const drawn of ['\r', '\u001b', '█']) expect(stderr).not.toContain(drawn)
  expect(await vicinal(['inspect', 'data'], folder)).toMatchObject({ code: 0 })
})

test('text ids become UUIDs of version 5, also in a service, and keep their text', async () => {
  const folder = files.temporaryFolder()
  files.writeParquet(join(folder, 'a.parquet'), 3, 3, { idType: 'STRING', ids: ['x', 'y', 'z'] })
  const keyFile = join(folder, 'key')
  writeFileSync(keyFile, 'secret\n')
  const { child, url } = await serve(['--api-key-file', keyFile], folder)
  const args = ['import', 'a.parquet', '--collection', 'rows', '--url', url]
  expect(await vicinal(args, folder)).toMatchObject({ code: 1, stderr: expect.stringContaining('UNAUTHENTICATED') })
  expect(await vicinal([...args, '--api-key-file', keyFile], folder)).toMatchObject({ code: 0 })
  const db = await connect(url, { apiKey: 'secret' })
  const [point] = await (await db.collection('rows')).retrieve([uuidOfText('y')])
  expect(point?.payload).toEqual({ id: 'y', text: 'row 1' })
  await db.close()
  child.kill('SIGTERM')
  expect(await once(child, 'exit')).toEqual([0, null])
})

const ROWS = 60_000
const RESUMED = ['import', 'a.fbin', 'b.fbin', '--collection', 'rows']

/** Stops an import of two files within the first one. Resolves to the rows noted as done. */
async function stopHalfway(folder: string, signal: 'SIGKILL' | 'SIGINT'): Promise<number> {
  files.writeRandomFbin(join(folder, 'a.fbin'), ROWS, 16)
  files.writeRandomFbin(join(folder, 'b.fbin'), 1000, 16)
  // On a busy machine the moment may be missed.
  for (let tries = 0; tries < 10; tries++) {
    const killed = start(RESUMED, folder)
    killed.stdout?.resume()
    killed.stderr?.resume()
    const end = once(killed, 'exit')
    const hasEnded = () => killed.exitCode !== null || killed.signalCode !== null
    while (!hasEnded() && !((notedRows(folder)[0] ?? 0) > 0)) await new Promise((done) => setTimeout(done, 5))
    killed.kill(signal)
    const ended = await end
    const [at = 0] = notedRows(folder)
    // An import that has ended was not stopped in time; any other was running.
    if (ended[0] !== 0) {
      expect(ended).toEqual(signal === 'SIGKILL' ? [null, signal] : [130, null])
      expect(at).toBeGreaterThan(0)
      if (at < ROWS) return at
    }
    for (const made of ['data', 'state']) rmSync(join(folder, made), { recursive: true, force: true })
  }
  return expect.unreachable('it never stopped within the first file')
}

function notedRows(folder: string): number[] {
  const folderOfStates = join(folder, 'state/vicinal/imports')
  if (!existsSync(folderOfStates)) return []
  const names = readdirSync(folderOfStates).filter((name) => name.endsWith('.json'))
  const states = names.map((name) => JSON.parse(readFileSync(join(folderOfStates, name), 'utf8')) as Progressed)
  return states.map(({ rowsBefore, cursor }) => rowsBefore + cursor.row)
}

test.each(['SIGKILL', 'SIGINT'] as const)('after %s an import resumes and ends with every row once', async (signal) => {
  const folder = files.temporaryFolder()
  const at = await stopHalfway(folder, signal)
  const again = await vicinal(RESUMED, folder)
  expect(again).toMatchObject({ code: 0, stdout: `rows: ${ROWS + 1000} points\n` })
  expect(again.stderr).toContain(`resuming after ${at.toLocaleString('en')} points of an earlier run`)
  // No state is left, so the same command would now import again.
  expect(notedRows(folder)).toEqual([])
  const db = await open(join(folder, 'data'))
  const rows = await db.collection('rows')
  expect(await rows.count()).toBe(ROWS + 1000)
  const ends = await rows.retrieve([0, at, ROWS - 1, ROWS, ROWS + 999], { withVector: true })
  expect(ends.map(({ id }) => id)).toEqual([0, at, ROWS - 1, ROWS, ROWS + 999])
  await db.close()
})

test('a killed import whose data is gone starts over', async () => {
  const folder = files.temporaryFolder()
  await stopHalfway(folder, 'SIGKILL')
  rmSync(join(folder, 'data'), { recursive: true })
  const again = await vicinal(RESUMED, folder)
  expect(again).toMatchObject({ code: 0, stdout: `rows: ${ROWS + 1000} points\n` })
  expect(again.stderr).not.toContain('resuming')
})

test.each([
  [['import'], 2, 'name at least one file'],
  [['import', 'a.fbin'], 2, '--collection NAME is required'],
  [['import', 'a.xyz', '--collection', 'c'], 2, 'unknown ending'],
  [['import', 'none.npy', '--collection', 'c'], 1, 'none.npy: no such file'],
  [['import', 'a.npy', '--collection', 'c', '--distance', 'Near'], 2, 'expected one of Cosine'],
  [['inspect'], 2, 'name one folder'],
  [['inspect', 'none'], 1, 'no such folder'],
  [['serve', '--host', '0.0.0.0'], 1, 'without an API key'],
  [['bogus'], 2, 'no command bogus'],
])('%j ends with code %i and says why', async (args, code, message) => {
  const ran = await vicinal(args, files.temporaryFolder())
  expect(ran).toMatchObject({ code, stderr: expect.stringContaining(message) })
  // One line, no stack.
  expect(
    ran.stderr
      .trim()
      .split('\n')
      .filter((line) => line.startsWith('    at ')),
  ).toEqual([])
})
