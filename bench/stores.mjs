#!/usr/bin/env node
// Figures of a database on an object store beside the same in a folder: one run, one process a figure.
//
//   npm run stores -- [--rows N] [--put-ms 0,30,100] [--as-is]
//
// `words` is the data. `file` is a folder as a store. `s3` is the store of the tests, whose PUTs take the given time more.
import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { inChild, say } from './lib/child.mjs'
import { dataset, isPrepared, runFolder, startRun } from './lib/datasets.mjs'
import { startSlowStore } from './lib/slow-store.mjs'
import { fixed, mb, round, table } from './lib/table.mjs'

const { values } = parseArgs({
  options: {
    rows: { type: 'string', default: '0' },
    'put-ms': { type: 'string', default: '0,30,100' },
    'as-is': { type: 'boolean', default: false },
  },
})

async function main() {
  const limit = Number(values.rows)
  const install = await import('./lib/install.mjs')
  if (!values['as-is']) install.prepareProduct()
  install.installPeers({ yardstick: false })
  const set = dataset('words', limit)
  if (!isPrepared(set)) await inChild('preparing words', 'prepare', { data: 'words', limit })
  startRun()
  const folder = join(runFolder(), 'stores')
  mkdirSync(folder, { recursive: true })
  const local = await measured('folder', { address: join(folder, 'folder'), env: {} }, { limit, folder })
  const file = await measured('file', { address: `file://${join(folder, 'file')}`, env: {} }, { limit, folder })
  const rows = [local, file]
  for (const putMs of values['put-ms'].split(',').map(Number)) {
    const store = await startSlowStore(putMs)
    try {
      rows.push({ ...(await measured(`s3, PUT + ${putMs} ms`, store, { limit, folder })), requests: store.counts })
    } finally {
      store.stop()
    }
  }
  print(rows, local)
  rmSync(folder, { recursive: true, force: true })
}

async function measured(name, { address, env }, { limit, folder }) {
  const cache = (leaf) => join(folder, `${name.replace(/\W+/g, '-')}-${leaf}`)
  const owner = { address, env, limit, cache: cache('owner') }
  const written = await inChild(`${name}: writing`, 'storeWrite', owner)
  if (name === 'folder') return { name, ...written }
  const searchable = await inChild(`${name}: until a reader has it`, 'storeLag', { ...owner, reader: cache('reader') })
  const cold = await inChild(`${name}: an empty node`, 'storeCold', { ...owner, cache: cache('cold') })
  return { name, ...written, searchable, cold }
}

function print(rows, local) {
  const ingest = rows.map((row) => [
    row.name,
    round(row.pointsPerSecond),
    fixed(row.pointsPerSecond / local.pointsPerSecond),
    `${fixed(row.acknowledged.p50, 1)}, ${fixed(row.acknowledged.p99, 1)}`,
    row.searchable ? `${fixed(row.searchable.p50, 1)}, ${fixed(row.searchable.p99, 1)}` : '–',
    row.requests ? JSON.stringify(row.requests) : '–',
  ])
  const heads = [
    'place',
    'points/s',
    'over the folder',
    'acknowledged ms, p50, p99',
    'on a reader ms, p50, p99',
    'requests',
  ]
  process.stdout.write(`\n${table(heads, ingest)}\n`)
  const cold = rows
    .filter((row) => row.cold)
    .map((row) => [
      row.name,
      fixed(row.cold.firstAnswerSeconds, 3),
      fixed(local.buildSeconds / row.cold.firstAnswerSeconds, 1),
      mb(row.cold.bytesAtFirst),
      mb(row.cold.bytesAfter),
    ])
  const coldHeads = ['place', 'first answer s', 'a rebuild takes × as long', 'fetched by then', 'after 200 queries']
  process.stdout.write(
    `\n${table(coldHeads, cold)}\n\na rebuild of the index in the folder: ${fixed(local.buildSeconds, 1)} s\n`,
  )
}

main().catch((error) => {
  say(error.stack)
  process.exitCode = 1
})
