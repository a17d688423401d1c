// Needs a built tree (`node scripts/run.mjs build`). Shows that `vicinal import` reads files beyond 4 GiB in flat memory: makes one of each of two formats in a
// temporary folder, imports it as `--dry-run` (all of it decoded, nothing stored) or, with --store, into a service
// that it starts, and prints the importer's memory on the way.
//
//   node scripts/import-large.mjs [--store] [--gib 4.2] [--folder DIR]
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, statSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { parseArgs } from 'node:util'
import { fileWriter, ParquetWriter } from 'hyparquet-writer'
import { path, say } from './process.mjs'

const GIB = 1024 ** 3
const MIB = 1024 ** 2
/** Few rows of many dimensions, so that --store ends within minutes on two cores. */
const DIM = 16_384
const ROWS_PER_GROUP = 1024

const { values } = parseArgs({
  options: { store: { type: 'boolean' }, gib: { type: 'string', default: '4.2' }, folder: { type: 'string' } },
})
const rows = Math.ceil((Number(values.gib) * GIB) / (DIM * 4) / ROWS_PER_GROUP) * ROWS_PER_GROUP
const folder = mkdtempSync(join(values.folder ?? tmpdir(), 'vicinal-large-'))
try {
  for (const make of [makeFbin, makeParquet]) {
    const file = await make()
    say(`${file}: ${(statSync(file).size / GIB).toFixed(2)} GiB, ${rows} rows of ${DIM} dimensions`)
    await importFile(file)
    rmSync(file)
  }
} finally {
  rmSync(folder, { recursive: true, force: true })
}

/** Rows of some cheap noise, the same on every run. */
function* rowBlocks() {
  let state = 1
  const block = new Float32Array(ROWS_PER_GROUP * DIM)
  for (let first = 0; first < rows; first += ROWS_PER_GROUP) {
    for (let i = 0; i < block.length; i++) {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0
      block[i] = state / 2 ** 31
    }
    yield block
  }
}

function makeFbin() {
  const file = join(folder, 'large.fbin')
  const handle = openSync(file, 'w')
  writeSync(handle, Uint32Array.of(rows, DIM))
  for (const block of rowBlocks()) writeSync(handle, block)
  closeSync(handle)
  return file
}

/** By another project's writer, in row groups of 64 MiB; this takes some minutes. */
async function makeParquet() {
  const file = join(folder, 'large.parquet')
  const schema = [
    { name: 'root', num_children: 2 },
    { name: 'id', type: 'INT64', repetition_type: 'REQUIRED' },
    { name: 'vector', repetition_type: 'OPTIONAL', num_children: 1, converted_type: 'LIST' },
    { name: 'list', repetition_type: 'REPEATED', num_children: 1 },
    { name: 'element', type: 'FLOAT', repetition_type: 'OPTIONAL' },
  ]
  const writer = new ParquetWriter({ writer: fileWriter(file), schema, codec: 'UNCOMPRESSED', statistics: false })
  let first = 0
  for (const block of rowBlocks()) {
    const ids = BigInt64Array.from({ length: ROWS_PER_GROUP }, (_, i) => BigInt(first + i))
    const vectors = Array.from(ids, (_, i) => Array.from(block.subarray(i * DIM, (i + 1) * DIM)))
    const columnData = [
      { name: 'id', data: ids },
      { name: 'vector', data: vectors, encoding: 'PLAIN' },
    ]
    await writer.write({ columnData, rowGroupSize: ROWS_PER_GROUP })
    first += ROWS_PER_GROUP
  }
  await writer.finish()
  return file
}

async function importFile(file) {
  const target = values.store ? await startService() : null
  const where = target ? ['--url', target.url] : ['--dry-run']
  const args = [path('dist/cli/main.js'), 'import', file, '--collection', 'large', ...where]
  const importer = spawn(process.execPath, args, { stdio: ['ignore', 'inherit', 'inherit'] })
  let most = 0
  const timer = setInterval(() => {
    const mib = residentMib(importer.pid)
    if (mib > most + 16) say(`importer: ${mib} MiB resident`)
    most = Math.max(most, mib)
  }, 100)
  const [code] = await once(importer, 'exit')
  clearInterval(timer)
  if (target) {
    target.child.kill('SIGTERM')
    await once(target.child, 'exit')
  }
  if (code !== 0) throw new Error(`the import ended with exit code ${code}`)
  const times = (statSync(file).size / MIB / most).toFixed(1)
  say(`importer: at most ${most} MiB resident; the file is ${times} times as large`)
}

/** By the kernel's own account; only Linux tells. */
function residentMib(pid) {
  try {
    const line = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))
    return line ? Math.round(Number(line[1]) / 1024) : 0
  } catch {
    return 0
  }
}

async function startService() {
  const args = ['serve', '--port', '0', '--log-level', 'error', '--data', join(folder, 'data')]
  const child = spawn(process.execPath, [path('dist/cli/main.js'), ...args], { stdio: ['ignore', 'pipe', 'inherit'] })
  for await (const line of createInterface({ input: child.stdout })) {
    const url = /listening on (\S+),/.exec(line)?.[1]
    if (url) return { child, url }
  }
  throw new Error('the service did not start')
}
