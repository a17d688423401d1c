// One system builds its index of one data set and leaves it in its folder.
import { rmSync } from 'node:fs'
import { chunks, dataset, shape, workFolder } from '../lib/datasets.mjs'
import { residentBytes, timed } from '../lib/measure.mjs'
import { SYSTEMS } from '../systems/index.mjs'

/** Rows handed over at a time. */
const CHUNK_ROWS = 10_000

export async function build({ system, data, limit, m, efConstruct }) {
  const set = dataset(data, limit)
  const adapter = await SYSTEMS[system]()
  const folder = workFolder(set, system.replace(' ', '-'))
  rmSync(folder, { recursive: true, force: true })
  const { count, dim } = shape(set.base)
  const store = await adapter.create({ folder, set, capacity: count, m, efConstruct })
  const before = await residentBytes()
  let added = 0
  const took = await timed(async () => {
    const adding = await timed(async () => {
      for (const chunk of chunks(set.base, CHUNK_ROWS)) await store.add(chunk)
    })
    added = adding.wall
    await store.finish()
  })
  await store.settle?.()
  const grown = (await residentBytes()) - before
  await store.close()
  const graphBytes = (await store.graphBytes?.()) ?? null
  const codeBytes = (await store.codeBytes?.()) ?? null
  return {
    rows: count,
    vectorBytes: count * dim * 4,
    graphBytes,
    codeBytes,
    addSeconds: added,
    wallSeconds: took.wall,
    cpuSeconds: took.cpu,
    rssGrowth: grown,
    threads: adapter.buildThreads,
    note: adapter.note,
  }
}
