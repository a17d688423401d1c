// One process on a folder: this build beside another one (`--before`, a built checkout), in alternating runs.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { path } from '../../scripts/process.mjs'
import { DIMENSIONS, vectorOf } from '../lib/store-nodes.mjs'
import { fixed, round, table } from '../lib/table.mjs'

const BATCH_ROWS = 1000

export async function measure({ rows, seconds, runs, before }) {
  const builds = [['this build', path('.')], ...(before === '' ? [] : [['the build before', resolve(before)]])]
  const found = new Map(builds.map(([name]) => [name, []]))
  for (let run = 0; run < Number(runs); run++) {
    // Each build goes first as often as the other.
    for (const [name, checkout] of run % 2 === 0 ? builds : builds.toReversed())
      found.get(name).push(inProcess(checkout, rows, seconds))
  }
  const lines = [...found].map(([name, all]) => [
    name,
    median(all.map(({ points }) => points)),
    median(all.map(({ indexed }) => indexed)),
    median(all.map(({ queries }) => queries)),
  ])
  const [, points, indexed, queries] = lines.at(-1)
  return table(
    ['build', 'points/s', '× before', 'indexed/s', '× before', 'queries/s', '× before'],
    lines.map(([name, a, b, c]) => [
      name,
      ...[round(a), fixed(a / points), round(b), fixed(b / indexed), round(c), fixed(c / queries)],
    ]),
  )
}

const median = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]

function inProcess(checkout, rows, seconds) {
  const { stdout, stderr, status } = spawnSync(
    process.execPath,
    [fileURLToPath(import.meta.url), checkout, rows, seconds],
    { encoding: 'utf8' },
  )
  if (status !== 0) throw new Error(stderr)
  return JSON.parse(stdout)
}

async function oneRun(checkout, rows, seconds) {
  const { open } = await import(pathToFileURL(join(checkout, 'dist/index.js')).href)
  const folder = mkdtempSync(join(tmpdir(), 'vicinal-folder-'))
  const db = await open(folder)
  const things = await db.createCollection('things', { vectors: { size: DIMENSIONS, distance: 'Cosine' } })
  const batches = []
  for (let from = 0; from < rows; from += BATCH_ROWS)
    batches.push(
      Array.from({ length: Math.min(BATCH_ROWS, rows - from) }, (_, at) => ({
        id: from + at,
        vector: vectorOf(from + at),
      })),
    )
  const startedMs = performance.now()
  for (const batch of batches) await things.upsert(batch)
  const points = rows / ((performance.now() - startedMs) / 1000)
  await things.waitForIndex()
  // The graph is built beside the writes: a build that begins earlier takes processors from them.
  const indexed = rows / ((performance.now() - startedMs) / 1000)
  let queries = 0
  const endMs = performance.now() + seconds * 1000
  for (; performance.now() < endMs; queries++) await things.query({ query: vectorOf(queries % rows), limit: 10 })
  await db.close()
  rmSync(folder, { recursive: true, force: true })
  return { points, indexed, queries: queries / seconds }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [checkout, rows, seconds] = process.argv.slice(2)
  process.stdout.write(JSON.stringify(await oneRun(checkout, Number(rows), Number(seconds))))
}
