/** Parquet files that are small and unpack to much, or lie about it: flat memory, or an error. */
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileWriter, ParquetWriter } from 'hyparquet-writer'
import { expect, test } from 'vitest'
import { temporaryFolder, writeParquet } from './sample-files.js'

const MINUTES = 600_000
const MOST_RESIDENT_KB = 900_000
const MAIN = join(import.meta.dirname, '../../../dist/cli/main.js')

/** Runs an import, and tells the most memory that it had resident. */
function run(folder: string, path: string): { code: number | null; stderr: string; residentKb: number } {
  const told = join(folder, 'resident')
  const script = `process.on('exit', () => require('node:fs').writeFileSync(${JSON.stringify(told)}, String(process.resourceUsage().maxRSS)))`
  writeFileSync(join(folder, 'tell.cjs'), script)
  const args = ['--require', join(folder, 'tell.cjs'), MAIN, 'import', path, '--collection', 'c', '--dry-run']
  const { status, stderr } = spawnSync(process.execPath, args, { cwd: folder })
  return { code: status, stderr: String(stderr), residentKb: existsSync(told) ? Number(readFileSync(told, 'utf8')) : 0 }
}

test('a page header that claims two gigabytes is refused', { timeout: MINUTES }, () => {
  const folder = temporaryFolder()
  const path = join(folder, 'lies.parquet')
  writeParquet(path, 100, 100)
  const bytes = readFileSync(path)
  // The first page header: its third field is the size of the page, unpacked, as a zigzag varint.
  const at = bytes.indexOf(Buffer.from([0x15]), 4)
  bytes.set([0xfe, 0xff, 0xff, 0xff, 0x0f], at + 3)
  writeFileSync(path, bytes)
  const { code, stderr, residentKb } = run(folder, path)
  expect(code).toBe(1)
  expect(stderr).toMatch(/lies\.parquet: /)
  expect(stderr).not.toMatch(/^ {4}at /m)
  expect(residentKb).toBeLessThan(MOST_RESIDENT_KB)
})

test('a small file whose texts unpack to 300 MB is read in flat memory', { timeout: MINUTES }, () => {
  const folder = temporaryFolder()
  const path = join(folder, 'bomb.parquet')
  const rows = 600
  const text = 'x'.repeat(500_000)
  const writer = new ParquetWriter({
    writer: fileWriter(path),
    schema: [
      { name: 'root', num_children: 2 },
      { name: 'vector', repetition_type: 'OPTIONAL', num_children: 1, converted_type: 'LIST' },
      { name: 'list', repetition_type: 'REPEATED', num_children: 1 },
      { name: 'element', type: 'FLOAT', repetition_type: 'OPTIONAL' },
      { name: 'text', type: 'BYTE_ARRAY', converted_type: 'UTF8', repetition_type: 'OPTIONAL' },
    ],
  })
  void writer.write({
    rowGroupSize: rows,
    pageSize: 1_000_000,
    columnData: [
      { name: 'vector', data: Array.from({ length: rows }, () => [1, 2]) },
      { name: 'text', data: Array.from({ length: rows }, () => text) },
    ],
  })
  void writer.finish()
  expect(statSync(path).size).toBeLessThan(1_000_000)
  const { code, stderr, residentKb } = run(folder, path)
  expect({ code, stderr }).toMatchObject({ code: 0, stderr: expect.stringContaining('600 rows') })
  expect(residentKb).toBeLessThan(MOST_RESIDENT_KB)
})
