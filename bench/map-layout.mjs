// How well a map keeps neighbours, and how long its layout takes: the share of the 15 neighbours of points that are among
// their 50 nearest on the plane. Of a data set that bench.mjs has prepared, without a browser.
//
//   node bench/map-layout.mjs [--data words] [--points 20000] [--package]
//   --package: the projection of embedding-atlas beside it, which takes minutes for many points
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { rolldown } from 'rolldown'
import { chunks, dataset } from './lib/datasets.mjs'

const text = { type: 'string' }
const { values } = parseArgs({ options: { data: text, points: text, package: { type: 'boolean' } } })
const LENGTH = 15
const NEAR = 50
const LOOKED_AT = 1_000
const PAGE = 4_096
const BATCH = 1_000
const SEED = 7
/** Its entry wants a browser; this part of it does not. */
const PACKAGE = new URL('../node_modules/embedding-atlas/dist/umap.js', import.meta.url).href

const folder = mkdtempSync(join(tmpdir(), 'vicinal-layout-'))
try {
  const { layoutOf, NeighbourLists } = await bundled()
  const lists = await listsOf(new NeighbourLists())
  const count = lists.ids.length
  const own = timed(() => layoutOf({ ...lists, count }, () => undefined))
  console.log(`${count} points: ${own.seconds} s, ${kept(lists, own.value)} % of neighbours kept`)
  if (values.package) {
    const { createUMAPFromKNN } = await import(PACKAGE)
    const startedMs = performance.now()
    const umap = await createUMAPFromKNN(count, 2, lists.places, lists.distances, { seed: SEED })
    await umap.run()
    const seconds = ((performance.now() - startedMs) / 1000).toFixed(1)
    console.log(`embedding-atlas: ${seconds} s, ${kept(lists, umap.embedding)} % of neighbours kept`)
  }
} finally {
  rmSync(folder, { recursive: true, force: true })
}

/** The layout as the console has it. */
async function bundled() {
  const source = (name) => new URL(`../src/console/map/${name}.ts`, import.meta.url).pathname
  const bundle = await rolldown({ input: [source('layout'), source('neighbour-lists')] })
  await bundle.write({ dir: folder, format: 'esm', entryFileNames: '[name].mjs' })
  return { ...(await import(join(folder, 'layout.mjs'))), ...(await import(join(folder, 'neighbour-lists.mjs'))) }
}

/** The neighbours by the index, as the service tells them. */
async function listsOf(lists) {
  const { open } = await import('../dist/index.js')
  const { base, dim, distance } = dataset(values.data ?? 'words')
  const most = Number(values.points ?? Number.POSITIVE_INFINITY)
  const database = await open(':memory:')
  const collection = await database.createCollection('map', { vectors: { size: dim, distance } })
  for (const { from, rows, data } of chunks(base, BATCH)) {
    const wanted = Math.min(rows, most - from)
    if (wanted <= 0) break
    const vectorAt = (row) => data.subarray(row * dim, (row + 1) * dim)
    await collection.upsert(Array.from({ length: wanted }, (_, row) => ({ id: from + row, vector: vectorAt(row) })))
  }
  await collection.waitForIndex()
  for (let offset = null; ; ) {
    const page = await collection.neighbours({ limit: PAGE, neighbours: LENGTH, offset })
    lists.add(page)
    offset = page.nextOffset
    if (offset === null) break
  }
  await database.close()
  return lists.lists()
}

function timed(work) {
  const startedMs = performance.now()
  const value = work()
  return { value, seconds: ((performance.now() - startedMs) / 1000).toFixed(1) }
}

/** Of points spread over all. */
function kept({ ids, length, places }, plane) {
  const count = ids.length
  const step = Math.max(1, Math.floor(count / LOOKED_AT))
  const apart = new Float32Array(count)
  let [found, asked] = [0, 0]
  for (let point = 0; point < count; point += step) {
    for (let other = 0; other < count; other++) {
      apart[other] = (plane[2 * other] - plane[2 * point]) ** 2 + (plane[2 * other + 1] - plane[2 * point + 1]) ** 2
    }
    const farthest = apart.slice().sort()[NEAR]
    for (const other of places.subarray(point * length, (point + 1) * length)) {
      asked++
      if (apart[other] <= farthest) found++
    }
  }
  return ((100 * found) / asked).toFixed(1)
}
