/** An import under rules that breaks off goes on where it was: each row is stored, in quarantine, and told once. */
import { once } from 'node:events'
import { existsSync, readdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { IngestionRule } from '../../../src/core/schema.js'
import type { Progressed } from '../../../src/import/resume-state.js'
import { open } from '../../../src/index.js'
import { start, vicinal } from '../cli/process.js'
import { temporaryFolder } from './sample-files.js'

const MINUTES = 600_000
const DIM = 16
const ERRORS = ['--errors', 'errors.jsonl']
const SKIP = ['--collection', 'photos', '--on-error', 'skip', ...ERRORS]

async function withRules(folder: string, ...rules: readonly IngestionRule[]): Promise<void> {
  const database = await open(join(folder, 'data'))
  const ingestion = { quarantine: 'aside', rules }
  await database.createCollection('photos', { vectors: { size: DIM, distance: 'Dot' }, ingestion })
  await database.close()
}

const point = (id: number, first = 1) => `${JSON.stringify({ id, vector: [first, ...new Array(DIM - 1).fill(0)] })}\n`
const toldRows = (folder: string) =>
  readFileSync(join(folder, 'errors.jsonl'), 'utf8')
    .split('\n')
    .filter(Boolean)
    .map((line) => (JSON.parse(line) as { row: number }).row)

test('an import whose last row was refused goes on, and knows what it has put aside', {
  timeout: MINUTES,
}, async () => {
  const folder = temporaryFolder()
  await withRules(folder, { check: 'zero', action: 'quarantine' })
  writeFileSync(join(folder, 'a.jsonl'), point(1) + point(2) + point(3, 0))
  const [whole, b] = [point(4), join(folder, 'b.jsonl')]
  // Its size and date are part of the command.
  const date = new Date('2026-01-01')
  writeFileSync(b, ' '.repeat(whole.length))
  utimesSync(b, date, date)
  const command = ['import', 'a.jsonl', 'b.jsonl', ...SKIP]
  expect(await vicinal(command, folder)).toMatchObject({ code: 2, stderr: expect.stringContaining('has no rows') })
  writeFileSync(b, whole)
  utimesSync(b, date, date)
  const ran = await vicinal(command, folder)
  expect(ran).toMatchObject({ code: 0, stdout: 'photos: 3 points\n' })
  expect(ran.stderr).toContain('resuming after 3 points of an earlier run')
  expect(ran.stderr).toContain('1 of them are in the quarantine')
  expect(ran.stderr).not.toContain('replaced')
  expect(toldRows(folder)).toEqual([2])
})

const ROWS = 200_000
/** Of each hundred rows one breaks a rule, one has a wrong dimension without a rule, and one is no JSON. */
const KINDS: Readonly<Record<number, string>> = { 7: 'zero', 8: 'dimension', 9: 'unread' }

function writeRows(path: string): void {
  const lines: string[] = []
  for (let row = 0; row < ROWS; row++) {
    const kind = KINDS[row % 100]
    if (kind === 'zero') lines.push(point(row, 0))
    else if (kind === 'dimension') lines.push(`{"id":${row},"vector":[1]}\n`)
    else lines.push(kind === 'unread' ? `garbage ${row}\n` : point(row))
  }
  writeFileSync(path, lines.join(''))
}

function notedRow(folder: string): number {
  const states = join(folder, 'state/vicinal/imports')
  const name = existsSync(states) && readdirSync(states).find((one) => one.endsWith('.json'))
  if (!name) return 0
  const { rowsBefore, cursor } = JSON.parse(readFileSync(join(states, name), 'utf8')) as Progressed
  return rowsBefore + cursor.row
}

test('after SIGKILL the same command stores, puts aside and tells each row once', { timeout: MINUTES }, async () => {
  const folder = temporaryFolder()
  await withRules(folder, { check: 'zero', action: 'quarantine' })
  writeRows(join(folder, 'a.jsonl'))
  const command = ['import', 'a.jsonl', ...SKIP]
  for (const [kill, part] of [0.1, 0.3, 0.5].entries()) {
    const killed = start(command, folder)
    killed.stdout?.resume()
    killed.stderr?.resume()
    const end = once(killed, 'exit')
    const isOver = () => killed.exitCode !== null || killed.signalCode !== null
    while (!isOver() && notedRow(folder) < part * ROWS) await new Promise((done) => setTimeout(done, 5))
    // At another place behind the noted row each time.
    await new Promise((done) => setTimeout(done, 30 * kill))
    killed.kill('SIGKILL')
    expect(await end).toEqual([null, 'SIGKILL'])
  }
  const ran = await vicinal(command, folder)
  expect(ran).toMatchObject({ code: 0, stdout: `photos: ${(ROWS * 97) / 100} points\n` })
  expect(ran.stderr).toContain('resuming after')
  expect(ran.stderr).not.toContain('replaced')
  expect(ran.stderr).toContain(`${(ROWS / 100).toLocaleString('en')} of them are in the quarantine`)
  const wrong = Array.from({ length: ROWS }, (_, row) => row).filter((row) => KINDS[row % 100])
  expect(toldRows(folder)).toEqual(wrong)
  const database = await open(join(folder, 'data'))
  expect(await (await database.collection('aside')).count()).toBe(ROWS / 100)
  await database.close()
})
